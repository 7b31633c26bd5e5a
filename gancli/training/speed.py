"""How long a step takes on this machine, before a training begins."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import torch

from gancli.config import TrainConfig
from gancli.data.dataset import Dataset
from gancli.modalities.base import ConfigT, SpecT, Trainable
from gancli.phases.base import NotFinite
from gancli.runtime import threads
from gancli.runtime.devices import bf16, bf16_is_to_be_timed, choose
from gancli.runtime.precision import Precision
from gancli.training.budget import Budget
from gancli.training.feed import Feed
from gancli.training.step import take_step

_ROUNDS = 5
_SECONDS = 2.0  # after which no further round begins
_GAIN = 0.9  # of the first arithmetic's time that another must stay under


def arithmetics(config: TrainConfig) -> list[Precision]:
    """Return what may be the fastest arithmetic for a config; of several the first is the usual.

    A run of so many steps is the same each time, so its arithmetic does not depend on the clock.
    """
    device = choose(config.device)
    timed = config.precision == "auto" and Budget.of(config).kind == "time"
    if timed and bf16_is_to_be_timed(device):
        return [Precision(device, bf16=False), Precision(device, bf16=True)]
    return [Precision(device, bf16(config.precision, device))]


def step_seconds(
    trainable: Trainable[SpecT, ConfigT], spec: SpecT, config: ConfigT, dataset: Dataset,
    precisions: Sequence[Precision],
) -> list[float]:
    """Return how long a step takes in each arithmetic, at the fastest number of threads.

    They take turns and the shortest time counts, since a neighbor's load comes and goes.

    Args:
        trainable, spec, config, dataset: What is trained on what; the first phase is timed.
        precisions: The arithmetics, on one device.
    """
    networks = trainable.start(spec, config, dataset)
    device = precisions[0].device
    for network in networks.named().values():
        network.to(device).train()
    phase = trainable.phases(spec, config, dataset)[0]
    optimizers, feed = phase.optimizers(networks), Feed(dataset, device)

    def step(precision: Precision) -> Callable[[], None]:
        def run() -> None:
            with suppress(NotFinite):
                take_step(phase, networks, optimizers, feed, precision, config.seed, 0)
            if device.type == "cuda":
                torch.cuda.synchronize()

        return run

    steps = [step(precision) for precision in precisions]
    for run in steps:
        run()  # to warm up
    if device.type == "cpu" and threads.fixed(config.threads) is None:
        threads.fastest(steps[0])
    seconds: list[list[float]] = [[] for _ in steps]
    for _ in range(_ROUNDS):
        for run, times in zip(steps, seconds, strict=True):
            started = time.perf_counter()
            run()
            times.append(time.perf_counter() - started)
        if sum(map(sum, seconds)) > _SECONDS:
            break
    return [min(times) for times in seconds]


def fastest(seconds: Sequence[float]) -> int:
    """Return the place of the arithmetic to take; the first, unless another is clearly faster."""
    best = min(range(len(seconds)), key=lambda place: seconds[place])
    return best if seconds[best] < _GAIN * seconds[0] else 0
