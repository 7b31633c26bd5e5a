"""Samples of the averaged generator, as measuring, previews and calibration need them."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import nn

from gancli.artifacts.networks import torch_engine
from gancli.sampling.request import Sample, SampleRequest
from gancli.sampling.sampler import generate
from gancli.sampling.seeds import STATISTICS_SEEDS_FROM
from gancli.training.ema import Ema
from gancli.training.experiment import AnyExperiment

_STATISTICS_ITEMS = 1_000  # that batch norm's statistics are taken from
_TOGETHER = 250  # items, or fewer if they are large
_VALUES_TOGETHER = 1 << 22  # of these items: the activations of a picture are many times as many
_VALUES = 1 << 26  # of the items of a measurement, which are in memory at once


class AveragedSampler:
    """Draws from the averaged generator, whose statistics it brings up to date first.

    Args:
        experiment: What is trained on what.
        ema: The averaged generator.
        discriminator: Of the training.
        device: Where both are.

    Attributes:
        engine: Runs both networks.
        max_items: Items that may be in memory at once.
    """

    def __init__(
        self, experiment: AnyExperiment, ema: Ema, discriminator: nn.Module, device: torch.device
    ) -> None:
        modality, values = experiment.modality, experiment.dataset.item_values()
        self._ema = ema
        self.engine = torch_engine(
            modality.trainable(), ema.network, discriminator, device, tile=None
        )
        self._codec = modality.codec()(experiment.spec, experiment.config)
        together = max(1, min(_TOGETHER, _VALUES_TOGETHER // values))
        self._options = replace(modality.options_type(), batch=together)
        self.max_items = max(2, _VALUES // values)
        self._statistics = range(
            STATISTICS_SEEDS_FROM, STATISTICS_SEEDS_FROM + min(_STATISTICS_ITEMS, self.max_items)
        )

    def sample(self, seeds: Sequence[int]) -> list[Sample]:
        """Return the samples of seeds."""
        self.settle()
        return list(self._draw(seeds))

    def settle(self) -> None:
        """Bring the generator's statistics up to date, as sampling and saving need."""
        # Drawn and dropped: a thousand large pictures are not kept.
        self._ema.take_statistics(lambda: deque(self._draw(self._statistics), maxlen=0))

    def _draw(self, seeds: Sequence[int]) -> Iterator[Sample]:
        requests = [SampleRequest(seed) for seed in seeds]
        return generate(self.engine, self._codec, requests, self._options)
