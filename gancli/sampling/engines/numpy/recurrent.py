"""Recurrent layers by name, step by step: as :mod:`gancli.layers.recurrent`."""

from functools import cached_property

import numpy as np

from gancli.sampling.engines.numpy.attention import Transformer
from gancli.sampling.engines.numpy.functions import sigmoid
from gancli.sampling.engines.numpy.layers import multiply
from gancli.sampling.engines.numpy.parameters import Array, Parameters

# What a cell carries from step to step, as in torch: LSTM (h, c), GRU and RNN (h,), each
# (layers, n, width); transformer a key and a value for each layer, each (n, heads, steps so far,
# channels).
State = list[Array]

_GATES = {"lstm": 4, "gru": 3, "rnn": 1}


class Recurrent:
    """A stack of recurrent layers: (n, steps, inputs) and a state to (n, steps, outputs).

    Args:
        parameters: Of the stack.
        cell: ``lstm``, ``gru``, ``rnn`` or ``transformer``.
        inputs, width, layers, bidirectional: As in torch.

    Attributes:
        outputs: Values in an output step.

    Raises:
        Misfit: The arrays are others.
    """

    def __init__(
        self, parameters: Parameters, cell: str, inputs: int, width: int, layers: int,
        bidirectional: bool = False,
    ) -> None:
        self._bidirectional = bidirectional
        self.outputs = width
        self._transformer: Transformer | None = None
        if cell == "transformer":
            self._transformer = Transformer(
                parameters.below("stack"), inputs, width, layers, causal=not bidirectional
            )
            return
        self._stack = _layers(parameters.below("stack"), cell, inputs, width, layers)
        if bidirectional:
            self.outputs = 2 * width
            self._back = _layers(parameters.below("back"), cell, inputs, width, layers)

    def __call__(
        self, x: Array, state: State | None = None, mask: Array | None = None
    ) -> tuple[Array, State]:
        """Process the next steps of a sequence.

        Args:
            x: Shape (n, steps, inputs).
            state: The state returned for the steps before these, or None at the start.
            mask: If bidirectional, which steps belong to an item, bool, shape (n, steps); None is
                all of them.
        """
        if self._transformer is not None:
            return self._transformer(x, state, mask if self._bidirectional else None)
        if not self._bidirectional:
            return _run(self._stack, x, state)
        order = _reversed_steps(x, mask)
        back, _ = _run(self._back, np.take_along_axis(x, order, 1), None)
        forth, _ = _run(self._stack, x, None)
        return np.concatenate([forth, np.take_along_axis(back, order, 1)], 2), []

    def keep(self, state: State, rows: Array) -> State:
        """Return the state of some items, bool, shape (n,), alone."""
        if self._transformer is not None:
            return [part[rows] for part in state]
        return [part[:, rows] for part in state]


def _layers(
    parameters: Parameters, cell: str, inputs: int, width: int, layers: int
) -> "list[_Layer]":
    return [
        _Layer(parameters, cell, inputs if index == 0 else width, width, index)
        for index in range(layers)
    ]


def _run(layers: "list[_Layer]", x: Array, state: State | None) -> tuple[Array, State]:
    states = []
    for index, layer in enumerate(layers):
        x, last = layer(x, None if state is None else [part[index] for part in state])
        states.append(last)
    return x, [np.stack(parts) for parts in zip(*states, strict=True)]


def _reversed_steps(x: Array, mask: Array | None) -> Array:
    """Return the indices (n, steps, 1) that reverse each item's steps inside the mask."""
    steps = np.broadcast_to(np.arange(x.shape[1]), x.shape[:2])
    lengths = x.shape[1] if mask is None else mask.sum(1, keepdims=True)
    order: Array = np.where(steps < lengths, lengths - 1 - steps, steps)[..., None]
    return order


class _Layer:
    """One layer of one direction."""

    def __init__(
        self, parameters: Parameters, cell: str, inputs: int, width: int, index: int
    ) -> None:
        rows = _GATES[cell] * width
        self._cell, self._width = cell, width
        self._weights = [
            parameters.take(f"weight_{name}_l{index}", rows, size)
            for name, size in (("ih", inputs), ("hh", width))
        ]
        self._biases = [parameters.take(f"bias_{name}_l{index}", rows) for name in ("ih", "hh")]

    @cached_property
    def _matrices(self) -> list[Array]:
        return [np.ascontiguousarray(weight.T) for weight in self._weights]

    def __call__(self, x: Array, state: State | None) -> tuple[Array, State]:
        if state is None:
            zeros = np.zeros((len(x), self._width), x.dtype)
            state = [zeros, zeros] if self._cell == "lstm" else [zeros]
        from_inputs, from_hidden = self._matrices
        given = x @ from_inputs
        given += self._biases[0]
        outputs = np.empty((*x.shape[:2], self._width), x.dtype)
        step = {"lstm": self._lstm, "gru": self._gru, "rnn": self._rnn}[self._cell]
        for index in range(x.shape[1]):
            carried = multiply(state[0], from_hidden)
            carried += self._biases[1]
            state = step(given[:, index], carried, state)
            outputs[:, index] = state[0]
        return outputs, state

    def _lstm(self, given: Array, carried: Array, state: State) -> State:
        carried += given
        width = self._width
        gates = sigmoid(carried[:, : 2 * width])
        memory = gates[:, width:] * state[1]
        memory += gates[:, :width] * np.tanh(carried[:, 2 * width : 3 * width])
        return [sigmoid(carried[:, 3 * width :]) * np.tanh(memory), memory]

    def _gru(self, given: Array, carried: Array, state: State) -> State:
        width = self._width
        gates = sigmoid(given[:, : 2 * width] + carried[:, : 2 * width])
        reset, update = gates[:, :width], gates[:, width:]
        new = np.tanh(given[:, 2 * width :] + reset * carried[:, 2 * width :])
        return [new + update * (state[0] - new)]

    def _rnn(self, given: Array, carried: Array, state: State) -> State:
        carried += given
        return [np.tanh(carried)]
