"""Dividing items, of which many may be equal, into those to train on and those held out.

There may be a billion of them: what is held in memory does not grow with their number.
"""

from collections.abc import Iterator

import numpy as np

from gancli.data.indices import AllBut, Indices
from gancli.data.split import MIN_ITEMS

_FREQUENT = 5  # copies of an item that would be held out by chance
_CHUNK = 1 << 20  # keys that are looked at together
_MAX_BITS = 22  # of a key that say which bucket it is counted in


def at_least(keys: np.ndarray, count: int) -> bool:
    """Return whether there are at least ``count`` different keys."""
    found = np.zeros(0, np.uint64)
    for _, chunk in _chunks(keys):
        ranked = np.sort(np.concatenate([found, chunk]))  # union1d hashes, which takes far longer
        found = ranked[np.diff(ranked, prepend=~ranked[:1]) != 0]
        if len(found) >= count:
            return True
    return False


def split_groups(
    keys: np.ndarray, holdout: float, limit: int = 10_000
) -> tuple[Indices, Indices]:
    """Divide items so that equal ones fall on one side, unless they are very frequent.

    An item that is so frequent that several of its copies would be held out by chance is part of
    what there is to learn: with all of its copies on one side, neither side would be like the
    whole. Its copies are divided in proportion. Of the others, those with the smallest hashes are
    held out.

    Args:
        keys: A hash of each item, uint64, shape (items,); equal items have equal hashes. It may be
            memory-mapped.
        holdout: Fraction to hold out, 0 to 1; at least one item.
        limit: How many items are held out at most.

    Returns:
        As :func:`gancli.data.split.split`; with fewer than 20 different items none is held out,
        either.
    """
    everything = AllBut(len(keys), np.zeros(0, np.int64))
    if holdout <= 0 or not at_least(keys, MIN_ITEMS):
        return everything, everything
    most = min(max(1, round(len(keys) * holdout)), limit, len(keys) - 1)
    every = -(-len(keys) // most)  # one in so many copies of a frequent item is held out
    buckets = _Buckets(keys)
    groups, counts = buckets.groups(buckets.sizes >= _FREQUENT * every)
    frequent = groups[counts >= _FREQUENT * every]
    if not at_least(keys, MIN_ITEMS + len(frequent)):
        frequent = frequent[:0]
    copies = counts[_among(groups, frequent)]
    share = (len(keys) - int(copies.sum())) * most // len(keys)  # of all the others
    chosen = _smallest(buckets, frequent, max(share, 1))
    if not len(chosen):
        return everything, everything
    held_out = _held_out(keys, chosen, frequent, every)
    return AllBut(len(keys), held_out), held_out


class _Buckets:
    """Keys, counted by their first bits.

    Args:
        keys: The keys, uint64.

    Attributes:
        sizes: How many keys each bucket holds, in the order of the keys.
    """

    def __init__(self, keys: np.ndarray) -> None:
        self._keys = keys
        bits = min(_MAX_BITS, len(keys).bit_length())
        self._shift = np.uint64(64 - bits)
        self.sizes = np.zeros(1 << bits, np.int64)
        for _, chunk in _chunks(keys):
            self.sizes += np.bincount(self._of(chunk), minlength=len(self.sizes))

    def _of(self, keys: np.ndarray) -> np.ndarray:
        return (keys >> self._shift).astype(np.int64)

    def groups(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the different keys in some buckets, ascending, and how often each occurs.

        Args:
            chosen: For each bucket whether it is one of them.
        """
        groups, counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        if not chosen.any():
            return groups, counts
        for _, chunk in _chunks(self._keys):
            more, more_counts = np.unique(chunk[chosen[self._of(chunk)]], return_counts=True)
            if len(more):
                groups, places = np.unique(np.concatenate([groups, more]), return_inverse=True)
                both = np.concatenate([counts, more_counts])
                counts = np.zeros(len(groups), np.int64)
                np.add.at(counts, places, both)
        return groups, counts


def _smallest(buckets: _Buckets, left_out: np.ndarray, room: int) -> np.ndarray:
    """Return the smallest groups that have room together, but for some and those that exceed it."""
    sizes = buckets.sizes
    first = 2 * room * len(sizes) // int(sizes.sum()) + 1  # enough, unless their groups are large
    while True:
        groups, counts = buckets.groups(np.arange(len(sizes)) < first)
        counts[_among(groups, left_out) | (counts > room)] = 0
        together = np.cumsum(counts)
        if first >= len(sizes) or (len(groups) and together[-1] > room):
            return groups[(together <= room) & (counts > 0)]
        first *= 2


def _held_out(
    keys: np.ndarray, chosen: np.ndarray, frequent: np.ndarray, every: int
) -> np.ndarray:
    """Return where chosen keys are, and one in ``every`` copies of each frequent one; ascending."""
    found = []
    seen = np.zeros(len(frequent), np.int64)  # copies of each frequent key
    for start, chunk in _chunks(keys):
        held = _among(chunk, chosen)
        places = np.flatnonzero(_among(chunk, frequent))
        if len(places):
            which = np.searchsorted(frequent, chunk[places])
            order = np.argsort(which, kind="stable")
            places, which = places[order], which[order]
            counts = np.bincount(which, minlength=len(frequent))
            copies = np.arange(len(places)) - (np.cumsum(counts) - counts)[which] + seen[which]
            held[places[copies % every == every - 1]] = True
            seen += counts
        found.append(start + np.flatnonzero(held))
    return np.concatenate(found)


def _among(keys: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return a mask of the keys that are in ``chosen``, which is sorted."""
    if not len(chosen):
        return np.zeros(len(keys), bool)
    nearest = np.minimum(np.searchsorted(chosen, keys), len(chosen) - 1)
    mask: np.ndarray = chosen[nearest] == keys
    return mask


def _chunks(keys: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield parts of the keys and where each begins."""
    for start in range(0, len(keys), _CHUNK):
        yield start, np.asarray(keys[start : start + _CHUNK])
