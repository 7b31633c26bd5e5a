"""The averaged generator that samples are taken from."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gancli.layers.recurrent import copied

_MAX = 10_000  # items: a longer memory than this lags behind a ten-minute run


class Ema:
    """An exponential moving average of a network's weights.

    The half-life grows with training, so that the average is of use from the first step on
    (Karras et al. 2021, arXiv 2106.12423, appendix: EMA ramp-up).

    Batch norm's running statistics cannot be averaged so: those of the networks that were averaged
    are not those of the average. They are taken anew from its own activations, as stochastic
    weight averaging does (Izmailov et al. 2018, arXiv 1803.05407).

    Args:
        network: The network to follow.
        fraction: Half-life as a fraction of the items seen; 0 copies the network.
    """

    def __init__(self, network: nn.Module, fraction: float) -> None:
        self.network = copied(network).eval().requires_grad_(False)
        self.fraction = fraction
        self._norms = {
            name: each for name, each in self.network.named_modules()
            if isinstance(each, _BatchNorm)
        }
        self._up_to_date = False

    @torch.no_grad()
    def update(self, network: nn.Module, batch: int, items: int) -> None:
        """Move towards the network after a step of ``batch`` items, ``items`` in all."""
        half_life = min(_MAX, self.fraction * items)
        keep = 0.5 ** (batch / half_life) if half_life > 0 else 0.0
        theirs = network.state_dict()
        statistics = {
            f"{name}.running_{kind}".removeprefix(".")
            for name in self._norms for kind in ("mean", "var")
        }
        floats = {
            name: tensor
            for name, tensor in self.network.state_dict().items()
            if tensor.is_floating_point() and name not in statistics
        }
        torch._foreach_lerp_(list(floats.values()), [theirs[name] for name in floats], 1 - keep)
        self._up_to_date = False

    def take_statistics(self, generate: Callable[[], object]) -> None:
        """Take the statistics anew, unless no update has come since the last time.

        Args:
            generate: Runs the network on batches of noise.
        """
        if self._up_to_date or not self._norms:
            return
        for norm in self._norms.values():
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean over batches
            norm.train()
        generate()
        for norm in self._norms.values():
            norm.eval()
        self._up_to_date = True
