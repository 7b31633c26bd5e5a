"""All figures of samples, in one pass over them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import pad

from gancli.data.dataset import Dataset
from gancli.data.indices import Indices
from gancli.errors import GancliError
from gancli.evaluation.classify import Confusion, confusion
from gancli.evaluation.subjects import Given, Subject
from gancli.metrics.figure import Figure
from gancli.metrics.figures import MIN_ITEMS, Sets, feature_figures
from gancli.metrics.memorization import Memorization
from gancli.modalities.base import Trainable
from gancli.reporting import Reporter

_MAX_TRAIN = 30_000  # items trained on: a copy of any other is not found
_MAX_HELD_OUT = 5_000
_MAX_EXAMINED = 1_000_000
_MAX_FITTED = 5_000  # items that classes are learned from
_SHOWN = 8  # samples that are shown beside the training items that they are nearest to
_MIN_OF_CLASS = 20  # items of each kind without which a class has no figures of its own

_REPLICATES_OF_CLASS = 50

# From items, shaped as the generator makes them, to features of shape (n, dims).
Features = Callable[[torch.Tensor], np.ndarray]


@dataclass(frozen=True)
class Neighbor:
    """A sample and the training item that it is nearest to.

    Args:
        sample, item: Their places among the samples and the known items.
        distance: Of their features.
        name, item_name: What to call them.
    """

    sample: int
    item: int
    distance: float
    name: str
    item_name: str


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    Args:
        figures: Of all samples.
        by_class: Of those of each class that has enough of them, by its name.
        confusion: Whether classes look like themselves, or None without classes.
        nearest: The samples that are nearest to a training item, nearest first.
        known: The items that copies were looked for among.
        held_out: Number of items that were compared with.
    """

    figures: list[Figure]
    by_class: dict[str, list[Figure]]
    confusion: Confusion | None
    nearest: list[Neighbor]
    known: Given
    held_out: int


def evaluate(
    subject: Subject, dataset: Dataset, spec: Any, config: Any, trainable: Trainable[Any, Any],
    features: Features | None, reporter: Reporter, seed: int = 0, unseen: bool = True,
) -> Evaluation:
    """Measure samples against a data set.

    Args:
        subject: The samples.
        dataset: The real items, in two parts.
        spec, config, trainable: Of the modality.
        features: Maps items to features, or None for the tool's own.
        reporter: Receives notes and progress.
        seed: Of subsamples and resampling.
        unseen: Whether the one part is what was trained on, and the other one is not. Otherwise
            copies are looked for in both.

    Raises:
        GancliError: There are too few items, or a sample is not finite.
    """
    rng = np.random.default_rng(seed)
    train, held_out = (
        Given(name, dataset, spec, trainable, _some(_drawable(dataset, indices, rng), limit, rng))
        for name, indices, limit in (
            ("training", dataset.train, _MAX_TRAIN), ("held-out", dataset.held_out, _MAX_HELD_OUT)
        )
    )
    if len(dataset.train) > train.count == _MAX_TRAIN:
        reporter.note(
            f"Copies are looked for among {train.count:,} of {len(dataset.train):,} training items."
        )
    for each in (subject, held_out):
        if each.count < MIN_ITEMS:
            raise GancliError(
                f"{each.count} items ({each.name}) are too few to measure anything.",
                f"At least {MIN_ITEMS} samples and as many held-out items are needed.",
            )
    scaled = features is None
    features = features or trainable.scorer(dataset, spec, config, seed).projected
    kinds: dict[str, Subject] = {
        "training items": train, "held-out items": held_out, "samples": subject
    }
    found = {what: _read(each, features, what, reporter) for what, each in kinds.items()}
    of_train, of_held_out, of_samples = (found[what] for what in kinds)
    known, of_known = train, [of_train.features]
    others: np.ndarray | None = of_held_out.features
    if not unseen:
        both = np.concatenate([train.indices, held_out.indices])
        known = Given("real", dataset, spec, trainable, both)
        of_known, others = [of_train.features, of_held_out.features], None
    if also_shown := trainable.also_shown and trainable.also_shown(config):
        changed = _read(
            known, lambda items: features(also_shown(items)), "changed training items", reporter
        )
        of_known.append(changed.features)
    memorization = Memorization(np.concatenate(of_known), others)
    sets = Sets(of_train.features, of_held_out.features, of_samples.features, memorization, scaled)
    figures = {figure.name: figure for figure in feature_figures(sets, seed)}
    if trainable.figures is not None:
        real = _whole(train)
        own = trainable.figures(
            real, _whole(held_out), real if unseen else _whole(known), _whole(subject), spec, seed
        )
        figures |= {figure.name: figure for figure in own}
    by_class, table = _classes(spec, of_train, of_held_out, of_samples, seed, scaled)
    distances, places = memorization.nearest(of_samples.features)
    worst = np.argsort(distances, kind="stable")[:_SHOWN]
    nearest = [
        Neighbor(
            int(place), item, float(distances[place]),
            subject.names([int(place)])[0], known.names([item])[0],
        )
        for place, item in zip(worst, (places[worst] % known.count).tolist(), strict=True)
    ]
    return Evaluation(list(figures.values()), by_class, table, nearest, known, held_out.count)


