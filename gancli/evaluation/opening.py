"""From what a person names to what :func:`gancli.evaluation.evaluate.evaluate` takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gancli import modalities
from gancli.artifacts.engine import open_engine
from gancli.artifacts.finding import open_model
from gancli.artifacts.model import AnyModel
from gancli.artifacts.record import read_record
from gancli.artifacts.run import is_run
from gancli.config import resolve
from gancli.data.dataset import Dataset
from gancli.data.source import Source, open_source
from gancli.errors import GancliError, UsageError
from gancli.evaluation.subjects import Generated, Given, Subject
from gancli.modalities.base import AnyModality
from gancli.reporting import SILENT, Reporter

_SEEDS_FROM = 1 << 42  # no training measures itself, or its discriminator, on these


@dataclass(frozen=True)
class Opened:
    """Samples, and the data that they are measured against.

    Args:
        modality, spec, config: Of the data.
        subject: The samples.
        dataset: The real items.
        data: Name of the data.
    """

    modality: AnyModality
    spec: Any
    config: Any
    subject: Subject
    dataset: Dataset
    data: str


@contextmanager
def of_model(
    name: str | None, data: str | None, count: int, seed: int | None, options: dict[str, Any],
    reporter: Reporter,
) -> Iterator[Opened]:
    """Give the samples of a model or a run, and its data.

    Args:
        name: As ``gancli sample`` takes it; None is the default.
        data: Where the data is, or None for what the model records.
        count: How many samples.
        seed: Of the first, or None for seeds that no training looks at.
        options: Of sampling, as given.
        reporter: Hears of choices.
    """
    model = open_model(name, None, reporter.warn)
    modality = model.modality
    source = open_source(data or _recorded(name, model))
    dataset = modality.loader().load(source, model.spec, model.config, reporter)
    chosen, _ = resolve(modality.options_type, command_line=options)
    first = _SEEDS_FROM if seed is None else seed
    codec = modality.codec()(model.spec, model.config)
    with open_engine(model, chosen) as engine:
        subject = Generated(
            name or "the bundled model", engine, codec, chosen, range(first, first + count),
            model.calibration,
        )
        yield Opened(modality, model.spec, model.config, subject, dataset, source.name)


def _recorded(name: str | None, model: AnyModel) -> str:
    """Return the data that a model or a run records."""
    if name is not None and is_run(Path(name)):
        return read_record(Path(name)).data
    recorded = str(model.provenance.get("data", ""))
    try:
        open_source(recorded)
    except GancliError as error:
        raise UsageError(
            f"The data that this model was trained on, {recorded!r}, is not here.",
            "Name it: gancli eval MODEL DATA.",
        ) from error
    return recorded


def of_files(samples: str, data: str, reporter: Reporter) -> Opened:
    """Return samples of any origin, and the data that they are meant to resemble."""
    source, given = open_source(data), open_source(samples)
    modality = _modality(source)
    loader = modality.loader()
    config, _ = resolve(modality.config_type, presets=modality.presets)
    spec, sentences = loader.inspect(source, config)
    if spec.classes and loader.inspect(given, config)[0].classes != spec.classes:
        config = replace(config, labels="none")
        spec, sentences = loader.inspect(source, config)
        reporter.note("Classes are left out, since the samples are not in folders of their names.")
    for sentence in sentences:
        reporter.note(sentence)
    dataset = loader.load(source, spec, config, reporter)
    everything = loader.load(given, spec, replace(config, holdout=0.0), SILENT)
    trainable = modality.trainable()
    indices = everything.drawable(np.union1d(everything.train, everything.held_out))
    subject = Given(given.name, everything, spec, trainable, indices)
    return Opened(modality, spec, config, subject, dataset, source.name)


def _modality(source: Source) -> AnyModality:
    """Return the modality whose files a source holds."""
    problems = []
    for name in modalities.names():
        modality = modalities.get(name)
        config, _ = resolve(modality.config_type, presets=modality.presets)
        try:
            modality.loader().inspect(source, config)
        except GancliError as error:
            problems.append(f"{name}: {error.message}")
            continue
        return modality
    raise GancliError(
        f"{source.name} holds nothing to compare with. {' '.join(problems)}",
        "Give a folder, an archive or a file of pictures, texts or sounds.",
    )
