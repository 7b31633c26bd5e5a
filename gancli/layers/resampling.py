"""Upsampling for generators and downsampling for discriminators, by name."""

from collections.abc import Callable

import torch
from torch import nn

Wrap = Callable[[nn.Module], nn.Module]


class UpSample(nn.Sequential):
    """Double height and width: (n, inputs, h, h) to (n, outputs, side, side).

    Args:
        kind: ``transposed`` (a 4x4 transposed convolution of stride 2), ``nearest`` (then a 3x3
            convolution) or ``shuffle`` (a 3x3 convolution to four times the channels, then the
            pixel shuffle of Shi et al. 2016, arXiv 1609.05158).
        inputs, outputs: Number of channels.
        side: Height and width of the result: 2h, or 2h - 1 to cut off the last row and column.
        bias: Whether the convolution has a bias.
        wrap: Applied to the convolution, for spectral norm.
    """

    def __init__(
        self, kind: str, inputs: int, outputs: int, side: int, bias: bool, wrap: Wrap
    ) -> None:
        if kind == "transposed":
            layers = [wrap(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias))]
        elif kind == "nearest":
            layers = [
                nn.Upsample(scale_factor=2, mode="nearest"),
                wrap(nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)),
            ]
        else:
            layers = [
                wrap(nn.Conv2d(inputs, outputs * 4, 3, padding=1, bias=bias)),
                nn.PixelShuffle(2),
            ]
        super().__init__(*layers)
        self.side = side

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self:
            x = layer(x)
        return x if x.shape[-1] == self.side else x[..., : self.side, : self.side]


def down_sample(
    kind: str, inputs: int, outputs: int, wrap: Wrap, norm: nn.Module, act: nn.Module, *, bias: bool
) -> list[nn.Module]:
    """Return layers from (n, inputs, h, w) to (n, outputs, h // 2, w // 2): a convolution first.

    Pooling comes after the activation. Means straight after a convolution are a convolution of
    stride 2 whose kernel is smooth, which cannot see a pattern of two pixels' period.

    Args:
        kind: ``stride`` (a 4x4 convolution of stride 2), or ``max`` or ``average`` (2x2 pooling
            after a 3x3 convolution).
        inputs, outputs: Number of channels.
        wrap: Applied to the convolution, for spectral norm.
        norm, act: Normalization and activation of the convolution's result.
        bias: Whether the convolution has a bias.
    """
    if kind == "stride":
        layer, last = nn.Conv2d(inputs, outputs, 4, 2, 1, bias=bias), act
    else:
        layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
        last = nn.Sequential(act, nn.MaxPool2d(2) if kind == "max" else nn.AvgPool2d(2))
    return [nn.Sequential(wrap(layer)), norm, last]
