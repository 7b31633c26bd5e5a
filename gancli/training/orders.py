"""What rank 0 sends the other processes before each step: an order, and the state where it changed.

Both sides make these exchanges, and in the same sequence (:mod:`gancli.training.leading`,
:mod:`gancli.training.following`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import Optimizer

from gancli.phases.base import Networks
from gancli.runtime.ranks import Ranks

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam keeps of a parameter


@dataclass(frozen=True)
class Order:
    """What all processes do next.

    Args:
        phase: Number of the phase that does a step.
        step, attempt: Of the step.
        lr_factor: On the phase's learning rates.
        renewed: Whether rank 0's networks and optimizers come first.
        ended: Whether there are no more steps.
        code: Exit status then.
        signal: Number of a signal that came to one of them, or 0.
    """

    phase: int = 0
    step: int = 0
    attempt: int = 0
    lr_factor: float = 0.0
    renewed: bool = False
    ended: bool = False
    code: int = 0
    signal: int = 0

    def exchanged(self, ranks: Ranks) -> "Order":
        """Return rank 0's order with a signal of any process; the others give theirs alone."""
        # Nothing in an order is negative, so the largest of each is the one that was given.
        own = torch.tensor([float(value) for value in vars(self).values()], dtype=torch.float64)
        values = ranks.maximum(own).tolist()
        return Order(**{
            name: type(value)(found)
            for (name, value), found in zip(vars(self).items(), values, strict=True)
        })


def renew(ranks: Ranks, networks: Networks, optimizers: Mapping[str, Optimizer]) -> None:
    """Give all processes rank 0's weights and moments."""
    ranks.send([
        tensor for network in networks.named().values() for tensor in network.state_dict().values()
    ])
    for optimizer in optimizers.values():
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        stepped = torch.tensor([int(bool(optimizer.state.get(each))) for each in parameters])
        ranks.send([stepped])
        moments: list[torch.Tensor] = []
        for parameter, has_moments in zip(parameters, stepped.tolist(), strict=True):
            if has_moments:
                state = optimizer.state[parameter] = optimizer.state.get(parameter) or _blank(
                    parameter
                )
                moments += [state[name] for name in _MOMENTS]
        ranks.send(moments)


def _blank(parameter: torch.Tensor) -> dict[str, Any]:
    """Return what Adam keeps of a parameter, laid out in memory as it is."""
    like = [torch.empty_like(parameter) for _ in range(2)]
    step = torch.zeros((), dtype=torch.float32, device=parameter.device)  # as fused Adam has it
    return dict(zip(_MOMENTS, [step, *like], strict=True))
