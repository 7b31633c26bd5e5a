"""What a run's config.toml says: the options, what the data fixed, and where the data is."""

import codecs
import os
import shlex
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic

from gancli import modalities
from gancli.config import recorded, resolve, to_table
from gancli.errors import GancliError, UsageError, cause
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT

CONFIG = "config.toml"
_TABLES = ("run", "spec")  # in the file beside the options
_MAX_OPTIONS = 1 << 20  # bytes
_MAX_RECORD = 1 << 28  # bytes; a vocabulary may be long


@dataclass(frozen=True)
class RunRecord(Generic[SpecT, ConfigT, OptionsT]):
    """What is trained, and where its data is.

    Args:
        modality, spec, config: What is trained, and how.
        data: Absolute path of the data.
        data_name: Its short name.
        command: The command line, and those that trained it for longer.
        origin: The model whose weights it started from, or empty.
    """

    modality: Modality[SpecT, ConfigT, OptionsT]
    spec: SpecT
    config: ConfigT
    data: str
    data_name: str
    command: str
    origin: str = ""

    def table(self) -> dict[str, Any]:
        """Return it as config.toml holds it."""
        run = {
            "modality": self.modality.name, "data": self.data, "data_name": self.data_name,
            "command": self.command, **({"from": self.origin} if self.origin else {}),
        }
        return {**to_table(self.config), "run": run, "spec": asdict(self.spec)}


AnyRecord = RunRecord[Any, Any, Any]


def read_record(path: Path) -> AnyRecord:
    """Return what the run in a directory records.

    Raises:
        GancliError: It cannot be read, is damaged, or of another version.
    """
    return record_of(read_toml(path / CONFIG), path / CONFIG)


def record_of(table: Mapping[str, Any], place: object) -> AnyRecord:
    """Return a record from its table, which is in a place that errors name.

    Raises:
        GancliError: It is damaged, or of another version.
    """
    try:
        run, spec_table = dict(table["run"]), dict(table["spec"])
        modality = modalities.get(str(run["modality"]))
        data, data_name, command = (str(run[key]) for key in ("data", "data_name", "command"))
        config, _ = resolve(
            modality.config_type, file=recorded(modality.config_type, _options(table))
        )
        spec = modality.spec()(spec_table)
    except UsageError as error:
        raise GancliError(
            f"{place} was changed, or made by a gancli with other options: "
            f"{error.message}",
            "Restore it, or continue with the version that made it.",
        ) from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise GancliError(
            f"{place} is damaged: {cause(error)}.", "Restore it, or start a new run."
        ) from error
    origin = str(run.get("from", ""))
    return RunRecord(modality, spec, config, data, data_name, command, origin)


def read_options(path: Path, modality_name: str) -> tuple[dict[str, Any], str | None]:
    """Return the options in a TOML file, and the data of the run if it is a run's config.toml.

    Args:
        path: The file, or a run.
        modality_name: The modality that is to be trained.

    Raises:
        UsageError: It is missing, not TOML, not a regular file, of more than a megabyte, or of a
            run of another modality.
    """
    path = path / CONFIG if path.is_dir() else path
    text = _read(path, _MAX_OPTIONS + 1)
    if len(text) > _MAX_OPTIONS:
        # A run's own may be long, but what is wanted of it comes first.
        text, table_name, _ = text.partition(b"\n[spec]\n")
        if not table_name:
            raise UsageError(
                f"{path} is too large for a file of options.", "Give one of at most 1 MB."
            )
    table = _parse(path, text)
    run = table.get("run")
    run = run if isinstance(run, dict) else {}
    name = run.get("modality", modality_name)
    if name != modality_name:
        raise UsageError(
            f"{path} is of a run of {name}, not of {modality_name}.",
            f"Use: gancli train {name} --config {shlex.quote(str(path))}",
        )
    data = run.get("data")
    return _options(table), data if isinstance(data, str) else None


def _options(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in _TABLES}


def _decoded(data: bytes) -> str:
    """Return the text of a TOML file: UTF-8, or what its mark says, as Windows writes it."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    # Names of files need not be UTF-8; this keeps their bytes.
    return data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file.

    Raises:
        UsageError: It is missing, not a regular file or not TOML.
    """
    return _parse(path, _read(path, _MAX_RECORD))


def _read(path: Path, limit: int) -> bytes:
    """Return at most ``limit`` bytes from the start of a regular file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device might never end
            raise UsageError(
                f"{path} is not a regular file.", "Write the options to a file, and name that."
            )
        with open(path, "rb") as file:
            return file.read(limit)
    except OSError as error:
        raise _unreadable(path, os.strerror(error.errno) if error.errno else error) from None


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(_decoded(data))
    except RecursionError:
        raise _unreadable(path, "it is nested too deeply") from None
    except ValueError as error:  # not TOML, or a number of thousands of digits
        raise _unreadable(path, error) from None


def _unreadable(path: Path, reason: object) -> UsageError:
    return UsageError(f"Cannot read {path}: {reason}.", "Check the file named there.")
