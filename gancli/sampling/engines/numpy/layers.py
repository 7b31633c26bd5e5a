"""Layers with weights, for any number of items; the last axis holds an item's values."""

import math
from functools import cached_property

import numpy as np

from gancli.sampling.engines.numpy.parameters import Array, Parameters

_EPSILON = np.float32(1e-5)  # of torch's normalizations


def multiply(x: Array, matrix: Array) -> Array:
    """Return x (n, inputs) times a matrix (inputs, outputs), a product for each row."""
    result: Array = (x[:, None] @ matrix)[:, 0]
    return result


class Weighted:
    """A layer's weight, which spectral norm may scale, and its bias.

    Args:
        parameters: Of the layer.
        shape: Of the weight.
        bias: Whether there is one.
        spectral: Whether the weight is divided by its largest singular value.
        outputs: The axis of the outputs in the weight.

    Raises:
        Misfit: The arrays are others.
    """

    def __init__(
        self, parameters: Parameters, shape: tuple[int, ...], *, bias: bool,
        spectral: bool = False, outputs: int = 0,
    ) -> None:
        self._outputs, self._vectors = outputs, None
        if spectral:
            own, rows = parameters.below("parametrizations", "weight"), shape[outputs]
            self._stored = own.take("original", *shape)
            self._vectors = (
                own.buffer("0._u", rows), own.buffer("0._v", math.prod(shape) // rows)
            )
        else:
            self._stored = parameters.take("weight", *shape)
        self._bias = parameters.take("bias", shape[outputs]) if bias else None

    @cached_property
    def weight(self) -> Array:
        """The weight that is applied."""
        if self._vectors is None:
            return self._stored
        u, v = self._vectors
        rows = np.moveaxis(self._stored, self._outputs, 0).reshape(len(u), -1)
        scaled: Array = self._stored / (u @ (rows @ v))
        return scaled

    def biased(self, x: Array) -> Array:
        """Add the bias to x, in place."""
        if self._bias is not None:
            x += self._bias
        return x


class Linear(Weighted):
    """A matrix product: (n, inputs) or (n, steps, inputs) to as many outputs."""

    def __init__(
        self, parameters: Parameters, inputs: int, outputs: int, *, bias: bool = True,
        spectral: bool = False,
    ) -> None:
        super().__init__(parameters, (outputs, inputs), bias=bias, spectral=spectral)

    def __call__(self, x: Array) -> Array:
        matrix = self.weight.T
        return self.biased(multiply(x, matrix) if x.ndim == 2 else x @ matrix)


class Embedding(Weighted):
    """A row of values for each number, which has any shape."""

    def __init__(
        self, parameters: Parameters, count: int, values: int, *, spectral: bool = False
    ) -> None:
        super().__init__(parameters, (count, values), bias=False, spectral=spectral)

    def __call__(self, numbers: Array) -> Array:
        rows: Array = self.weight[numbers]
        return rows


class LayerNorm:
    """Zero mean and unit variance of the last axis, then a learned scale and shift."""

    def __init__(self, parameters: Parameters, values: int) -> None:
        self._scale, self._shift = (parameters.take(name, values) for name in ("weight", "bias"))

    def __call__(self, x: Array) -> Array:
        result: Array = standardized(x, (-1,)) * self._scale + self._shift
        return result


def standardized(x: Array, axes: tuple[int, ...]) -> Array:
    """Return x with zero mean and unit variance over axes."""
    centered = x - x.mean(axes, keepdims=True)
    variance = np.square(centered).mean(axes, keepdims=True)
    centered /= np.sqrt(variance + _EPSILON)
    result: Array = centered
    return result
