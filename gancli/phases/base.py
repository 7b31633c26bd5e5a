"""What the training loop knows of a phase."""

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import nn
from torch.optim import Optimizer

from gancli.runtime.precision import Compute

Batch = dict[str, torch.Tensor]


class NotFinite(Exception):
    """A loss or a gradient was NaN or infinite; the update was not applied."""


class Phase(Protocol):
    """One part of training.

    Attributes:
        name: Shown in progress and metrics.
        share: Part of the budget, all phases' together 1.
        batch: Items in a step.
        trains_generator: Whether the generator changes; otherwise it is not measured again.
        stops_early: Whether it ends when the held-out loss keeps rising; the phases after it
            share what is left of the budget.
    """

    @property
    def name(self) -> str: ...

    @property
    def share(self) -> float: ...

    @property
    def batch(self) -> int: ...

    @property
    def trains_generator(self) -> bool: ...

    @property
    def stops_early(self) -> bool: ...

    def begin(self, networks: Mapping[str, nn.Module]) -> None:
        """Prepare the networks; the generator is the best one of the phases before."""

    def optimizers(self, networks: Mapping[str, nn.Module]) -> dict[str, Optimizer]:
        """Return the optimizers that the phase steps, at their full learning rates."""

    def step(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        draw: Callable[[int], Batch],
        generator: torch.Generator,
        step: int,
        compute: Compute,
    ) -> dict[str, float]:
        """Do one step and return named losses.

        Args:
            networks: By name, in training mode.
            optimizers: As made by :meth:`optimizers`.
            draw: Returns the step's k-th batch of real items on the device.
            generator: The step's own randomness, on the device.
            step: Number of the step, from 0.
            compute: Device and precision.

        Raises:
            NotFinite: Nothing was updated by the loss that was not finite.
        """

    def rate(self, progress: float) -> float:
        """Return the factor on every learning rate at a share of the phase's budget."""


def update(optimizer: Optimizer, loss: torch.Tensor, clip: float | None = None) -> float:
    """Back-propagate a loss, check it and its gradients, and step.

    Args:
        optimizer: Of the network that learns.
        loss: A scalar.
        clip: Greatest norm of the gradient; a longer one is shortened to it.

    Returns:
        The loss.

    Raises:
        NotFinite: The loss or a gradient is NaN or infinite; nothing was changed.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    apply(optimizer, clip)
    return loss.item()


def apply(optimizer: Optimizer, clip: float | None = None) -> None:
    """Step with the gradients at hand if all are finite.

    Raises:
        NotFinite: One is not; nothing was changed.
    """
    gradients = [
        parameter.grad
        for group in optimizer.param_groups
        for parameter in group["params"]
        if parameter.grad is not None
    ]
    # A NaN or an infinity anywhere makes the norm of norms not finite, in one pass.
    norm = torch.nn.utils.get_total_norm(gradients)
    if not norm.isfinite():
        optimizer.zero_grad(set_to_none=True)
        raise NotFinite
    if clip is not None and norm > clip:
        torch._foreach_mul_(gradients, float(clip / norm))
    optimizer.step()
