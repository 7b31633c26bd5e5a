"""Which items are held out for measuring, and which ones a training step uses: pure functions."""

import hashlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np

MIN_ITEMS = 20
_FREQUENT = 5  # copies of an item that would be held out by chance

# Counters of Philox that noise for sampling, which uses the same seeds, never reaches.
_STREAM = [0, 0, 0x0DE4, 0]
_BUCKETS = [0, 0, 0x0DE5, 0]
_CHUNK = 1 << 20


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


def split_groups(
    keys: np.ndarray, holdout: float, limit: int = 10_000
) -> tuple[np.ndarray, np.ndarray]:
    """Divide items so that equal ones fall on one side, unless they are very frequent.

    An item that is so frequent that several of its copies would be held out by chance is part of
    what there is to learn: with all of its copies on one side, neither side would be like the
    whole. Its copies are divided in proportion.

    Args:
        keys: A hash of each item, uint64, shape (items,); equal items have equal hashes.
        holdout: Fraction to hold out, 0 to 1; at least one item and at most ``limit`` of them.

    Returns:
        As :func:`split`; with fewer than 20 different items none is held out, either.
    """
    everything = np.arange(len(keys), dtype=np.int64)
    ranked = np.sort(keys)
    firsts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    if holdout <= 0 or len(firsts) < MIN_ITEMS:
        return everything, everything
    max_held_out = min(max(1, round(len(keys) * holdout)), limit, len(keys) - 1)
    counts = np.diff(firsts, append=len(keys))
    every = -(-len(keys) // max_held_out)  # one in so many copies of a frequent item is held out
    frequent = counts >= _FREQUENT * every
    if (~frequent).sum() < MIN_ITEMS:
        frequent[:] = False
    # The other groups in the order of their hashes; one that exceeds the room by itself is skipped.
    room = max_held_out - int((counts[frequent] // every).sum())
    sizes = np.where(frequent | (counts > room), 0, counts)
    chosen = ranked[firsts[(np.cumsum(sizes) <= room) & (sizes > 0)]]
    if not len(chosen):
        return everything, everything
    mask = _among(keys, chosen)
    positions = np.flatnonzero(_among(keys, ranked[firsts[frequent]]))
    positions = positions[np.argsort(keys[positions], kind="stable")]
    groups = counts[frequent]
    copy = np.arange(len(positions)) - np.repeat(np.cumsum(groups) - groups, groups)
    mask[positions[copy % every == every - 1]] = True
    return everything[~mask], everything[mask]


def _among(keys: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return a mask of the keys that are in ``chosen``, which is sorted."""
    mask = np.zeros(len(keys), bool)
    if len(chosen):
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            nearest = np.minimum(np.searchsorted(chosen, chunk), len(chosen) - 1)
            mask[start : start + _CHUNK] = chosen[nearest] == chunk
    return mask


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
    philox = np.random.Philox(key=np.array([seed, window_index], np.uint64), counter=_BUCKETS)
    position = int(np.random.Generator(philox).permutation(window)[slot])
    return ranked[position * batch : (position + 1) * batch]


@lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    philox = np.random.Philox(key=np.array([seed, epoch], np.uint64), counter=_STREAM)
    shuffled = np.random.Generator(philox).permutation(count)
    shuffled.setflags(write=False)
    return shuffled


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
        piece = _permutation(count, seed, epoch)[offset : offset + end - start]
        pieces.append(piece)
        start += len(piece)
    return np.concatenate(pieces)
