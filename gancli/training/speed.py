"""How many items a budget buys on this machine, before the networks are chosen."""

import time
from contextlib import suppress

import torch

from gancli.data.dataset import Dataset
from gancli.modalities.base import ConfigT, SpecT, Trainable
from gancli.phases.base import NotFinite
from gancli.runtime.precision import Precision
from gancli.training.budget import Budget
from gancli.training.step import take_step

_TIMED = 2  # steps, after one to warm up


def affordable_items(
    trainable: Trainable[SpecT, ConfigT], spec: SpecT, config: ConfigT, dataset: Dataset,
    precision: Precision, batch: int,
) -> float:
    """Return how many items the config's budget pays for.

    A budget of time is divided by the time of a step on this machine, so it needs a moment.

    Args:
        trainable, spec, config, dataset: What is trained on what.
        precision: Device and arithmetic.
        batch: Items in a step of the config.
    """
    budget = Budget.of(config)
    items = budget.items(batch)
    if items is not None:
        return items
    networks = trainable.start(spec, config, dataset)
    for network in networks.named().values():
        network.to(precision.device).train()
    phase = trainable.phases(spec, config, dataset)[0]
    optimizers, seconds = phase.optimizers(networks), []
    for step in range(1 + _TIMED):
        started = time.perf_counter()
        with suppress(NotFinite):
            take_step(phase, networks, optimizers, dataset, precision, config.seed, step)
        if precision.device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return budget.amount / min(seconds[1:]) * phase.batch_size
