"""Activations by name."""

import torch
from torch import nn


def activation(name: str, slope: float = 0.2) -> nn.Module:
    """Return an activation layer of any input shape; ``slope`` is only used by ``leaky_relu``."""
    if name == "leaky_relu":
        return nn.LeakyReLU(slope)
    layers: dict[str, type[nn.Module]] = {
        "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": nn.ELU,
        "gelu": nn.GELU, "silu": nn.SiLU,
    }
    return layers[name]()


class UnitSigmoid(nn.Module):
    """A sigmoid scaled to [-1, 1], the range of pictures: ``tanh(x / 2)``."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sigmoid() * 2 - 1


def output_activation(name: str) -> nn.Module:
    """Return the generator's output activation; ``tanh`` and ``sigmoid`` map to [-1, 1]."""
    if name == "sigmoid":
        return UnitSigmoid()
    return nn.Tanh() if name == "tanh" else nn.Identity()
