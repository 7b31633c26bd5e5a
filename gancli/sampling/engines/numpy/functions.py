"""What is computed of each value, or of the values of each row: activations, softmax."""

import math
from collections.abc import Callable

import numpy as np

from gancli.sampling.engines.numpy.parameters import Array

Function = Callable[[Array], Array]

_HALF = np.float32(0.5)


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), which a large x cannot overflow."""
    result: Array = np.tanh(x * _HALF)
    result *= _HALF
    result += _HALF
    return result


def softplus(x: Array) -> Array:
    """Return log(1 + exp(x))."""
    result: Array = np.logaddexp(x, np.float32(0))
    return result


def softmax(x: Array) -> Array:
    """Return the probabilities of the last axis."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    powers /= powers.sum(-1, keepdims=True)
    result: Array = powers
    return result


# Numerator and denominator of Eigen's rational approximation, highest power first.
_ERF = (
    (-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05,
     -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
    (-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03,
     -1.42647390514189e-02),
)


def erf(x: Array) -> Array:
    """Return the error function, to the last bits of float32."""
    x = np.clip(x, np.float32(-4), np.float32(4))
    square = x * x
    parts = []
    for factors in _ERF:
        part = np.full_like(square, factors[0])
        for factor in factors[1:]:
            part *= square
            part += np.float32(factor)
        parts.append(part)
    result: Array = x * parts[0] / parts[1]
    return result


def _relu(x: Array) -> Array:
    result: Array = np.maximum(x, np.float32(0))
    return result


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, np.float32(0))))


def gelu(x: Array) -> Array:
    """Return x times the normal distribution's cumulative function."""
    result: Array = x * (erf(x * np.float32(math.sqrt(0.5))) + np.float32(1)) * _HALF
    return result


def _silu(x: Array) -> Array:
    result: Array = x * sigmoid(x)
    return result


_ACTIVATIONS: dict[str, Function] = {
    "relu": _relu, "tanh": np.tanh, "sigmoid": sigmoid, "elu": _elu, "gelu": gelu, "silu": _silu,
}


def activation(name: str, slope: float = 0.2) -> Function:
    """Return an activation by name; ``slope``, at most 1, is only used by ``leaky_relu``."""
    if name == "leaky_relu":
        factor = np.float32(slope)
        return lambda x: np.maximum(x, x * factor)
    return _ACTIVATIONS[name]


def output_activation(name: str) -> Function:
    """Return the generator's output activation; ``tanh`` and ``sigmoid`` map to [-1, 1]."""
    if name == "none":
        return lambda x: x
    return np.tanh if name == "tanh" else lambda x: np.tanh(x * _HALF)
