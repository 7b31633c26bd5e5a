"""A transformer with a key-value cache."""

import math

import numpy as np

from gancli.sampling.engines.numpy.functions import gelu, softmax
from gancli.sampling.engines.numpy.layers import LayerNorm, Linear
from gancli.sampling.engines.numpy.parameters import Array, Parameters

_HEAD_CHANNELS = 64


class Transformer:
    """Pre-norm blocks: (n, steps, inputs) and a state to (n, steps, width) and the next state.

    The state is a key and a value for each layer, each (n, heads, steps so far, channels).

    Args:
        parameters: Of the blocks.
        inputs, width, layers: As in torch.
        causal: Whether a step sees those before it alone.

    Raises:
        Misfit: The arrays are others.
    """

    def __init__(
        self, parameters: Parameters, inputs: int, width: int, layers: int, *, causal: bool
    ) -> None:
        self._width, self._causal = width, causal
        self._first = Linear(parameters.below("first"), inputs, width)
        self._blocks = [_Block(parameters.below("blocks", index), width) for index in range(layers)]
        self._last = LayerNorm(parameters.below("last"), width)

    def __call__(
        self, x: Array, state: list[Array] | None, mask: Array | None
    ) -> tuple[Array, list[Array]]:
        """Process the next steps; ``mask`` (n, steps) says which belong to an item."""
        past, steps = 0 if state is None else state[0].shape[2], x.shape[1]
        x = self._first(x)
        x += _positional_encoding(past, steps, self._width)
        visible = None if mask is None else mask[:, None, None]
        if self._causal and steps > 1:
            visible = np.tri(steps, past + steps, past, dtype=bool)
        next_state: list[Array] = []
        for index, block in enumerate(self._blocks):
            before = None if state is None else (state[2 * index], state[2 * index + 1])
            x, key, value = block(x, before, visible)
            next_state += [key, value]
        return self._last(x), next_state


class _Block:
    """Self-attention and a feed-forward network, residual."""

    def __init__(self, parameters: Parameters, width: int) -> None:
        self._heads = max(1, width // _HEAD_CHANNELS)
        while width % self._heads:
            self._heads -= 1
        self._norms = [LayerNorm(parameters.below("norms", index), width) for index in range(2)]
        self._read = Linear(parameters.below("read"), width, 3 * width)
        self._write = Linear(parameters.below("write"), width, width)
        self._wide = Linear(parameters.below("think", 0), width, 4 * width)
        self._narrow = Linear(parameters.below("think", 2), 4 * width, width)

    def __call__(
        self, x: Array, past: tuple[Array, Array] | None, visible: Array | None
    ) -> tuple[Array, Array, Array]:
        """Return the output, and all keys and values so far."""
        n, steps, width = x.shape
        query, key, value = (
            part.reshape(n, steps, self._heads, -1).transpose(0, 2, 1, 3)
            for part in np.split(self._read(self._norms[0](x)), 3, 2)
        )
        if past is not None:
            key, value = np.concatenate([past[0], key], 2), np.concatenate([past[1], value], 2)
        scores = query @ key.swapaxes(2, 3)
        scores /= np.float32(math.sqrt(query.shape[3]))
        if visible is not None:
            scores = np.where(visible, scores, np.float32(-np.inf))
        attended = (softmax(scores) @ value).transpose(0, 2, 1, 3).reshape(n, steps, width)
        x = x + self._write(attended)
        x += self._narrow(gelu(self._wide(self._norms[1](x))))
        return x, key, value


def _positional_encoding(first: int, count: int, width: int) -> Array:
    """Return sines and cosines, shape (count, width)."""
    positions = np.arange(first, first + count, dtype=np.float32)[:, None]
    frequencies = np.exp(
        np.arange(0, width, 2, dtype=np.float32) * np.float32(-math.log(10_000.0) / width)
    )
    angles = positions * frequencies
    return np.concatenate([np.sin(angles), np.cos(angles)], 1)[:, :width]
