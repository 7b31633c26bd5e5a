"""Indices of items, without a list of them: there may be a billion."""

import numpy as np


class AllBut:
    """All numbers below a count except some, ascending; it is indexed as an int64 array is.

    Args:
        count: How many there would be without exceptions.
        left_out: The exceptions, int64, ascending.
    """

    def __init__(self, count: int, left_out: np.ndarray) -> None:
        self._count = count - len(left_out)
        # How many of ours come before each exception.
        self._before = left_out - np.arange(len(left_out))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, places: np.ndarray | slice) -> np.ndarray:
        """Return the numbers at some places, int64.

        Raises:
            IndexError: A place is negative or too large, or they are a mask.
        """
        if isinstance(places, slice):
            places = np.arange(*places.indices(self._count), dtype=np.int64)
        if places.dtype == bool or not ((places >= 0) & (places < self._count)).all():
            raise IndexError(f"a place is not a number from 0 to {self._count - 1}")
        found: np.ndarray = places + np.searchsorted(self._before, places, side="right")
        return found


Indices = np.ndarray | AllBut