@dataclass(frozen=True, eq=False)
class _Read:
    features: np.ndarray
    labels: np.ndarray | None

    def of(self, label: int) -> np.ndarray:
        assert self.labels is not None
        rows: np.ndarray = self.features[self.labels == label]
        return rows


def _some(indices: Indices, limit: int, rng: np.random.Generator) -> np.ndarray:
    return indices[np.sort(rng.choice(len(indices), min(limit, len(indices)), replace=False))]


def _drawable(dataset: Dataset, indices: Indices, rng: np.random.Generator) -> np.ndarray:
    """Return items that a generator could have made, or all: of a very large set, some of them."""
    some = indices[:] if len(indices) <= _MAX_EXAMINED else _some(indices, _MAX_EXAMINED, rng)
    drawable = dataset.drawable(some)
    return drawable if len(drawable) else some


def _read(subject: Subject, features: Features, what: str, reporter: Reporter) -> _Read:
    rows: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    done = 0
    for items, of in subject.parts():
        if not torch.isfinite(items).all():
            raise GancliError(
                f"Some of the {what} ({subject.name}) hold values that are not finite.",
                "The training of this model diverged; sample an earlier one.",
            )
        rows.append(features(items))
        if of is not None:
            labels.append(of)
        done += len(items)
        reporter.progress(f"Measuring {what}", done, subject.count)
    return _Read(np.concatenate(rows), np.concatenate(labels) if labels else None)


def _whole(subject: Subject) -> torch.Tensor:
    """Return all items of a subject, (n, steps, values); shorter ones are padded with 0."""
    parts = [items for items, _ in subject.parts()]
    longest = max(items.shape[1] for items in parts)
    return torch.cat([pad(items, (0, 0, 0, longest - items.shape[1])) for items in parts])


def _classes(
    spec: Any, train: _Read, held_out: _Read, samples: _Read, seed: int, scaled: bool
) -> tuple[dict[str, list[Figure]], Confusion | None]:
    if train.labels is None or held_out.labels is None or samples.labels is None:
        return {}, None
    by_class = {}
    for label, name in enumerate(spec.classes):
        sets = Sets(train.of(label), held_out.of(label), samples.of(label), None, scaled)
        if min(map(len, (sets.train, sets.held_out, sets.samples))) >= _MIN_OF_CLASS:
            by_class[name] = feature_figures(sets, seed, _REPLICATES_OF_CLASS)
    some = _some(np.arange(len(train.labels)), _MAX_FITTED, np.random.default_rng(seed))
    table = confusion(
        tuple(spec.classes), (train.features[some], train.labels[some]),
        (held_out.features, held_out.labels), (samples.features, samples.labels), seed,
    )
    return by_class, table
