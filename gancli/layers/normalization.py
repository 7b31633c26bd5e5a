"""Normalization by name."""

import math

from torch import nn
from torch.nn.utils import parametrizations


def normalization(name: str, channels: int) -> nn.Module:
    """Return the layer that normalizes (n, channels, h, w).

    ``spectral`` normalizes weights, not activations, so it gives an identity here and
    :func:`weight_norm` does the work.
    """
    if name == "batch":
        return nn.BatchNorm2d(channels)
    if name == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    if name == "group":
        return nn.GroupNorm(math.gcd(8, channels), channels)
    if name == "layer":
        # One group over all channels and positions is layer norm for pictures.
        return nn.GroupNorm(1, channels)
    return nn.Identity()


def weight_norm(name: str, layer: nn.Module) -> nn.Module:
    """Return the layer, its weight divided by its largest singular value for ``spectral``.

    Source: Miyato et al. 2018, arXiv 1802.05957.
    """
    return parametrizations.spectral_norm(layer) if name == "spectral" else layer


def needs_bias(name: str) -> bool:
    """Return whether a convolution before this normalization needs a bias of its own."""
    return name in ("none", "spectral")
