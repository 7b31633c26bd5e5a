"""One step of a phase: its batches and its random numbers are functions of its number."""

from collections.abc import Mapping

import torch
from torch.optim import Optimizer

from gancli.data.dataset import Dataset
from gancli.phases.base import Batch, Losses, Networks, Phase, StepContext
from gancli.runtime.precision import Precision
from gancli.runtime.ranks import ALONE, Ranks, working
from gancli.training.random import step_rng


def take_step(
    phase: Phase, networks: Networks, optimizers: Mapping[str, Optimizer], dataset: Dataset,
    precision: Precision, seed: int, step: int, attempt: int = 0, ranks: Ranks = ALONE,
) -> Losses:
    """Do a step and return its losses.

    Args:
        phase: Which does it.
        networks: In training mode, on the device.
        optimizers: Of the phase.
        dataset: Where batches come from.
        precision: Device and arithmetic.
        seed: Of the run.
        step: Its number, from 0.
        attempt: Roll-backs before it.
        ranks: The processes that do it together.

    Raises:
        NotFinite: A loss or gradient was not finite.
    """
    device = precision.device

    def batch(k: int) -> Batch:
        number = step * phase.batches_per_step + k
        return Batch.of(dataset.take(dataset.batch(seed, number, phase.batch_size)), device)

    def held_out(count: int) -> Batch:
        return Batch.of(dataset.take(dataset.held_out_batch(seed, step, count)), device)

    rng = step_rng(device, seed, step, attempt)
    with working(ranks):
        losses = phase.step(
            StepContext(networks, optimizers, rng, step, precision, batch, held_out)
        )
    if not ranks.linked:
        return losses
    # Each process has its shares of them.
    shares = torch.stack([loss.to(device, torch.float32) for loss in losses.values()])
    return dict(zip(losses, ranks.sum(shares), strict=True))
