"""Layers of pictures (n, height, width, channels): convolutions, resampling."""

from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gancli.sampling.engines.numpy.layers import Weighted
from gancli.sampling.engines.numpy.parameters import Array, Parameters

_FEW = 4  # channels: those of a picture


class Convolution(Weighted):
    """A convolution of pictures with a border of one zero.

    Args:
        parameters: Of the layer.
        inputs, outputs: Channels.
        side: Of the kernel.
        stride: Pixels from one place of the kernel to the next.
        bias, spectral: As of :class:`Weighted`.
    """

    def __init__(
        self, parameters: Parameters, inputs: int, outputs: int, side: int, stride: int = 1, *,
        bias: bool, spectral: bool,
    ) -> None:
        super().__init__(
            parameters, (outputs, inputs, side, side), bias=bias, spectral=spectral
        )
        self._side, self._stride = side, stride

    @cached_property
    def _matrix(self) -> Array:
        outputs = len(self.weight)
        return np.ascontiguousarray(self.weight.transpose(2, 3, 1, 0).reshape(-1, outputs))

    def __call__(self, x: Array) -> Array:
        n, height, width, depth = x.shape
        padded = np.zeros((n, height + 2, width + 2, depth), x.dtype)
        padded[:, 1:-1, 1:-1] = x
        windows = sliding_window_view(padded, (self._side, self._side), (1, 2))
        windows = windows[:, :: self._stride, :: self._stride].transpose(0, 1, 2, 4, 5, 3)
        high, wide = windows.shape[1:3]
        product = windows.reshape(n, high * wide, -1) @ self._matrix
        return self.biased(product).reshape(n, high, wide, -1)


class TransposedConvolution(Weighted):
    """A transposed convolution of 4 x 4, stride 2 and padding 1, which doubles both sides."""

    def __init__(
        self, parameters: Parameters, inputs: int, outputs: int, *, bias: bool, spectral: bool
    ) -> None:
        super().__init__(
            parameters, (inputs, outputs, 4, 4), bias=bias, spectral=spectral, outputs=1
        )

    @cached_property
    def _matrix(self) -> Array:
        return _doubling_matrix(self.weight)

    def __call__(self, x: Array) -> Array:
        return self.biased(_double(x, self._matrix))


class NearestConvolution(Weighted):
    """Each pixel repeated twice in both directions, then a convolution of 3 x 3.

    That is a transposed convolution of 4 x 4 whose kernel has sums of this one's weights, and less
    than half the work.
    """

    def __init__(
        self, parameters: Parameters, inputs: int, outputs: int, *, bias: bool, spectral: bool
    ) -> None:
        super().__init__(parameters, (outputs, inputs, 3, 3), bias=bias, spectral=spectral)

    @cached_property
    def _matrix(self) -> Array:
        kernel = self.weight.swapaxes(0, 1)
        for axis in (2, 3):
            first, middle, last = np.split(kernel, 3, axis)
            kernel = np.concatenate([last, middle + last, first + middle, first], axis)
        return _doubling_matrix(kernel)

    def __call__(self, x: Array) -> Array:
        return self.biased(_double(x, self._matrix))


def _doubling_matrix(kernel: Array) -> Array:
    """Return a kernel (inputs, outputs, 4, 4) as a matrix (inputs, 4 * 4 * outputs)."""
    return np.ascontiguousarray(kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1))


