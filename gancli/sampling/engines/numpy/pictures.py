"""Layers of pictures (n, height, width, channels): convolutions, resampling."""

from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gancli.sampling.engines.numpy.layers import Weighted
from gancli.sampling.engines.numpy.parameters import Array, Parameters


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
        inputs = len(self.weight)
        return np.ascontiguousarray(self.weight.transpose(0, 2, 3, 1).reshape(inputs, -1))

    def __call__(self, x: Array) -> Array:
        n, height, width, depth = x.shape
        product = x.reshape(n, height * width, depth) @ self._matrix
        parts = product.reshape(n, height, width, 4, 4, -1)
        result = np.empty((n, height, 2, width, 2, parts.shape[5]), x.dtype)
        # Row 2i of the result is row i under row 1 of the kernel and row i - 1 under row 3; row
        # 2i + 1 is row i under row 2 and row i + 1 under row 0; and so it is with columns.
        for row in range(2):
            for column in range(2):
                part = result[:, :, row, :, column]
                part[:] = parts[:, :, :, 1 + row, 1 + column]
                up, down = _shifted(row)
                left, right = _shifted(column)
                part[:, up] += parts[:, down, :, 3 - 3 * row, 1 + column]
                part[:, :, left] += parts[:, :, right, 1 + row, 3 - 3 * column]
                part[:, up, left] += parts[:, down, right, 3 - 3 * row, 3 - 3 * column]
        return self.biased(result.reshape(n, 2 * height, 2 * width, -1))


def _shifted(parity: int) -> tuple[slice, slice]:
    """Return the places that have a neighbor before them, or after them if odd, and these."""
    later, earlier = slice(1, None), slice(None, -1)
    return (earlier, later) if parity else (later, earlier)


class UpSample:
    """Twice the height and width, then cut to ``side``; as ``gancli.layers.resampling``."""

    def __init__(
        self, parameters: Parameters, kind: str, inputs: int, outputs: int, side: int, *,
        bias: bool, spectral: bool,
    ) -> None:
        self._kind, self._side = kind, side
        self._convolution: TransposedConvolution | Convolution
        if kind == "transposed":
            self._convolution = TransposedConvolution(
                parameters.below(0), inputs, outputs, bias=bias, spectral=spectral
            )
            return
        shuffled = kind == "shuffle"
        self._convolution = Convolution(
            parameters.below(0 if shuffled else 1), inputs, outputs * (4 if shuffled else 1), 3,
            bias=bias, spectral=spectral,
        )

    def __call__(self, x: Array) -> Array:
        if self._kind == "nearest":
            x = x.repeat(2, 1).repeat(2, 2)
        x = self._convolution(x)
        if self._kind == "shuffle":
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
        return np.maximum(np.maximum(a, b), np.maximum(c, d))
    result: Array = (a + b + c + d) * np.float32(0.25)
    return result


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

