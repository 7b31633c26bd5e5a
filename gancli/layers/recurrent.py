"""Recurrent cells by name, and a transformer in their place, behind one face."""

import copy
import math

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

_CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
_HEAD = 64  # channels of an attention head, as far as the width allows

State = list[torch.Tensor]  # what a cell carries from step to step; every tensor (layers, n, ...)


class Recurrent(nn.Module):
    """A stack of recurrent layers: (n, steps, inputs) and a state to (n, steps, outputs).

    Args:
        cell: ``lstm``, ``gru``, ``rnn`` or ``transformer``.
        inputs: Values a step.
        width: Values that a layer carries in each direction.
        layers: Number of layers.
        both: Whether to read in both directions, recurrent layers by a second stack that goes from
            the end to the start; this cannot go on from a state.

    Attributes:
        outputs: Values a step that come out.
    """

    def __init__(self, cell: str, inputs: int, width: int, layers: int, both: bool = False) -> None:
        super().__init__()
        self.kind, self.both = cell, both
        if cell == "transformer":
            self.outputs = width
            self.stack: nn.Module = _Transformer(inputs, width, layers, causal=not both)
            return
        self.outputs = width * (2 if both else 1)
        self.stack = _CELLS[cell](inputs, width, layers, batch_first=True)
        if both:
            self.back = _CELLS[cell](inputs, width, layers, batch_first=True)
        for name, weight in self.named_parameters():
            if "weight_hh" in name:
                for block in weight.chunk(weight.shape[0] // width):
                    nn.init.orthogonal_(block)
            elif "bias_ih" in name and cell == "lstm":
                # Remembering at first: Jozefowicz et al. 2015, "An empirical exploration of
                # recurrent network architectures".
                nn.init.zeros_(weight)
                nn.init.ones_(weight[width : 2 * width])
            elif "bias" in name:
                nn.init.zeros_(weight)

    def forward(
        self, x: torch.Tensor, state: State | None = None, seen: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, State]:
        """Read on from a state.

        Args:
            x: Shape (n, steps, inputs).
            state: As it came back with the steps before, or None at the start.
            seen: For both directions: which first steps belong to an item, bool, shape (n, steps);
                what follows them does not matter. All if None.

        Returns:
            Shape (n, steps, outputs), and the state to go on from.
        """
        if self.kind == "transformer":
            out, after = self.stack(x, state, seen if self.both else None)
            return out, after
        if self.both:
            order = None if seen is None else _backward(seen)
            back = _ordered(self.back(_ordered(x, order))[0], order)
            return torch.cat([self.stack(x)[0], back], 2), []
        if self.kind == "lstm":
            out, (h, c) = self.stack(x, None if state is None else (state[0], state[1]))
            return out, [h, c]
        out, h = self.stack(x, None if state is None else state[0])
        return out, [h]


def _backward(seen: torch.Tensor) -> torch.Tensor:
    """Return the places of each item's steps from its last to its first, shape (n, steps).

    What follows the last stays where it is, so the same order turns it back.
    """
    places = torch.arange(seen.shape[1], device=seen.device).expand(seen.shape)
    lengths = seen.sum(1, keepdim=True)
    return torch.where(places < lengths, lengths - 1 - places, places)


def _ordered(x: torch.Tensor, order: torch.Tensor | None) -> torch.Tensor:
    """Return the steps of x (n, steps, values) in an order, or from the last to the first."""
    return x.flip(1) if order is None else x.gather(1, order[..., None].expand(x.shape))


class _Transformer(nn.Module):
    """Pre-norm transformer blocks (Xiong et al. 2020, arXiv 2002.04745) with a cache of the past.

    The state is a key and a value for each layer, each (n, heads, steps so far, channels).
    """

    def __init__(self, inputs: int, width: int, layers: int, causal: bool) -> None:
        super().__init__()
        self.width = width
        self.first = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(_Block(width, causal) for _ in range(layers))
        self.last = nn.LayerNorm(width)

    def forward(
        self, x: torch.Tensor, state: State | None = None, seen: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, State]:
        past = 0 if state is None else state[0].shape[2]
        x = self.first(x) + _positions(past, x.shape[1], self.width, x.device)
        after: State = []
        for index, block in enumerate(self.blocks):
            known = None if state is None else (state[2 * index], state[2 * index + 1])
            x, key, value = block(x, known, seen)
            after += [key, value]
        x = self.last(x)
        return x, after


class _Block(nn.Module):
    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.heads = max(1, width // _HEAD)
        while width % self.heads:
            self.heads -= 1
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.read, self.write = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.think = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(
        self, x: torch.Tensor, past: tuple[torch.Tensor, torch.Tensor] | None,
        seen: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        n, steps, width = x.shape
        query, key, value = (
            each.view(n, steps, self.heads, width // self.heads).transpose(1, 2)
            for each in self.read(self.norms[0](x)).chunk(3, 2)
        )
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        mask = None if seen is None else seen[:, None, None]
        if self.causal:
            before = key.shape[2] - steps
            mask = torch.ones(steps, key.shape[2], dtype=torch.bool, device=x.device).tril(before)
        attend = scaled_dot_product_attention if self.training else _attend
        found = attend(query, key, value, mask)
        x = x + self.write(found.transpose(1, 2).reshape(n, steps, width))
        return x + self.think(self.norms[1](x)), key, value


def _attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """Return what scaled_dot_product_attention does, the same bits at any place in a batch.

    The fused kernel on a CPU rounds an item by its place from 8 keys on (torch 2.14), and then a
    seed would not fix the bytes of its sample.
    """
    fits = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
    if mask is not None:
        fits = fits.masked_fill(~mask, -torch.inf)
    return fits.softmax(3) @ value


def _positions(first: int, count: int, width: int, device: torch.device) -> torch.Tensor:
    """Return sines and cosines of places (Vaswani et al. 2017, arXiv 1706.03762)."""
    places = torch.arange(first, first + count, device=device).float()[:, None]
    rates = torch.exp(
        torch.arange(0, width, 2, device=device).float() * (-math.log(10_000.0) / width)
    )
    angles = places * rates
    return torch.cat([angles.sin(), angles.cos()], 1)[:, :width]


def copied(network: nn.Module) -> nn.Module:
    """Return a deep copy of a network.

    cuDNN wants the weights of a recurrent layer in one piece of memory, which copying undoes.
    """
    twin = copy.deepcopy(network)
    for module in twin.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()
    return twin


def variational_dropout(
    x: torch.Tensor, share: float, generator: torch.Generator | None
) -> torch.Tensor:
    """Return x (n, steps, values) without the same values at every step of an item.

    Variational dropout (Gal and Ghahramani 2016, arXiv 1512.05287). Without a generator nothing
    is dropped.
    """
    if generator is None or not share:
        return x
    keep = torch.rand((len(x), 1, x.shape[2]), generator=generator, device=x.device) >= share
    return x * keep / (1 - share)