def _double(x: Array, matrix: Array) -> Array:
    """Return the transposed convolution of 4 x 4, stride 2 and padding 1."""
    n, height, width, depth = x.shape
    outputs, pixels = matrix.shape[1] // 16, x.reshape(n, height * width, depth)
    if outputs > _FEW:
        parts = (pixels @ matrix).reshape(n, height, width, 4, 4, outputs)
        result = np.empty((n, 2 * height, 2 * width, outputs), x.dtype)
    else:  # rows of pixels are longer than the few values of a pixel, and so added faster
        products = matrix.T @ pixels.swapaxes(1, 2)
        parts = products.reshape(n, 4, 4, outputs, height, width).transpose(0, 4, 5, 1, 2, 3)
        result = np.empty((n, outputs, 2 * height, 2 * width), x.dtype).transpose(0, 2, 3, 1)
    # Row 2i of the result is row i under row 1 of the kernel and row i - 1 under row 3; row
    # 2i + 1 is row i under row 2 and row i + 1 under row 0; and so it is with columns.
    for row in range(2):
        for column in range(2):
            part = result[:, row::2, column::2]
            near, far = (1 + row, 1 + column), (3 - 3 * row, 3 - 3 * column)
            (up, down), (left, right) = _neighbors(row), _neighbors(column)
            part[:] = parts[:, :, :, near[0], near[1]]
            part[:, up] += parts[:, down, :, far[0], near[1]]
            part[:, :, left] += parts[:, :, right, near[0], far[1]]
            part[:, up, left] += parts[:, down, right, far[0], far[1]]
    return result


def _neighbors(parity: int) -> tuple[slice, slice]:
    """Return the places that have a neighbor before them, or after them if odd, and that one's."""
    later, earlier = slice(1, None), slice(None, -1)
    return (earlier, later) if parity else (later, earlier)


class UpSample:
    """Twice the height and width, then cut to ``side``; as ``gancli.layers.resampling``."""

    def __init__(
        self, parameters: Parameters, kind: str, inputs: int, outputs: int, side: int, *,
        bias: bool, spectral: bool,
    ) -> None:
        self._side, self._shuffled = side, kind == "shuffle"
        self._convolution: TransposedConvolution | NearestConvolution | Convolution
        if self._shuffled:
            self._convolution = Convolution(
                parameters.below(0), inputs, 4 * outputs, 3, bias=bias, spectral=spectral
            )
        elif kind == "nearest":
            self._convolution = NearestConvolution(
                parameters.below(1), inputs, outputs, bias=bias, spectral=spectral
            )
        else:
            self._convolution = TransposedConvolution(
                parameters.below(0), inputs, outputs, bias=bias, spectral=spectral
            )

    def __call__(self, x: Array) -> Array:
        x = self._convolution(x)
        if self._shuffled:
            n, height, width, depth = x.shape
            x = x.reshape(n, height, width, depth // 4, 2, 2).transpose(0, 1, 4, 2, 5, 3)
            x = x.reshape(n, 2 * height, 2 * width, depth // 4)
        return x if x.shape[1] == self._side else x[:, : self._side, : self._side]


def down_sample(
    parameters: Parameters, kind: str, inputs: int, outputs: int, *, bias: bool, spectral: bool
) -> Convolution:
    """Return a convolution that halves both sides, or that :func:`pool` follows."""
    side, stride = (4, 2) if kind == "stride" else (3, 1)
    return Convolution(
        parameters.below(0), inputs, outputs, side, stride, bias=bias, spectral=spectral
    )


def pool(kind: str, x: Array) -> Array:
    """Return the maximum or mean of each 2 x 2 pixels, without an odd last row or column."""
    n, height, width, depth = x.shape
    high, wide = height // 2, width // 2
    cells = x[:, : 2 * high, : 2 * wide].reshape(n, high, 2, wide, 2, depth)
    a, b, c, d = (cells[:, :, row, :, column] for row in range(2) for column in range(2))
    if kind == "max":
        largest: Array = np.maximum(np.maximum(a, b), np.maximum(c, d))
        return largest
    mean: Array = (a + b + c + d) * np.float32(0.25)
    return mean


def with_stddev(x: Array) -> Array:
    """Append a channel: the mean deviation over groups of up to four pictures.

    As :class:`gancli.layers.minibatch.MinibatchStddev`.
    """
    n = len(x)
    group = next((size for size in (4, 2) if n % size == 0), n)
    groups = x.reshape(group, n // group, *x.shape[1:])
    std = np.sqrt(groups.var(0) + np.float32(1e-8)).mean((1, 2, 3))
    plane = np.broadcast_to(np.tile(std, group)[:, None, None, None], (*x.shape[:3], 1))
    return np.concatenate([x, plane], 3)

