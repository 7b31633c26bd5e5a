"""Laying pictures out in one."""

import math

import numpy as np


def near_square(count: int) -> int:
    """Return the columns of a grid that is about as wide as high."""
    return math.isqrt(count - 1) + 1


def enlarged(pixels: np.ndarray, scale: int) -> np.ndarray:
    """Return a picture (h, w, c) each of whose pixels is a square of ``scale`` x ``scale``."""
    larger: np.ndarray = pixels.repeat(scale, 0).repeat(scale, 1) if scale > 1 else pixels
    return larger


class Canvas:
    """Pictures in rows of one; missing cells are white, or clear where there is transparency.

    Args:
        count: Number of pictures.
        columns: Pictures in a row.
        shape: Of each, (h, w, c).
    """

    def __init__(self, count: int, columns: int, shape: tuple[int, ...]) -> None:
        self._height, self._width, depth = shape
        self._columns, self._filled = columns, 0
        size = (-(-count // columns) * self._height, columns * self._width, depth)
        self.pixels = np.full(size, 0 if depth == 4 else 255, np.uint8)

    def add(self, picture: np.ndarray) -> None:
        """Fill the next cell with a picture, uint8."""
        row, column = divmod(self._filled, self._columns)
        top, left = row * self._height, column * self._width
        self.pixels[top : top + self._height, left : left + self._width] = picture
        self._filled += 1
