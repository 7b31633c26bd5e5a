"""What the training loop knows of a phase, and what a phase may touch."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from gancli.data.dataset import Items
from gancli.layers.recurrent import copied
from gancli.runtime.precision import Precision
from gancli.runtime.ranks import active
from gancli.runtime.shard import Shard

Losses = dict[str, torch.Tensor]  # detached scalars by the name in the log


class NotFinite(Exception):
    """A loss or a gradient was NaN or infinite; the update was not applied."""


@dataclass(frozen=True)
class Networks:
    """The networks of a training.

    Args:
        generator: Noise and labels to items.
        discriminator: Items and labels to a
            :class:`gancli.layers.discriminator.DiscriminatorOutput`.
        extra: What only training needs, such as an encoder, by name.
    """

    generator: nn.Module
    discriminator: nn.Module
    extra: Mapping[str, nn.Module] = field(default_factory=dict)

    def named(self) -> dict[str, nn.Module]:
        """Return all networks by name, as checkpoints and models call them."""
        return {"generator": self.generator, "discriminator": self.discriminator, **self.extra}


def copies(networks: Networks) -> Networks:
    """Return copies that share nothing with the networks."""
    return Networks(
        copied(networks.generator), copied(networks.discriminator),
        {name: copied(network) for name, network in networks.extra.items()},
    )


@dataclass(frozen=True)
class Batch:
    """Real items as the data set holds them.

    Args:
        arrays: By name, a row for each item.
        labels: Classes, int64, shape (n,), or None.
    """

    arrays: Mapping[str, torch.Tensor]
    labels: torch.Tensor | None

    @classmethod
    def of(cls, items: Items, device: torch.device | str = "cpu") -> "Batch":
        """Return items as tensors on a device."""

        def tensor(array: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(device)

        arrays = {name: tensor(array) for name, array in items.arrays.items()}
        return cls(arrays, None if items.labels is None else tensor(items.labels))

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, rows: slice) -> "Batch":
        """Return some of the items, each array in one block of memory."""
        arrays = {name: array[rows].contiguous() for name, array in self.arrays.items()}
        return Batch(arrays, None if self.labels is None else self.labels[rows].contiguous())


@dataclass(frozen=True)
class StepContext:
    """What one step of a phase may touch.

    Args:
        networks: In training mode.
        optimizers: As made by :meth:`Phase.optimizers`.
        rng: The step's own randomness, on the device.
        step: Number of the step, from 0.
        precision: Device and arithmetic.
        batch: Returns the step's k-th batch of real items on the device, all of it.
        held_out: Returns so many of the items held out, on the device, others in each step.
    """

    networks: Networks
    optimizers: Mapping[str, Optimizer]
    rng: torch.Generator
    step: int
    precision: Precision
    batch: Callable[[int], Batch]
    held_out: Callable[[int], Batch]

    def shard(self, whole: int) -> Shard:
        """Return which of so many items this process computes, and their random numbers."""
        return Shard(whole, self.rng, active())


class Phase(Protocol):
    """One part of training.

    Attributes:
        name: Shown in progress and metrics.
        fraction: Of the budget; all phases' together are 1.
        batch_size: Items in a batch.
        batches_per_step: Batches that a step may ask for.
        trains_generator: Whether the generator changes; otherwise it is not measured again.
        stops_early: Whether it ends when the held-out loss keeps rising; the phases after it
            share what is left of the budget.
    """

    @property
    def name(self) -> str: ...

    @property
    def fraction(self) -> float: ...

    @property
    def batch_size(self) -> int: ...

    @property
    def batches_per_step(self) -> int: ...

    @property
    def trains_generator(self) -> bool: ...

    @property
    def stops_early(self) -> bool: ...

    def begin(self, networks: Networks) -> None:
        """Prepare the networks; the generator is the best one of the phases before."""

    def optimizers(self, networks: Networks) -> dict[str, Optimizer]:
        """Return the optimizers that the phase steps, at their full learning rates."""

    def step(self, context: StepContext) -> Losses:
        """Do one step and return its losses.

        Nothing is read back from the device to report it: that would make the host wait.

        Raises:
            NotFinite: Nothing was updated by the loss that was not finite.
        """

    def lr_factor(self, progress: float) -> float:
        """Return the factor on every learning rate at a fraction of the phase's budget."""


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Give a context in which gradients pass through a network and leave its weights alone.

    It ends however the context does: a network that stayed frozen could not be trained again.
    """
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def reads_stall(device: torch.device) -> bool:
    """Return whether reading a number from a device stalls it, so that checks are deferred."""
    return device.type == "cuda"


def all_finite(optimizers: Iterable[Optimizer]) -> bool:
    """Return whether all updates so far were finite; waits for a device that reads stall."""
    flags = [flag for each in optimizers if (flag := getattr(each, "found_inf", None)) is not None]
    return not flags or not bool(torch.stack(flags).any())


def _update_async(
    optimizer: Optimizer, gradients: list[torch.Tensor], norm: torch.Tensor,
    max_norm: float | None,
) -> None:
    """Shorten the gradients and step, all decided on the device.

    Fused optimizers skip a step where ``found_inf`` is 1. It stays so: after a gradient that was
    not finite nothing is applied any more, until the trainer checks and rolls back.
    """
    if max_norm is not None:
        torch._foreach_mul_(gradients, (max_norm / norm).clamp(max=1))
    not_finite = (~norm.isfinite()).float()
    before = getattr(optimizer, "found_inf", None)
    flag = not_finite if before is None else torch.maximum(before, not_finite)
    optimizer.found_inf = flag  # type: ignore[attr-defined]
    optimizer.step()


def update(
    optimizer: Optimizer,
    loss: torch.Tensor,
    max_norm: float | None = None,
    penalty: torch.Tensor | None = None,
) -> torch.Tensor:
    """Back-propagate a loss, check its gradient, and step.

    The gradient is the sum of those of all processes that compute the step together, so that all
    of them check the same one and take the same step.

    Args:
        optimizer: Of the network that learns.
        loss: A scalar, this process's share of the loss.
        max_norm: Limit on the norm of the gradient; a longer one is shortened to it.
        penalty: A scalar with a graph of its own, back-propagated after the loss.

    Returns:
        The loss, detached.

    Raises:
        NotFinite: The gradient is NaN or infinite; nothing was changed. On a device that reads
            would stall, :func:`all_finite` says so later instead.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if penalty is not None:
        penalty.backward()  # type: ignore[no-untyped-call]
    gradients = [
        parameter.grad
        for group in optimizer.param_groups
        for parameter in group["params"]
        if parameter.grad is not None
    ]
    active().sum_gradients(gradients)
    # A NaN or an infinity anywhere makes the norm of norms not finite, in one pass.
    norm = torch.nn.utils.get_total_norm(gradients)
    if reads_stall(norm.device):
        _update_async(optimizer, gradients, norm, max_norm)
        return loss.detach()
    if not norm.isfinite():
        optimizer.zero_grad(set_to_none=True)
        raise NotFinite
    if max_norm is not None and norm > max_norm:
        torch._foreach_mul_(gradients, float(max_norm / norm))
    optimizer.step()
    return loss.detach()
