"""From what a person names to what :func:`gancli.evaluation.evaluate.evaluate` takes."""

import shlex
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
from gancli.artifacts.run import run_of
from gancli.config import resolve
from gancli.config.unicode import typed_path
from gancli.data.dataset import Dataset
from gancli.data.source import Source, open_source
from gancli.errors import GancliError, UsageError
from gancli.evaluation.subjects import Generated, Given, Subject
from gancli.metrics.figures import MIN_ITEMS
from gancli.modalities.base import AnyModality
from gancli.reporting import SILENT, Reporter, Silent
from gancli.sampling.seeds import EVALUATION_SEEDS_FROM
from gancli.storage import bundled
from gancli.storage.outputs import check_suffix

_HALF = 0.5  # of data is compared with where all may have been seen


@dataclass(frozen=True)
class Opened:
    """Samples, and the data that they are measured against.

    Args:
        modality, spec, config: Of the data.
        subject: The samples.
        dataset: The real items.
        data: Name of the data.
        unseen: Whether the items that are held out of the data were held out of training.
        remark: What a person should know of these, in a sentence; or empty.
    """

    modality: AnyModality
    spec: Any
    config: Any
    subject: Subject
    dataset: Dataset
    data: str
    unseen: bool
    remark: str


@contextmanager
def of_model(
    name: str, data: str | None, count: int, seed: int | None, options: dict[str, Any],
    reporter: Reporter, nearest: Path | None = None,
) -> Iterator[Opened]:
    """Give the samples of a model or a run, and its data.

    Args:
        name: As ``gancli sample`` takes it.
        data: Where the data is, or None for what the model was trained on.
        count: How many samples.
        seed: Of the first, or None for seeds that no training looks at.
        options: Of sampling, as given.
        reporter: Receives notes.
        nearest: File for the samples nearest to training items, or None.

    Raises:
        UsageError: There is no such model, its data is not here, or the modality writes no such
            file.
        GancliError: Either cannot be read.
    """
    model = open_model(name, None, reporter.warn)
    modality, config = model.modality, model.config
    _check_suffix(nearest, modality)
    loader = modality.loader()
    source, is_own = _data(name, data, model)
    size = loader.inspect(source, config)[0].count
    is_own = is_own and size == model.spec.count
    if is_own:
        remark = ""
        dataset = loader.load(source, model.spec, config, reporter)
        if not dataset.guarded:
            remark = (
                f"Nothing was held out of the training of {name}: it has seen all "
                f"{modality.items} that its samples are compared with, so its figures may flatter "
                "it."
            )
    else:
        remark = _of_other_data(name, model, source.name, size)
    if remark:
        reporter.note(remark)
        config = replace(config, holdout=_HALF)
        dataset = loader.load(source, model.spec, config, reporter if not is_own else SILENT)
    chosen, _ = resolve(modality.options_type, command_line=options)
    first = EVALUATION_SEEDS_FROM if seed is None else seed
    codec = modality.codec()(model.spec, model.config)
    with open_engine(model, chosen) as engine:
        subject = Generated(
            name, engine, codec, chosen, range(first, first + count), model.calibration
        )
        yield Opened(
            modality, model.spec, config, subject, dataset, source.name, not remark, remark
        )


def _data(name: str, data: str | None, model: AnyModel) -> tuple[Source, bool]:
    """Return the data to measure against, and whether it is called what the model's is.

    Raises:
        UsageError: None is named, and what the model was trained on is not here.
    """
    run = run_of(typed_path(name) or Path(name))
    recorded = str(model.provenance.get("data", ""))
    if data is not None:
        source = open_source(data)
        return source, source.name == recorded
    # A bundled model's whole data may not be bundled, but then a part of it has the model's name.
    bundled_name = _bundled_name(name)
    places = [recorded, *([bundled_name] if bundled_name else [])]
    if run is not None:
        places = [read_record(run).data]
    for place in places:
        try:
            source = open_source(place)
        except GancliError:
            continue
        return source, run is not None or source.name == recorded
    quoted = shlex.quote(name)
    known = f" What was measured when it was made: gancli info {quoted}" if bundled_name else ""
    raise UsageError(
        f"The data that {name} was trained on, {places[0]!r}, is not here.",
        f"Name it, or other {model.modality.items}: gancli eval {quoted} DATA.{known}",
    )


