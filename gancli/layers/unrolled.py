"""Recurrent layers in plain operators, for exporters whose own fix the size of a batch."""

import torch
from torch import nn
from torch.nn.functional import linear


class Unrolled(nn.Module):
    """What an ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN`` of one direction computes, step by step.

    Args:
        layer: The layer, whose weights it shares; ``batch_first``.
    """

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer
        self._step = {"LSTM": _lstm, "GRU": _gru, "RNN_TANH": _rnn}[layer.mode]

    def forward(
        self, x: torch.Tensor, state: torch.Tensor | tuple[torch.Tensor, ...] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | tuple[torch.Tensor, ...]]:
        """Take and return what the layer does."""
        lstm = self.layer.mode == "LSTM"
        if state is None:
            zeros = x.new_zeros(self.layer.num_layers, x.shape[0], self.layer.hidden_size)
            state = (zeros, zeros) if lstm else zeros
        parts = state if isinstance(state, tuple) else (state,)
        last: list[tuple[torch.Tensor, ...]] = []
        for index in range(self.layer.num_layers):
            carried = tuple(part[index] for part in parts)
            weights = [
                getattr(self.layer, f"{name}_l{index}")
                for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
            ]
            given, outputs = linear(x, weights[0], weights[1]), []
            for step in range(x.shape[1]):
                carried = self._step(
                    given[:, step], linear(carried[0], weights[2], weights[3]), carried
                )
                outputs.append(carried[0])
            x = torch.stack(outputs, 1)
            last.append(carried)
        joined = tuple(torch.stack(part) for part in zip(*last, strict=True))
        return x, joined if lstm else joined[0]


def unrolled(network: nn.Module) -> nn.Module:
    """Replace the recurrent layers of a network, in place, and return it."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.RNNBase) and not isinstance(module, Unrolled):
                setattr(module, name, Unrolled(child))
    return network


def _lstm(
    given: torch.Tensor, carried: torch.Tensor, state: tuple[torch.Tensor, ...]
) -> tuple[torch.Tensor, ...]:
    let, keep, new, show = (given + carried).chunk(4, 1)
    memory = keep.sigmoid() * state[1] + let.sigmoid() * new.tanh()
    return show.sigmoid() * memory.tanh(), memory


def _gru(
    given: torch.Tensor, carried: torch.Tensor, state: tuple[torch.Tensor, ...]
) -> tuple[torch.Tensor, ...]:
    reset, update, new = zip(given.chunk(3, 1), carried.chunk(3, 1), strict=True)
    candidate = (new[0] + (reset[0] + reset[1]).sigmoid() * new[1]).tanh()
    gate = (update[0] + update[1]).sigmoid()
    return (candidate + gate * (state[0] - candidate),)


def _rnn(
    given: torch.Tensor, carried: torch.Tensor, state: tuple[torch.Tensor, ...]
) -> tuple[torch.Tensor, ...]:
    return ((given + carried).tanh(),)
