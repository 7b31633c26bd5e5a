"""A run: the directory that holds everything a training makes."""

import fcntl
import json
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomli_w

from gancli.artifacts.record import CONFIG, AnyRecord
from gancli.errors import GancliError, UsageError, suggest
from gancli.storage.files import explained, write_file

METRICS, REPORT, LOCK = "metrics.jsonl", "report.html", ".lock"


def is_run(path: Path) -> bool:
    """Return whether a directory is a run."""
    return (path / CONFIG).is_file()


def need_run(path: Path) -> None:
    """Refuse a directory that is not a run.

    Raises:
        UsageError: It is not.
    """
    if not is_run(path):
        near = [str(each.parent) for each in path.parent.glob(f"*/{CONFIG}")]
        raise UsageError(
            f"{path} is not a run: it has no {CONFIG}.",
            suggest(str(path), near) if near else "Name a directory that train has made.",
        )


def in_training(path: Path) -> bool:
    """Return whether a process is training in a run."""
    with suppress(OSError), open(path / LOCK, "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a run's log; a last one cut short by a crash is left out."""
    try:
        lines = (path / METRICS).read_text().splitlines()
    except FileNotFoundError:
        return []
    entries = []
    for line in lines:
        with suppress(json.JSONDecodeError):
            entries.append(json.loads(line))
    return entries


def planned(name: str, parent: Path = Path("runs")) -> Path:
    """Return ``runs/NAME-1``, or the first number that is free."""
    clean = re.sub(r"[^\w.-]+", "-", name.encode("ascii", "replace").decode()).strip("-.") or "run"
    number = 1
    while (parent / f"{clean}-{number}").exists():
        number += 1
    return parent / f"{clean}-{number}"


class Run:
    """A run directory that this process alone writes to.

    Raises:
        GancliError: Another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.samples = path / "samples"
        self.model = path / "model"
        with explained(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock = open(path / LOCK, "w")  # noqa: SIM115 - held as long as the run
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise GancliError(
                f"Another process is training in {path}.",
                "Wait for it, stop it, or choose another directory with -o.",
            ) from None

    @classmethod
    def check(cls, path: Path, force: bool) -> bool:
        """Return whether an older run is there to be replaced.

        Raises:
            UsageError: Something is there that must not be replaced.
        """
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file.", "Choose a directory with -o.")
        occupied = path.is_dir() and any(entry.name[0] != "." for entry in path.iterdir())
        if occupied and not force:
            raise UsageError(
                f"{path} is not empty.",
                f"Resume it with --resume {path}, replace it with --force, or choose another -o.",
            )
        if occupied and not is_run(path):
            raise UsageError(
                f"{path} holds files but is not a run; --force replaces runs only.",
                "Choose another directory with -o.",
            )
        return occupied

    @classmethod
    def create(cls, path: Path, record: AnyRecord, force: bool) -> "Run":
        """Make a new run.

        Args:
            path: The directory; it may exist if it is empty.
            record: What config.toml is to say.
            force: Whether an older run there may be replaced.

        Raises:
            GancliError: Something stands there.
        """
        occupied = cls.check(path, force)
        run = cls(path)
        if occupied:
            for name in ("checkpoints", "samples", "model", "tensorboard"):
                shutil.rmtree(path / name, ignore_errors=True)
            for name in (METRICS, CONFIG, REPORT):
                (path / name).unlink(missing_ok=True)
        # Names of files need not be UTF-8; this keeps their bytes.
        text = tomli_w.dumps(record.table())
        write_file(path / CONFIG, text.encode("utf-8", "surrogateescape"))
        return run

    @classmethod
    def open(cls, path: Path) -> "Run":
        """Take up a run that exists."""
        need_run(path)
        return cls(path)

    def log(self, entry: dict[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        with explained(self.path / METRICS), open(self.path / METRICS, "a") as file:
            file.write(json.dumps(entry) + "\n")

    def cut_log(self, step: int) -> None:
        """Drop what a killed process logged beyond the step that it is resumed from."""
        kept = [line for line in self.metrics() if line["step"] <= step]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_file(self.path / METRICS, text.encode())

    def metrics(self) -> list[dict[str, Any]]:
        """Return the entries of metrics.jsonl."""
        return read_metrics(self.path)

    def close(self) -> None:
        self._lock.close()
