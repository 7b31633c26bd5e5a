"""Normalization of pictures (n, height, width, channels) by name."""

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np

from gancli.sampling.engines.numpy.layers import standardized
from gancli.sampling.engines.numpy.parameters import Array, Parameters

# Takes pictures and what the generator is told of each, (n, code), or None.
Normalization = Callable[[Array, Array | None], Array]

_EPSILON = np.float32(1e-5)


class _BatchNorm:
    """Batch norm as it is after training: running averages, and no picture sees another."""

    def __init__(self, parameters: Parameters, channels: int, *, affine: bool = True) -> None:
        self._mean = parameters.buffer("running_mean", channels)
        self._variance = parameters.buffer("running_var", channels)
        parameters.buffer("num_batches_tracked")
        self._affine = None
        if affine:
            self._affine = tuple(parameters.take(name, channels) for name in ("weight", "bias"))

    @cached_property
    def scale_and_shift(self) -> tuple[Array, Array]:
        scale = np.float32(1) / np.sqrt(self._variance + _EPSILON)
        if self._affine is None:
            return scale, -self._mean * scale
        weight, bias = self._affine
        return weight * scale, bias - self._mean * weight * scale

    def __call__(self, x: Array, code: Array | None = None) -> Array:
        scale, shift = self.scale_and_shift
        return _scaled(x, scale, shift)


class _ModulatedBatchNorm:
    """Batch norm whose scale, 1 + A code, and shift, B code, depend on the item."""

    def __init__(self, parameters: Parameters, channels: int, code: int) -> None:
        self._norm = _BatchNorm(parameters, channels, affine=False)
        self._weight = parameters.take("modulation", 2 * channels, code)
        self._bias = parameters.take("modulation_bias", 2 * channels)

    def __call__(self, x: Array, code: Array | None) -> Array:
        assert code is not None
        modulation = code[:, None, None] @ self._weight.T + self._bias
        scale, shift = np.split(modulation, 2, 3)
        scale = scale + np.float32(1)
        own_scale, own_shift = self._norm.scale_and_shift
        return _scaled(x, own_scale * scale, own_shift * scale + shift)


class _GroupNorm:
    """Zero mean and unit variance of each item's groups of channels; all pixels count."""

    def __init__(self, parameters: Parameters, channels: int, groups: int) -> None:
        self._groups = groups
        self._scale, self._shift = (parameters.take(name, channels) for name in ("weight", "bias"))

    def __call__(self, x: Array, code: Array | None = None) -> Array:
        grouped = x.reshape(*x.shape[:3], self._groups, -1)
        normal = standardized(grouped, (1, 2, 4)).reshape(x.shape)
        return _scaled(normal, self._scale, self._shift)


def _scaled(x: Array, scale: Array, shift: Array) -> Array:
    result: Array = x * scale
    result += shift
    return result


def normalization(
    parameters: Parameters, name: str, channels: int, code: int = 0
) -> Normalization:
    """Return a normalization; ``spectral`` is one of weights, and changes no picture.

    Args:
        parameters: Of the layer.
        name: As on the command line.
        channels: Of the pictures.
        code: Values that ``modulated`` depends on.

    Raises:
        Misfit: The arrays are others.
    """
    if name == "modulated":
        return _ModulatedBatchNorm(parameters, channels, code)
    if name == "batch":
        return _BatchNorm(parameters, channels)
    groups = {"instance": channels, "group": math.gcd(8, channels), "layer": 1}
    if name in groups:
        return _GroupNorm(parameters, channels, groups[name])
    return {"none": _unchanged, "spectral": _unchanged}[name]


def _unchanged(x: Array, code: Array | None) -> Array:
    return x
