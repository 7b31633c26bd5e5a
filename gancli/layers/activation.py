"""Activations by name."""

import torch
from torch import nn


def activation(name: str, slope: float = 0.2) -> nn.Module:
    """Return an activation layer; ``slope`` counts for ``leaky_relu`` alone."""
    if name == "leaky_relu":
        return nn.LeakyReLU(slope)
    kinds: dict[str, type[nn.Module]] = {
        "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": nn.ELU,
        "gelu": nn.GELU, "silu": nn.SiLU,
    }
    return kinds[name]()


class UnitSigmoid(nn.Module):
    """A sigmoid stretched to [-1, 1], the range of pictures."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sigmoid() * 2 - 1


def output_activation(name: str) -> nn.Module:
    """Return the generator's last activation, whose range is that of pictures, [-1, 1]."""
    if name == "sigmoid":
        return UnitSigmoid()
    return nn.Tanh() if name == "tanh" else nn.Identity()
