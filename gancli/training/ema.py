"""The averaged generator that samples are taken from."""

import torch
from torch import nn

from gancli.layers.recurrent import copied

_MAX = 10_000  # items: a longer memory than this lags behind a ten-minute run


class Ema:
    """An exponential moving average of a network's weights and running statistics.

    The half-life grows with training, so that the average is of use from the first step on
    (Karras et al. 2021, arXiv 2106.12423, appendix: EMA ramp-up).

    Args:
        network: The network to follow.
        fraction: Half-life as a fraction of the items seen; 0 copies the network.
    """

    def __init__(self, network: nn.Module, fraction: float) -> None:
        self.network = copied(network).eval().requires_grad_(False)
        self.fraction = fraction

    @torch.no_grad()
    def update(self, network: nn.Module, batch: int, items: int) -> None:
        """Move towards the network after a step of ``batch`` items, ``items`` in all."""
        half_life = min(_MAX, self.fraction * items)
        keep = 0.5 ** (batch / half_life) if half_life > 0 else 0.0
        theirs = network.state_dict()
        floats = {
            name: tensor
            for name, tensor in self.network.state_dict().items()
            if tensor.is_floating_point()
        }
        torch._foreach_lerp_(list(floats.values()), [theirs[name] for name in floats], 1 - keep)
