"""Which items are held out for measuring, and which ones a training step uses: pure functions."""

import hashlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from gancli.data.mixing import mix

MIN_ITEMS = 20

# Counters of Philox that noise for sampling, which uses the same seeds, never reaches.
_STREAM = [0, 0, 0x0DE4, 0]
_BUCKETS = [0, 0, 0x0DE5, 0]
_ROUNDS = [0, 0, 0x0DE6, 0]

# Up to so many items an epoch is a permutation in memory; a longer one is computed as it is asked.
_MAX_LISTED = 1 << 24


def split(
    names: list[str], holdout: float, limit: int = 10_000
) -> tuple[np.ndarray, np.ndarray]:
    """Divide items by a hash of their names, so that adding files moves few of the others.

    Args:
        names: Distinct names of the items.
        holdout: Fraction to hold out, 0 to 1; at least one item and at most ``limit`` of them.

    Returns:
        Indices to train on and indices held out, int64, ascending. With ``holdout`` 0 or fewer
        than 20 items none can be spared: both hold every index.
    """
    everything = np.arange(len(names), dtype=np.int64)
    if holdout <= 0 or len(names) < MIN_ITEMS:
        return everything, everything
    count = min(max(1, round(len(names) * holdout)), limit, len(names) - 1)
    digests = bytearray()
    for name in names:
        digests += hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    # Sorted as the bytes are, and equal ones by their index; the last column counts first.
    ranked = np.lexsort(np.frombuffer(digests, ">u8").reshape(-1, 4).T[::-1])
    held_out = np.sort(ranked[:count])
    return np.setdiff1d(everything, held_out, assume_unique=True), held_out


def by_length(
    lengths: Callable[[np.ndarray], np.ndarray], count: int, seed: int, step: int, batch: int,
    window: int = 16,
) -> np.ndarray:
    """Return the items of a step, of similar length, as a function of the arguments alone.

    The items that :func:`order` gives a window of steps are sorted by length and dealt out to
    these steps as runs, in an order drawn for each window.

    Args:
        lengths: Returns the lengths of the items at some indices.
        count, seed, step, batch: As for :func:`order`.
        window: Steps in a window.
    """
    window_index, slot = divmod(step, window)
    items = order(count, seed, window_index, window * batch)
    ranked = items[np.argsort(lengths(items), kind="stable")]
    position = int(_generator(_BUCKETS, seed, window_index).permutation(window)[slot])
    return ranked[position * batch : (position + 1) * batch]


def _generator(counter: list[int], seed: int, number: int) -> np.random.Generator:
    key = np.array([seed, number], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


@lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    shuffled = _generator(_STREAM, seed, epoch).permutation(count).astype(np.int32)
    shuffled.setflags(write=False)
    return shuffled


def _scattered(count: int, seed: int, epoch: int, places: np.ndarray) -> np.ndarray:
    """Return what a permutation of ``count`` items has at some places, without listing it.

    A Feistel network permutes the numbers of an even number of bits; one that it sends beyond the
    items goes through it again (cycle walking, Black and Rogaway, 2002).
    """
    half = np.uint64(((count - 1).bit_length() + 1) // 2)
    mask = (np.uint64(1) << half) - np.uint64(1)
    rounds = _generator(_ROUNDS, seed, epoch).integers(0, 1 << 64, 6, np.uint64)

    def permuted(values: np.ndarray) -> np.ndarray:
        left, right = values >> half, values & mask
        for key in rounds:
            left, right = right, left ^ (mix(right ^ key) & mask)
        return (left << half) | right

    values = permuted(places.astype(np.uint64))
    while (beyond := values >= count).any():
        values[beyond] = permuted(values[beyond])
    return values.astype(np.int64)


def order(count: int, seed: int, step: int, batch: int) -> np.ndarray:
    """Return the items of a step: a function of its arguments alone.

    Steps read an endless sequence of epochs, each a new permutation of all items, so every item
    comes up once per epoch; a batch may span epochs and be larger than ``count``.

    Args:
        count: Number of items, at least 1.
        seed: Seed of the run, 0 to 2**64 - 1.
        step: Number of the step, from 0.
        batch: Items per step.

    Returns:
        Indices below ``count``, int64, shape (batch,).
    """
    pieces = []
    start, end = step * batch, (step + 1) * batch
    while start < end:
        epoch, offset = divmod(start, count)
        stop = min(offset + end - start, count)
        if count <= _MAX_LISTED:
            pieces.append(_permutation(count, seed, epoch)[offset:stop])
        else:
            pieces.append(_scattered(count, seed, epoch, np.arange(offset, stop)))
        start += stop - offset
    return np.concatenate(pieces).astype(np.int64)
