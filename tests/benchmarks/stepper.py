"""Single steps of a training, as the benchmarks time and count them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from gancli import modalities
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.modalities.base import AnyModality
from gancli.phases.base import Networks, Phase
from gancli.reporting import SILENT
from gancli.runtime.precision import Precision
from gancli.runtime.threads import fastest
from gancli.storage import bundled
from gancli.training.ema import Ema
from gancli.training.feed import Feed
from gancli.training.speed import arithmetics, sized, step_seconds
from gancli.training.speed import fastest as fastest_arithmetic
from gancli.training.step import take_step


@dataclass
class Stepper:
    """A training of which each call is one step.

    Args:
        modality, spec, config, networks, feed: What is trained on what.
        precision: Device and arithmetic.
        phase: Whose steps are taken.
        units: What a second of training is counted in, such as pictures.
        units_per_step: How many of them a step sees.
    """

    modality: AnyModality
    spec: Any
    config: Any
    networks: Networks
    feed: Feed
    precision: Precision
    phase: Phase
    units: str
    units_per_step: float

    def __post_init__(self) -> None:
        self.number = 0
        self.optimizers = self.phase.optimizers(self.networks)
        self._ema = Ema(self.networks.generator, self.config.ema)

    def __call__(self) -> None:
        """Take the next step, averaging included."""
        take_step(
            self.phase, self.networks, self.optimizers, self.feed, self.precision, 0, self.number
        )
        self.number += 1
        batch = self.phase.batch_size
        self._ema.update(self.networks.generator, batch, self.number * batch)

    def tune(self) -> int:
        """Set and return the number of threads that is fastest now."""
        return fastest(self)[0] if self.precision.device.type == "cpu" else 0


def stepper(name: str, device: str, phase: str = "adversarial", **options: Any) -> Stepper:
    """Return a training on the bundled data of a modality.

    Args:
        name: Of the modality.
        device: Where to compute.
        phase: The name of its phase, or the beginning of it.
        options: Of the training; a budget of a minute is the default.
    """
    modality = modalities.get(name)
    options = {"time": "60s", "device": device, **options}
    config, _ = resolve(modality.config_type, command_line=options, presets=modality.presets)
    loader, trainable = modality.loader(), modality.trainable()
    source = open_source(bundled.default("samples", name))
    spec, _ = loader.inspect(source, config)
    dataset = loader.load(source, spec, config, SILENT)
    config = sized(modality, spec, config, dataset, SILENT)
    choices = arithmetics(config)
    precision = choices[0] if len(choices) == 1 else choices[
        fastest_arithmetic(step_seconds(trainable, spec, config, dataset, choices))
    ]
    torch.manual_seed(config.seed)
    networks = trainable.start(spec, config, dataset)
    for network in networks.named().values():
        network.to(precision.device).train()
    phases = trainable.phases(spec, config, dataset)
    chosen = next((each for each in phases if each.name.startswith(phase)), phases[0])
    chosen.begin(networks)
    units, each = _units(name, spec, dataset)
    return Stepper(
        modality, spec, config, networks, Feed(dataset, precision.device), precision, chosen,
        units, each * chosen.batch_size * chosen.batches_per_step,
    )


def _units(name: str, spec: Any, dataset: Any) -> tuple[str, float]:
    """Return what training is counted in, and how many of them an item has."""
    if name == "text":
        return "tokens", float(dataset.places.lengths(dataset.train[:]).mean())
    if name == "audio":
        return "seconds of sound", spec.samples / spec.rate
    return "pictures", 1.0


def synchronize(device: torch.device) -> None:
    """Wait until a device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(run: Callable[[], object], device: torch.device, clock: Callable[[], float],
               count: int) -> float:
    """Return how long ``count`` calls take together."""
    synchronize(device)
    started = clock()
    for _ in range(count):
        run()
    synchronize(device)
    return clock() - started
