"""A model: a folder with what sampling needs and nothing more. Reading one needs no torch."""

import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic

import numpy as np

import gancli
from gancli import modalities
from gancli.artifacts.outlook import Outlook, meaning
from gancli.artifacts.record import read_record
from gancli.artifacts.run import run_of
from gancli.config import recorded, resolve, to_table
from gancli.errors import GancliError, UsageError, cause
from gancli.modalities.base import AnyModality, ConfigT, Modality, OptionsT, SpecT
from gancli.sampling.guidance import Calibration
from gancli.storage import checkpoints
from gancli.storage.files import sha256, write_folder
from gancli.storage.tensors import Shape, pack, shapes, unpack

SCHEMA = 2  # 1 had no calibration, which files call "guide"
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
_MAX_CONFIG = 10_000_000  # bytes
_MAX_VALUES = 500_000_000  # no network of this tool comes near; a lying config does
RESTORE_HINT = (
    "Restore the options that it was made with, or copy it again from where it was made."
)


@dataclass(frozen=True)
class Weights:
    """The weights of a model, under ``NETWORK.KEY``, read when they are needed.

    Args:
        name: What messages call them.
        shapes: Of each array.
        read: Returns the arrays; raises GancliError if they are damaged.
    """

    name: str
    shapes: Mapping[str, Shape]
    read: Callable[[], Mapping[str, np.ndarray]]

    @classmethod
    def of(cls, name: str, arrays: Mapping[str, np.ndarray]) -> "Weights":
        """Return weights that are in memory already."""
        return cls(name, {key: array.shape for key, array in arrays.items()}, lambda: arrays)


@dataclass(frozen=True)
class Model(Generic[SpecT, ConfigT, OptionsT]):
    """A trained generator and discriminator.

    Args:
        modality: What it makes.
        spec: What the data fixed.
        config: What the person chose.
        weights: Of both networks.
        calibration: How the discriminator's logits become odds, or None if it was never
            calibrated.
        metrics: Figures measured at export.
        provenance: Where it comes from: data, command, versions.
        warnings: What a person should know before using it, in sentences.
    """

    modality: Modality[SpecT, ConfigT, OptionsT]
    spec: SpecT
    config: ConfigT
    weights: Weights
    calibration: Calibration | None
    metrics: Mapping[str, Any]
    provenance: Mapping[str, Any]
    warnings: Sequence[str] = ()


AnyModel = Model[Any, Any, Any]


def is_model(path: Path) -> bool:
    """Return whether a folder looks like a model."""
    return (path / CONFIG).is_file() and (path / WEIGHTS).is_file()


def missing(path: Path) -> str:
    """Return which file a folder lacks that holds the rest of a model, or nothing."""
    return next((lost for lost, there in ((CONFIG, WEIGHTS), (WEIGHTS, CONFIG))
                 if (path / there).is_file() and not (path / lost).is_file()), "")


def save(model: AnyModel, folder: Path) -> None:
    """Write a model folder at once, replacing an older one there."""
    weights = pack(model.weights.read())
    card = _card(model).encode("utf-8", "replace")
    table: dict[str, Any] = {
        "schema": SCHEMA,
        "gancli": gancli.__version__,
        "modality": model.modality.name,
        "spec": asdict(model.spec),
        "config": to_table(model.config),
        "guide": None if model.calibration is None else asdict(model.calibration),
        "metrics": dict(model.metrics),
        "provenance": dict(model.provenance),
        "warnings": list(model.warnings),
        "sha256": {WEIGHTS: sha256(weights), CARD: sha256(card)},
    }
    table["sha256"][CONFIG] = _digest(table)
    files = {
        WEIGHTS: weights, CARD: card,
        CONFIG: (json.dumps(table, indent=1, ensure_ascii=True) + "\n").encode(),
    }
    write_folder(folder, files)


def _digest(table: Mapping[str, Any]) -> str:
    """Return a sha256 of what config.json says about the networks, however it is laid out."""
    keys = ("schema", "modality", "spec", "config") + (("guide",) if table["schema"] > 1 else ())
    parts = [table[key] for key in keys]
    return sha256(json.dumps(parts, sort_keys=True).encode())