def _bundled_name(name: str) -> str:
    """Return the name of a bundled model, given that or its folder; empty if it is not one."""
    path = typed_path(name)
    name = name if path is None else path.resolve().name
    folder = bundled.resolve("models", name)
    return name if folder and (path is None or folder.samefile(path)) else ""


def _of_other_data(name: str, model: AnyModel, data: str, size: int) -> str:
    recorded = str(model.provenance.get("data", "")) or "unknown"
    return (
        f"{name} was trained on other data ({recorded}, of size {model.spec.count:,}) than these "
        f"{model.modality.items} ({data}, of size {size:,}). It may have seen some of them, so its "
        "figures may flatter it; copies of what is not among them are not found."
    )


class _OfSamples(Silent):
    """Passes on what is wrong with the samples, and nothing else of their loading."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def warn(self, text: str) -> None:
        self._reporter.warn(f"Of the samples: {text}")


def of_files(
    samples: str, data: str, count: int | None, reporter: Reporter, nearest: Path | None = None
) -> Opened:
    """Return samples of any origin, and the data that they are meant to resemble.

    Args:
        samples, data: Where they are.
        count: How many samples are drawn from these, or None for all.
        reporter: Receives notes.
        nearest: As for :func:`of_model`.

    Raises:
        UsageError: The modality writes no such file.
        GancliError: They cannot be read, or are not of one modality.
    """
    source, given = open_source(data), open_source(samples)
    modality = _modality(source)
    _check_suffix(nearest, modality)
    loader = modality.loader()
    config, _ = resolve(modality.config_type, presets=modality.presets)
    spec, sentences = loader.inspect(source, config)
    if spec.classes and loader.inspect(given, config)[0].classes != spec.classes:
        config = replace(config, labels="none")
        spec, sentences = loader.inspect(source, config)
        reporter.note("Classes are left out, since the samples are not in folders of their names.")
    for sentence in sentences:
        reporter.note(sentence)
    config = replace(config, holdout=_HALF)
    dataset = loader.load(source, spec, config, reporter)
    try:
        everything = loader.load(
            given, spec, replace(config, holdout=0.0), _OfSamples(reporter)
        )
    except GancliError as error:
        raise GancliError(
            f"The samples cannot be measured. {error.message}",
            f"Give at least {MIN_ITEMS} {modality.items}, each in a file or on a line of its own; "
            f"gancli sample {modality.name} -n 500 -o DIR/ writes such.",
        ) from error
    trainable = modality.trainable()
    indices = everything.train[:]
    if count is not None and count < len(indices):
        indices = np.sort(np.random.default_rng(0).choice(indices, count, replace=False))
    measured, remark = everything.drawable(indices), ""
    if not len(measured):
        raise GancliError(
            f"Each of the samples contains something that {source.name} never or hardly ever does.",
            "Are these samples of this data, and written as it is?",
        )
    if left_out := len(indices) - len(measured):
        remark = (
            f"{left_out:,} of the {len(indices):,} samples are left out of the figures, since they "
            f"contain something that {source.name} never or hardly ever does; the figures may "
            "flatter the samples."
        )
        reporter.note(remark)
    subject = Given(given.name, everything, spec, trainable, measured)
    return Opened(modality, spec, config, subject, dataset, source.name, False, remark)


def _check_suffix(nearest: Path | None, modality: AnyModality) -> None:
    if nearest is not None:
        check_suffix(nearest, [".html", *modality.previews])


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
