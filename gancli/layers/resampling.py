"""Up-sampling for generators and down-sampling for discriminators, by name."""

from collections.abc import Callable

import torch
from torch import nn

Wrap = Callable[[nn.Module], nn.Module]


class UpSample(nn.Sequential):
    """Double the side of (n, inputs, h, w), then cut to ``side`` where that is odd.

    Args:
        kind: ``transposed`` (4x4, stride 2), ``nearest`` (then a 3x3 convolution) or ``shuffle``
            (a 3x3 convolution to four times the channels, then pixel shuffle).
        inputs, outputs: Channels.
        side: Height and width of the result, 2h or 2h - 1.
        bias: Whether the convolution has a bias.
        wrap: Applied to the convolution (spectral norm).
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


def down_sample(kind: str, inputs: int, outputs: int, bias: bool, wrap: Wrap) -> nn.Sequential:
    """Return layers that halve the side (rounding down) of (n, inputs, h, w).

    ``stride`` is a 4x4 convolution of stride 2; ``max`` and ``average`` pool after a 3x3 one.
    """
    if kind == "stride":
        return nn.Sequential(wrap(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=bias)))
    pool = nn.MaxPool2d(2) if kind == "max" else nn.AvgPool2d(2)
    return nn.Sequential(wrap(nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)), pool)
