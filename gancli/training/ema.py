"""The averaged generator that samples are taken from."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gancli.layers.normalization import is_spectral_norm
from gancli.layers.recurrent import copied

_MAX = 10_000  # items: a longer memory than this lags behind a ten-minute run


class Ema:
    """An exponential moving average of a network's weights.

    The half-life grows with training, so that the average is of use from the first step on
    (Karras et al. 2021, arXiv 2106.12423, appendix: EMA ramp-up).

    What is estimated from the weights cannot be averaged so. Batch norm's running statistics are
    taken anew from the average's own activations, as stochastic weight averaging does (Izmailov et
    al. 2018, arXiv 1803.05407). Spectral norm's singular vectors, whose averages are not of length
    1, start as the network's, and power iterations fit them to the averaged weights.

    Args:
        network: The network to follow.
        fraction: Half-life as a fraction of the items seen; 0 copies the network.
    """

    def __init__(self, network: nn.Module, fraction: float) -> None:
        self.network = copied(network).eval().requires_grad_(False)
        self.fraction = fraction
        self._norms: list[_BatchNorm] = []
        self._spectral: list[nn.Module] = []
        # Names of what is not averaged, and of what is copied instead.
        self._estimates: set[str] = set()
        self._copied: list[str] = []
        for name, module in self.network.named_modules():
            prefix = f"{name}." if name else ""
            if isinstance(module, _BatchNorm):
                self._norms.append(module)
                self._estimates |= {prefix + each for each in ("running_mean", "running_var")}
            elif is_spectral_norm(module):
                self._spectral.append(module)
                self._copied += [prefix + each for each in ("_u", "_v")]
        self._estimates.update(self._copied)
        self._up_to_date = False

    @torch.no_grad()
    def update(self, network: nn.Module, batch: int, items: int) -> None:
        """Move towards the network after a step of ``batch`` items, ``items`` in all."""
        half_life = min(_MAX, self.fraction * items)
        keep = 0.5 ** (batch / half_life) if half_life > 0 else 0.0
        ours, theirs = self.network.state_dict(), network.state_dict()
        floats = [
            name for name, tensor in ours.items()
            if tensor.is_floating_point() and name not in self._estimates
        ]
        torch._foreach_lerp_(
            [ours[name] for name in floats], [theirs[name] for name in floats], 1 - keep
        )
        for name in self._copied:
            ours[name].copy_(theirs[name])
        self._up_to_date = False

    def take_statistics(self, generate: Callable[[], object]) -> None:
        """Take the estimates anew, unless no update has come since the last time.

        Args:
            generate: Runs the network on batches of noise.
        """
        if self._up_to_date:
            return
        for norm in self._norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean over batches
        # Batch norm's last, since the others change what it sees.
        for modules in (nn.ModuleList(self._spectral), nn.ModuleList(self._norms)):
            modules.train()
            if len(modules):
                generate()
            modules.eval()
        self._up_to_date = True