def load(folder: Path) -> AnyModel:
    """Read a model folder; its weights are read when they are asked for.

    Raises:
        GancliError: It is damaged, hostile, of a newer schema, or made with other options.
    """
    try:
        with open(folder / CONFIG, "rb") as file:
            table = json.loads(file.read(_MAX_CONFIG))
        schema = int(table["schema"])
        # Before the rest is read, which a newer schema may have renamed.
        if schema > SCHEMA:
            raise GancliError(f"{folder} was made by a newer gancli (schema {schema}).",
                              "Upgrade gancli and try again.")
        spec_table, config_table = dict(table["spec"]), dict(table["config"])
        metrics, provenance = dict(table["metrics"]), dict(table["provenance"])
        warnings = [str(sentence) for sentence in table.get("warnings", [])]
        expected = str(table["sha256"][WEIGHTS])
        # A flipped digit in a setting would change samples without a word.
        if table["sha256"][CONFIG] != _digest(table):
            raise ValueError("its sha256 differs")
        modality: AnyModality = modalities.get(str(table["modality"]))
        spec = modality.spec()(spec_table)
        config, _ = resolve(
            modality.config_type, file=recorded(modality.config_type, config_table)
        )
        calibration = _calibration(table["guide"]) if schema > 1 else None
    except UsageError as error:  # the checksum matches: the file is as it was written
        raise GancliError(
            f"{folder} was made by a gancli with other options: {error.message}",
            "Sample it with the version that made it, or train it again with this one.",
        ) from error
    except (
        OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError
    ) as error:
        raise GancliError(
            f"{folder / CONFIG} is missing or damaged: {cause(error)}.", remedy(folder)
        ) from error
    path = folder / WEIGHTS
    try:
        found = shapes(path)
    except GancliError as error:
        raise GancliError(error.message, remedy(folder)) from error
    if sum(math.prod(shape) for shape in found.values()) > _MAX_VALUES:
        raise GancliError(
            f"{folder} describes a network too large to be one of gancli's.", remedy(folder)
        )

    def read() -> Mapping[str, np.ndarray]:
        data = path.read_bytes()
        if sha256(data) != expected:
            raise GancliError(f"{path} is damaged: its sha256 differs.", remedy(folder))
        return unpack(data, str(path))

    weights = Weights(str(path), found, read)
    return Model(modality, spec, config, weights, calibration, metrics, provenance, warnings)


def read_figures(folder: Path) -> dict[str, Any]:
    """Return the figures in a model's config.json, without the rest of the model.

    Raises:
        GancliError: It cannot be read.
    """
    try:
        with open(folder / CONFIG, "rb") as file:
            return dict(json.loads(file.read(_MAX_CONFIG))["metrics"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise GancliError(f"The model in {folder} cannot be read: {cause(error)}.") from error


def remedy(folder: Path) -> str:
    """Return how to get a damaged model again: from its run, if that can be resumed."""
    run = run_of(folder)
    with suppress(GancliError):
        if run and checkpoints.newest(run / "checkpoints", lambda _: None) is not None:
            name = read_record(run).modality.name
            return f"Make it again: gancli train {name} --resume {shlex.quote(str(run))}"
    return "Copy the model again from where it was made, or train it again."


def misfit(name: str, array: str) -> GancliError:
    """Return the error that an array of weights is not what spec and config call for."""
    return GancliError(f"{name} does not fit its config: {array} differs.", RESTORE_HINT)


def _calibration(table: Any) -> Calibration | None:
    """Return a calibration from its JSON form.

    Raises:
        ValueError: It is not one.
    """
    if table is None:
        return None
    calibration = Calibration(**{name: float(value) for name, value in dict(table).items()})
    if not all(map(math.isfinite, asdict(calibration).values())):
        raise ValueError("its calibration is not finite")
    return calibration


def _card(model: AnyModel) -> str:
    """Return the model card, in Markdown."""
    provenance, metrics = model.provenance, model.metrics
    lines = [
        f"# {model.modality.name.capitalize()} model made with gancli {gancli.__version__}",
        "",
        f"Trained on: {provenance.get('data', 'unknown')}",
        "",
        "```",
        str(provenance.get("command", "")),
        f"gancli sample {model.modality.name} . -n 16 --seed 0 -o out/",
        "```",
        "",
        *(line for sentence in model.warnings for line in (f"**Warning:** {sentence}", "")),
        "| figure | value |", "|---|---|",
        *(f"| {name} | {value} |" for name, value in metrics.items() if name != "forecast"),
        "",
        *((meaning(model.modality), "", Outlook.of_figures(metrics).done_when, "")
          if "score" in metrics else ()),
        "It makes what resembles its training data, flaws and bias included, and may repeat "
        "items of it.",
    ]
    return "\n".join(lines) + "\n"
