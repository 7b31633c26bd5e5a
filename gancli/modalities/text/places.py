"""Where samples are in a flat array of tokens, without a list of it: there may be a billion."""

import numpy as np

_BLOCK = 64  # samples whose start is found by adding up
_CHUNK = 1 << 14  # blocks that are added up at a time


class Lines:
    """Samples of their own lengths, one after the other.

    Args:
        lengths: Number of tokens of each without the end, int32, shape (items,); it may be
            memory-mapped.
    """

    window = 0

    def __init__(self, lengths: np.ndarray) -> None:
        self._lengths = lengths
        sizes = np.zeros(-(-len(lengths) // _BLOCK), np.int64)
        for first in range(0, len(sizes), _CHUNK):
            part = lengths[first * _BLOCK : (first + _CHUNK) * _BLOCK]
            firsts = np.arange(0, len(part), _BLOCK)
            sizes[first : first + _CHUNK] = np.add.reduceat(part, firsts, dtype=np.int64)
        self._blocks = np.cumsum(sizes) - sizes

    def __len__(self) -> int:
        return len(self._lengths)

    def lengths(self, indices: np.ndarray) -> np.ndarray:
        """Return the numbers of tokens of the samples at the indices, int64."""
        lengths: np.ndarray = self._lengths[indices].astype(np.int64)
        return lengths

    def starts(self, indices: np.ndarray) -> np.ndarray:
        """Return where the samples at the indices start, int64."""
        blocks, within = np.divmod(indices, _BLOCK)
        places = np.arange(_BLOCK)
        others = np.minimum(blocks[:, None] * _BLOCK + places, len(self) - 1)
        before = np.where(places < within[:, None], self._lengths[others], 0).sum(1)
        found: np.ndarray = self._blocks[blocks] + before
        return found


class Windows:
    """Windows of one length: first those that overlap, then those of the tail.

    Args:
        window: Number of tokens in each.
        stride: Tokens between the starts of two that overlap.
        count: Tokens that there are.
        tail: How many of them, at the end, are the tail.

    Attributes:
        overlapping: The number of windows that overlap.
    """

    def __init__(self, window: int, stride: int, count: int, tail: int) -> None:
        self.window = window
        self._stride, self._tail_start = stride, count - tail
        self.overlapping = (count - tail - window) // stride + 1
        self._count = self.overlapping + tail // window

    def __len__(self) -> int:
        return self._count

    def lengths(self, indices: np.ndarray) -> np.ndarray:
        """Return the numbers of tokens of the windows at the indices, int64."""
        return np.full(len(indices), self.window, np.int64)

    def starts(self, indices: np.ndarray) -> np.ndarray:
        """Return where the windows at the indices start, int64."""
        of_tail = self._tail_start + (indices - self.overlapping) * self.window
        found: np.ndarray = np.where(indices < self.overlapping, indices * self._stride, of_tail)
        return found
