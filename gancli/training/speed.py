"""How long a step takes on this machine, and what that decides before a training begins."""

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import torch

from gancli.config import TrainConfig, to_table
from gancli.config.option import Value
from gancli.data.dataset import Dataset
from gancli.data.source import Source
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT, Trainable
from gancli.phases.base import NotFinite
from gancli.reporting import Reporter
from gancli.runtime import threads
from gancli.runtime.devices import bf16, bf16_is_to_be_timed, choose
from gancli.runtime.launch import launch
from gancli.runtime.precision import Precision
from gancli.runtime.ranks import Ranks
from gancli.training.budget import Budget
from gancli.training.experiment import AnyExperiment
from gancli.training.feed import Feed
from gancli.training.step import take_step

_ROUNDS = 5
_PERIOD = 8  # steps; in the first of them is what the others are spared, as lazy penalties
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

    They take turns and the shortest time counts, since a neighbor's load comes and goes. Steps 0
    and 1 are timed, which stand for the others. Of several processes this one's part of a step is
    timed, while the others wait.

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
    ranks = Ranks(launch().rank, launch().world)  # this process's part, without the others

    def step(precision: Precision, number: int) -> None:
        with suppress(NotFinite):
            take_step(phase, networks, optimizers, feed, precision, config.seed, number, 0, ranks)
        if device.type == "cuda":
            torch.cuda.synchronize()

    for precision in precisions:
        step(precision, 0)  # to warm up
    if device.type == "cpu" and threads.fixed(config.threads) is None:
        threads.fastest(partial(step, precisions[0], 1))
    shortest = {(precision, number): math.inf for precision in precisions for number in (0, 1)}
    began = time.perf_counter()
    for _ in range(_ROUNDS):
        for which, seconds in shortest.items():
            started = time.perf_counter()
            step(*which)
            shortest[which] = min(seconds, time.perf_counter() - started)
        if time.perf_counter() - began > _SECONDS:
            break
    return [
        (shortest[each, 0] + (_PERIOD - 1) * shortest[each, 1]) / _PERIOD for each in precisions
    ]


def fastest(seconds: Sequence[float]) -> int:
    """Return the place of the arithmetic to take; the first, unless another is clearly faster."""
    best = min(range(len(seconds)), key=lambda place: seconds[place])
    return best if seconds[best] < _GAIN * seconds[0] else 0


def use_threads(config: TrainConfig) -> None:
    """Compute with the threads that the config fixes, from the first measurement on."""
    if (count := threads.fixed(config.threads)) is not None:
        torch.set_num_threads(count)


def sized(
    modality: Modality[SpecT, ConfigT, OptionsT], spec: SpecT, config: ConfigT, dataset: Dataset,
    reporter: Reporter,
) -> ConfigT:
    """Return the config with what its budget decides."""
    trainable = modality.trainable()
    if trainable.sized is None:
        return config
    budget, precisions = Budget.of(config), arithmetics(config)

    def affordable(trial: ConfigT, batch: int) -> float:
        items = budget.items(batch)
        if items is not None:
            return items
        reporter.note("Timing steps, to see what the budget buys on this machine.")
        seconds = step_seconds(trainable, spec, trial, dataset, precisions)
        return budget.amount / seconds[fastest(seconds)] * batch

    config, sentences = trainable.sized(spec, config, affordable)
    for sentence in sentences:
        reporter.note(sentence)
    return config


def found_by_budget(
    modality: Modality[SpecT, ConfigT, OptionsT], config: ConfigT, source: Source,
    reporter: Reporter,
) -> dict[str, Value]:
    """Return what the budget decides of the options that a config leaves open, by name."""
    if modality.trainable().sized is None:
        return {}
    use_threads(config)
    spec, _ = modality.loader().inspect(source, config)
    dataset = modality.loader().load(source, spec, config, reporter)
    found = to_table(sized(modality, spec, config, dataset, reporter))
    return {name: value for name, value in found.items() if getattr(config, name) is None}


def fast_precision(experiment: AnyExperiment, reporter: Reporter) -> Precision:
    """Return the arithmetic to train in, timed where only that tells which is the fastest."""
    precisions = arithmetics(experiment.config)
    if len(precisions) == 1:
        return precisions[0]
    names = " and in ".join(precision.name for precision in precisions)
    reporter.note(f"Timing steps in {names} (--precision saves this).")
    seconds = step_seconds(
        experiment.modality.trainable(), experiment.spec, experiment.config, experiment.dataset,
        precisions,
    )
    chosen = precisions[fastest(seconds)]
    tried = ", ".join(
        f"{precision.name}: {1e3 * each:.0f} ms"
        for precision, each in zip(precisions, seconds, strict=True)
    )
    reporter.note(
        f"Precision: {chosen.name}, timed against the other ({tried} a step; --precision sets it)."
    )
    return chosen
