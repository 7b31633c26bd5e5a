"""Recurrent layers by name, and a transformer, behind one interface."""

import copy
import math

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from gancli.runtime.shard import Shard

_CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
_HEAD_CHANNELS = 64  # of an attention head, as far as the width allows

# What a cell carries from step to step: LSTM (h, c), GRU and RNN (h,), each (layers, n, width);
# transformer a key and a value for each layer.
State = list[torch.Tensor]


class Recurrent(nn.Module):
    """A stack of recurrent layers: (n, steps, inputs) and a state to (n, steps, outputs).

    Args:
        cell: ``lstm``, ``gru``, ``rnn`` or ``transformer``.
        inputs: Values in an input step.
        width: Values that a layer carries in each direction.
        layers: Number of layers.
        bidirectional: Whether a step depends on the later ones, too. Recurrent cells get a second
            stack that reads backward, and the attention of a transformer is not causal. There is
            no state to continue from.

    Attributes:
        outputs: Values in an output step.
    """

    def __init__(
        self, cell: str, inputs: int, width: int, layers: int, bidirectional: bool = False
    ) -> None:
        super().__init__()
        self.kind, self.bidirectional = cell, bidirectional
        if cell == "transformer":
            self.outputs = width
            self.stack: nn.Module = _Transformer(inputs, width, layers, causal=not bidirectional)
            return
        self.outputs = width * (2 if bidirectional else 1)
        self.stack = _CELLS[cell](inputs, width, layers, batch_first=True)
        if bidirectional:
            self.back = _CELLS[cell](inputs, width, layers, batch_first=True)
        for name, weight in self.named_parameters():
            if "weight_hh" in name:
                for block in weight.chunk(weight.shape[0] // width):
                    nn.init.orthogonal_(block)
            elif "bias_ih" in name and cell == "lstm":
                # A forget gate that starts open: Jozefowicz et al. 2015, "An empirical exploration
                # of recurrent network architectures".
                nn.init.zeros_(weight)
                nn.init.ones_(weight[width : 2 * width])
            elif "bias" in name:
                nn.init.zeros_(weight)

    def forward(
        self, x: torch.Tensor, state: State | None = None, mask: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, State]:
        """Process the next steps of a sequence.

        Args:
            x: Shape (n, steps, inputs).
            state: The state returned for the steps before these, or None at the start.
            mask: If bidirectional, which steps belong to an item, bool, shape (n, steps): each row
                is True up to the item's end. What follows does not affect them. None is all steps.

        Returns:
            The outputs, shape (n, steps, outputs), and the state to continue from.
        """
        if self.kind == "transformer":
            out, next_state = self.stack(x, state, mask if self.bidirectional else None)
            return out, next_state
        if self.bidirectional:
            order = None if mask is None else _reversed_steps(mask)
            back = _reorder(self.back(_reorder(x, order))[0], order)
            return torch.cat([self.stack(x)[0], back], 2), []
        if self.kind == "lstm":
            out, (h, c) = self.stack(x, None if state is None else (state[0], state[1]))
            return out, [h, c]
        out, h = self.stack(x, None if state is None else state[0])
        return out, [h]


def _reversed_steps(mask: torch.Tensor) -> torch.Tensor:
    """Return the indices that reverse each item's steps inside the mask, shape (n, steps).

    Steps after the end of an item stay in place, so applying the indices twice restores the order.
    """
    steps = torch.arange(mask.shape[1], device=mask.device).expand(mask.shape)
    lengths = mask.sum(1, keepdim=True)
    return torch.where(steps < lengths, lengths - 1 - steps, steps)


def _reorder(x: torch.Tensor, order: torch.Tensor | None) -> torch.Tensor:
    """Return x (n, steps, values) with its steps in an order (n, steps), or reversed if None."""
    return x.flip(1) if order is None else x.gather(1, order[..., None].expand(x.shape))


class _Transformer(nn.Module):
    """Pre-norm transformer blocks (Xiong et al. 2020, arXiv 2002.04745) with a key-value cache.

    The state is a key and a value for each layer, each (n, heads, steps so far, channels).
    """

    def __init__(self, inputs: int, width: int, layers: int, causal: bool) -> None:
        super().__init__()
        self.width = width
        self.first = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(_Block(width, causal) for _ in range(layers))
        self.last = nn.LayerNorm(width)

    def forward(
        self, x: torch.Tensor, state: State | None = None, mask: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, State]:
        past_steps = 0 if state is None else state[0].shape[2]
        x = self.first(x) + _positional_encoding(past_steps, x.shape[1], self.width, x.device)
        next_state: State = []
        for index, block in enumerate(self.blocks):
            past = None if state is None else (state[2 * index], state[2 * index + 1])
            x, key, value = block(x, past, mask)
            next_state += [key, value]
        x = self.last(x)
        return x, next_state


class _Block(nn.Module):
    """Self-attention (``read``, ``write``) and a feed-forward network (``think``), residual."""

    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.heads = max(1, width // _HEAD_CHANNELS)
        while width % self.heads:
            self.heads -= 1
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.read, self.write = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.think = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(
        self, x: torch.Tensor, past: tuple[torch.Tensor, torch.Tensor] | None,
        mask: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the output, and all keys and values so far, to continue from."""
        n, steps, width = x.shape
        query, key, value = (
            part.view(n, steps, self.heads, width // self.heads).transpose(1, 2)
            for part in self.read(self.norms[0](x)).chunk(3, 2)
        )
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        if mask is not None:
            mask = mask[:, None, None]
        if self.causal:
            past_steps = key.shape[2] - steps
            mask = torch.ones(steps, key.shape[2], dtype=torch.bool, device=x.device)
            mask = mask.tril(past_steps)
        attend = scaled_dot_product_attention if self.training else _attend
        attended = attend(query, key, value, mask)
        x = x + self.write(attended.transpose(1, 2).reshape(n, steps, width))
        return x + self.think(self.norms[1](x)), key, value


def _attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """Compute scaled_dot_product_attention with the same bits at any position in a batch.

    From 8 keys on, the rounding of the fused CPU kernel depends on an item's position in the batch
    (torch 2.14), and then a seed would not fix the bytes of its sample.
    """
    scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(3) @ value


def _positional_encoding(
    first: int, count: int, width: int, device: torch.device
) -> torch.Tensor:
    """Return sines and cosines, shape (count, width) (Vaswani et al. 2017, arXiv 1706.03762)."""
    positions = torch.arange(first, first + count, device=device).float()[:, None]
    frequencies = torch.exp(
        torch.arange(0, width, 2, device=device).float() * (-math.log(10_000.0) / width)
    )
    angles = positions * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)[:, :width]


def copied(network: nn.Module) -> nn.Module:
    """Return a deep copy of a network.

    cuDNN needs the weights of a recurrent layer in one block of memory, which copying breaks up.
    """
    clone = copy.deepcopy(network)
    for module in clone.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()
    return clone


def variational_dropout(
    x: torch.Tensor, rate: float, shard: Shard | None
) -> torch.Tensor:
    """Return x (n, steps, values) with the same values of an item dropped at every step.

    Source: Gal and Ghahramani 2016, arXiv 1512.05287.

    Args:
        x: Shape (n, steps, values).
        rate: Probability that a value is dropped; the others are divided by 1 - rate.
        shard: Draws the mask; None drops nothing, as in evaluation.
    """
    if shard is None or not rate:
        return x
    mask = shard.uniform(1, x.shape[2]) >= rate
    return x * mask / (1 - rate)
