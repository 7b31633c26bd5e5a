"""Normalization by name."""

import math

import torch
from torch import nn
from torch.nn.functional import linear
from torch.nn.utils import parametrizations

from gancli.runtime.ranks import active


def normalization(name: str, channels: int) -> nn.Module:
    """Return the layer that normalizes activations of shape (n, channels, h, w).

    It has a learnable scale and shift. ``none`` is the identity, and so is ``spectral``, which
    normalizes weights instead: see :func:`weight_norm`.

    Sources: ``batch`` Ioffe and Szegedy 2015, arXiv 1502.03167; ``instance`` Ulyanov et al. 2016,
    arXiv 1607.08022; ``group`` Wu and He 2018, arXiv 1803.08494; ``layer`` Ba et al. 2016, arXiv
    1607.06450.
    """
    if name == "batch":
        return BatchNorm2d(channels)
    if name == "instance":
        return InstanceNorm2d(channels, affine=True)
    if name == "group":
        return nn.GroupNorm(math.gcd(8, channels), channels)
    if name == "layer":
        # Layer norm of a picture is group norm with one group of all channels.
        return nn.GroupNorm(1, channels)
    return nn.Identity()


class InstanceNorm2d(nn.InstanceNorm2d):
    """Torch's, and no picture makes no picture: a process may have none of a small batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x):
            return super().forward(x)
        return x * self.weight[:, None, None] + self.bias[:, None, None]


class BatchNorm2d(nn.BatchNorm2d):
    """Torch's, over the items of all processes that compute a step together."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ranks = active()
        if not (self.training and ranks.linked):
            return super().forward(x)
        values = x.float()
        size = torch.tensor(float(x.numel() // x.shape[1]), device=x.device)
        count = ranks.sum(size)
        mean = ranks.differentiable_sum(values.sum((0, 2, 3))) / count
        centered = values - mean[:, None, None]
        variance = ranks.differentiable_sum(centered.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            assert self.running_mean is not None and self.running_var is not None
            assert self.momentum is not None and self.num_batches_tracked is not None
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
            unbiased = variance * count / (count - 1)
            self.running_var.lerp_(unbiased.to(self.running_var), self.momentum)
        scale = (variance + self.eps).rsqrt()
        if not self.affine:
            return (centered * scale[:, None, None]).to(x.dtype)
        scale = scale * self.weight
        return torch.addcmul(
            self.bias[:, None, None], centered, scale[:, None, None]
        ).to(x.dtype)


class ModulatedBatchNorm(BatchNorm2d):
    """Batch norm of (n, channels, h, w) whose scale and shift depend on a code (n, code).

    The scale is 1 + A code and the shift B code: each item says itself how strong its channels
    are, at every depth, where a plain batch norm lets it speak only in the first layer.

    Source: Chen et al. 2018, arXiv 1810.01365, with a linear map in place of their small network
    and a class beside z in the code.
    """

    _DEVIATION = 0.3  # of the modulation by a code of unit variance, before training

    def __init__(self, channels: int, code: int) -> None:
        super().__init__(channels, affine=False)
        self.modulation = nn.Parameter(torch.empty(2 * channels, code))
        self.modulation_bias = nn.Parameter(torch.zeros(2 * channels))
        nn.init.normal_(self.modulation, 0.0, self._DEVIATION * code**-0.5)

    def forward(self, x: torch.Tensor, code: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        modulation = linear(code, self.modulation, self.modulation_bias)
        scale, shift = modulation[:, :, None, None].chunk(2, 1)
        return torch.addcmul(shift, super().forward(x), 1 + scale)


def weight_norm(name: str, layer: nn.Module) -> nn.Module:
    """Return the layer; ``spectral`` divides its weight by the weight's largest singular value.

    Source: Miyato et al. 2018, arXiv 1802.05957.
    """
    return parametrizations.spectral_norm(layer) if name == "spectral" else layer


def is_spectral_norm(module: nn.Module) -> bool:
    """Return whether a module divides a weight by its largest singular value.

    In training each use improves its estimate of the singular vectors by a power iteration.
    """
    return isinstance(module, parametrizations._SpectralNorm)
