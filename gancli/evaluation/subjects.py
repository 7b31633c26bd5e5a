"""What is evaluated: a model's samples, or files of any origin."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from gancli.data.dataset import Dataset
from gancli.modalities.base import Trainable
from gancli.sampling.codec import Codec
from gancli.sampling.config import SampleConfig
from gancli.sampling.engines import Engine
from gancli.sampling.request import Sample, SampleRequest, SeedRequests
from gancli.sampling.sampler import generate

_TOGETHER = 250  # items in memory at a time, as the generator makes them

Part = tuple[torch.Tensor, np.ndarray | None]  # items, shaped as the generator makes them; labels


class Subject(Protocol):
    """Items to measure: what messages call them, and how many there are."""

    @property
    def name(self) -> str: ...

    @property
    def count(self) -> int: ...

    def parts(self) -> Iterator[Part]:
        """Yield all items, a few at a time."""

    def some(self, places: Sequence[int]) -> list[Sample]:
        """Return the items at some places."""

    def names(self, places: Sequence[int]) -> list[str]:
        """Return what to call these items."""


@dataclass(frozen=True)
class Generated:
    """The samples of seeds.

    Args:
        name: Of the model.
        engine, codec, options: What makes them, and how.
        seeds: Of the samples.
        calibration: Of the discriminator, for ``--guided``.
    """

    name: str
    engine: Engine
    codec: Codec[Any]
    options: SampleConfig
    seeds: Sequence[int]
    calibration: Any

    @property
    def count(self) -> int:
        return len(self.seeds)

    def parts(self) -> Iterator[Part]:
        for start in range(0, self.count, _TOGETHER):
            samples = self._make(SeedRequests(self.seeds[start : start + _TOGETHER]))
            labels = [sample.label for sample in samples if sample.label is not None]
            items = torch.from_numpy(np.stack([sample.data for sample in samples]))
            yield items, np.array(labels, np.int64) if labels else None

    def some(self, places: Sequence[int]) -> list[Sample]:
        return self._make([SampleRequest(self.seeds[place]) for place in places])

    def names(self, places: Sequence[int]) -> list[str]:
        return [f"seed {self.seeds[place]}" for place in places]

    def _make(self, requests: Sequence[SampleRequest]) -> list[Sample]:
        return list(
            generate(self.engine, self.codec, requests, self.options, self.calibration)
        )


@dataclass(frozen=True)
class Given:
    """Items of a data set.

    Args:
        name: Of these items.
        dataset: Holds them.
        spec, trainable: Turn them into what a generator makes.
        indices: Which of them.
    """

    name: str
    dataset: Dataset
    spec: Any
    trainable: Trainable[Any, Any]
    indices: np.ndarray

    @property
    def count(self) -> int:
        return len(self.indices)

    def parts(self) -> Iterator[Part]:
        for start in range(0, self.count, _TOGETHER):
            yield self._take(self.indices[start : start + _TOGETHER])

    def some(self, places: Sequence[int]) -> list[Sample]:
        samples = []
        for place in places:
            items, labels = self._take(self.indices[place : place + 1])
            label = None if labels is None else int(labels[0])
            request = SampleRequest(int(self.indices[place]))
            samples.append(Sample(request, items[0].numpy(), label, None))
        return samples

    def names(self, places: Sequence[int]) -> list[str]:
        return [f"{self.name} item {self.indices[place]}" for place in places]

    def _take(self, indices: np.ndarray) -> Part:
        items, labels = self.trainable.real(self.dataset.take(indices), self.spec)
        return items, None if labels is None else labels.numpy()
