"""One step of a phase: its batches and its random numbers are functions of its number."""

from collections.abc import Callable, Mapping
from contextlib import suppress

import torch
from torch.optim import Optimizer

from gancli.phases.base import Batch, Losses, Networks, NotFinite, Phase, StepContext, copies
from gancli.runtime.precision import Precision
from gancli.runtime.ranks import ALONE, Ranks, working
from gancli.training.feed import Feed
from gancli.training.random import step_rng


def take_step(
    phase: Phase, networks: Networks, optimizers: Mapping[str, Optimizer], feed: Feed,
    precision: Precision, seed: int, step: int, attempt: int = 0, ranks: Ranks = ALONE,
) -> Losses:
    """Do a step and return its losses.

    Args:
        phase: Which does it.
        networks: In training mode, on the device.
        optimizers: Of the phase.
        feed: Where batches come from.
        precision: Device and arithmetic.
        seed: Of the run.
        step: Its number, from 0.
        attempt: Roll-backs before it.
        ranks: The processes that do it together.

    Raises:
        NotFinite: A loss or gradient was not finite.
    """
    dataset = feed.dataset

    def batch(k: int) -> Batch:
        number = step * phase.batches_per_step + k
        return feed.take(dataset.batch(seed, number, phase.batch_size))

    def held_out(count: int) -> Batch:
        return feed.take(dataset.held_out_batch(seed, step, count))

    rng = step_rng(precision.device, seed, step, attempt)
    with working(ranks):
        losses = phase.step(
            StepContext(networks, optimizers, rng, step, precision, batch, held_out)
        )
    if not ranks.linked:
        return losses
    # Each process has its shares of them.
    shares = torch.stack([loss.to(precision.device, torch.float32) for loss in losses.values()])
    return dict(zip(losses, ranks.sum(shares), strict=True))


def trial(
    phase: Phase, networks: Networks, feed: Feed, precision: Precision, seed: int
) -> Callable[[], object]:
    """Return a step to be timed, on copies of the networks that are thrown away."""
    networks = copies(networks)
    optimizers = phase.optimizers(networks)

    def step() -> None:
        with suppress(NotFinite):  # training's own steps say so
            # Lazy penalties do not run in step 1.
            take_step(phase, networks, optimizers, feed, precision, seed, 1)

    return step
