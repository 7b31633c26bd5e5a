"""What a run's config.toml says: the options, what the data fixed, and where the data is."""

import os
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic

from gancli import modalities
from gancli.config import recorded, resolve, to_table
from gancli.errors import GancliError, UsageError
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT

CONFIG = "config.toml"
_TABLES = ("run", "spec")  # in the file beside the options


@dataclass(frozen=True)
class RunRecord(Generic[SpecT, ConfigT, OptionsT]):
    """What is trained, and where its data is.

    Args:
        modality, spec, config: What is trained, and how.
        data: Absolute path of the data.
        data_name: Its short name.
        command: The command line.
    """

    modality: Modality[SpecT, ConfigT, OptionsT]
    spec: SpecT
    config: ConfigT
    data: str
    data_name: str
    command: str

    def table(self) -> dict[str, Any]:
        """Return it as config.toml holds it."""
        run = {
            "modality": self.modality.name, "data": self.data, "data_name": self.data_name,
            "command": self.command,
        }
        return {**to_table(self.config), "run": run, "spec": asdict(self.spec)}


AnyRecord = RunRecord[Any, Any, Any]


def read_record(path: Path) -> AnyRecord:
    """Return what the run in a directory records.

    Raises:
        GancliError: It cannot be read, is damaged, or of another version.
    """
    table = read_toml(path / CONFIG)
    try:
        run, spec_table = dict(table["run"]), dict(table["spec"])
        modality = modalities.get(str(run["modality"]))
        data, data_name, command = (str(run[key]) for key in ("data", "data_name", "command"))
    except (KeyError, TypeError, ValueError) as error:
        raise GancliError(
            f"{path / CONFIG} is damaged: {error!r}.", "Start a new run."
        ) from error
    config, _ = resolve(
        modality.config_type, file=recorded(modality.config_type, _options(table))
    )
    spec = modality.spec()(spec_table)
    return RunRecord(modality, spec, config, data, data_name, command)


def read_options(path: Path) -> dict[str, Any]:
    """Return the options in a TOML file, which may be a run's own config.toml.

    Raises:
        UsageError: It is missing or not TOML.
    """
    return _options(read_toml(path))


def _options(table: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in _TABLES}


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file.

    Raises:
        UsageError: It is missing or not TOML.
    """
    try:
        # Names of files need not be UTF-8; this keeps their bytes.
        return tomllib.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise UsageError(f"Cannot read {path}: {reason}.", "Check the file named there.") from None
