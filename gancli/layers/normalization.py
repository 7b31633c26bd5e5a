"""Normalization by name."""

import math

from torch import nn
from torch.nn.utils import parametrizations


def normalization(name: str, channels: int) -> nn.Module:
    """Return the layer that normalizes activations of shape (n, channels, h, w).

    It has a learnable scale and shift. ``none`` is the identity, and so is ``spectral``, which
    normalizes weights instead: see :func:`weight_norm`.

    Sources: ``batch`` Ioffe and Szegedy 2015, arXiv 1502.03167; ``instance`` Ulyanov et al. 2016,
    arXiv 1607.08022; ``group`` Wu and He 2018, arXiv 1803.08494; ``layer`` Ba et al. 2016, arXiv
    1607.06450.
    """
    if name == "batch":
        return nn.BatchNorm2d(channels)
    if name == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    if name == "group":
        return nn.GroupNorm(math.gcd(8, channels), channels)
    if name == "layer":
        # Layer norm of a picture is group norm with one group of all channels.
        return nn.GroupNorm(1, channels)
    return nn.Identity()


def weight_norm(name: str, layer: nn.Module) -> nn.Module:
    """Return the layer; ``spectral`` divides its weight by the weight's largest singular value.

    Source: Miyato et al. 2018, arXiv 1802.05957.
    """
    return parametrizations.spectral_norm(layer) if name == "spectral" else layer


def needs_bias(name: str) -> bool:
    """Return whether a convolution before this normalization needs a bias: nothing removes it."""
    return name in ("none", "spectral")
