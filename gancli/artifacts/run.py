"""A run: the directory that holds everything a training makes."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tomli_w

from gancli.artifacts.record import CONFIG, AnyRecord
from gancli.errors import UsageError, suggest
from gancli.reporting import Reporter
from gancli.runtime.launch import Launch, launch
from gancli.storage.files import explained, remove_leftovers, write_file
from gancli.storage.lock import FolderLock
from gancli.storage.outputs import check_writable

METRICS, REPORT, LAUNCH = "metrics.jsonl", "report.html", ".launch"


def is_run(path: Path) -> bool:
    """Return whether a directory is a run."""
    return (path / CONFIG).is_file()


def run_of(path: Path) -> Path | None:
    """Return the run that a path is, or whose model it is; None if it is neither."""
    if is_run(path):
        return path
    parent = path.absolute().parent
    return parent if path.name == "model" and is_run(parent) else None


def siblings(path: Path, *files: str) -> list[str]:
    """Return the folders beside a path that hold one of some files, to suggest one of them."""
    found = (each for name in files for each in path.parent.glob(f"*/{name}"))
    return [str(each.parent) for each in found if each.is_file() and each.parent != path]


def need_run(path: Path) -> None:
    """Refuse a directory that is not a run.

    Raises:
        UsageError: It is not.
    """
    if not is_run(path):
        hint = suggest(str(path), siblings(path, CONFIG)) or "Name a directory that train has made."
        if (path / "checkpoints").is_dir():
            hint = "Restore that file, or copy the run again from where it was trained."
        raise UsageError(f"{path} is not a run: it has no {CONFIG}.", hint)


def begun(of: Launch, path: Path | None, parent: Path = Path("runs")) -> Path | None:
    """Return the run that a launch of torchrun has begun before it was started again, or None.

    Args:
        of: The launch.
        path: The run that its command names; None looks among those in ``parent``.
        parent: Where runs without a name go.
    """
    if not of.restarts:
        return None
    for each in [path] if path is not None else sorted(parent.glob("*")):
        with suppress(OSError):
            if is_run(each) and (each / LAUNCH).read_text("utf-8") == of.name:
                return each
    return None


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a run's log; lines that a crash or an editor broke are left out."""
    if not (path / METRICS).is_file():
        return []
    entries = []
    for line in (path / METRICS).read_bytes().splitlines():
        with suppress(ValueError, RecursionError):
            entry = json.loads(line)
            if isinstance(entry, dict) and type(entry.get("step")) is int:
                entries.append(entry)
    return entries


def planned(name: str, parent: Path = Path("runs")) -> Path:
    """Return ``runs/NAME-1``, or the first number that is free."""
    clean = re.sub(r"[^\w.-]+", "-", name.encode("ascii", "replace").decode()).strip("-.") or "run"
    number = 1
    while os.path.lexists(parent / f"{clean}-{number}"):
        number += 1
    return parent / f"{clean}-{number}"


@contextmanager
def reserved(name: str, parent: Path = Path("runs")) -> Iterator[Path]:
    """Create the directory that :func:`planned` names, so that no other process takes it.

    It is removed at the end if nothing was written to it.

    Raises:
        GancliError: It cannot be created.
    """
    path, is_first = planned(name, parent), not parent.exists()
    with explained(path):
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                path.mkdir(parents=True)
                break
            except FileExistsError:  # another process was faster
                path = planned(name, parent)
    try:
        yield path
    finally:
        with suppress(OSError):
            path.rmdir()
            if is_first:
                parent.rmdir()


class Run:
    """A run directory that this process alone writes to.

    What a killed process left half written there is removed.

    Args:
        path: The directory, which is created if it is not there.
        reporter: Is warned if nothing keeps other processes out.

    Raises:
        GancliError: Another process holds it.
    """

    def __init__(self, path: Path, reporter: Reporter) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.samples = path / "samples"
        self.model = path / "model"
        with explained(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(path, "training", reporter)
        if self._lock.exclusive:
            for folder in (path, self.checkpoints, self.samples):
                remove_leftovers(folder)

    @classmethod
    def check(cls, path: Path, force: bool) -> bool:
        """Return whether an older run is there to be replaced.

        Raises:
            UsageError: Something is there that must not be replaced.
            GancliError: It cannot be written to.
        """
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file.", "Choose a directory with -o.")
        occupied = path.is_dir() and any(entry.name[0] != "." for entry in path.iterdir())
        if occupied and not is_run(path):
            limit = "; --force replaces runs only" if force else ""
            raise UsageError(
                f"{path} holds files but is not a run{limit}.",
                "Choose another directory with -o, or leave -o out for a new one in runs/.",
            )
        if occupied and not force:
            raise UsageError(
                f"{path} already holds a run.",
                f"Resume it with --resume {shlex.quote(str(path))}, replace it with --force, or "
                "choose another -o.",
            )
        check_writable(path)
        return occupied

    @classmethod
    def create(
        cls, path: Path, record: AnyRecord, reporter: Reporter, *, force: bool
    ) -> "Run":
        """Make a new run.

        Args:
            path: The directory; it may exist if it is empty.
            record: What config.toml is to say.
            reporter: As for the class.
            force: Whether an older run there may be replaced.

        Raises:
            GancliError: Something stands there.
        """
        cls.check(path, force)
        run = cls(path, reporter)
        try:
            occupied = cls.check(path, force)  # another process may have trained there meanwhile
        except UsageError:
            run.close()
            raise
        if occupied:
            for name in ("checkpoints", "samples", "model", "tensorboard"):
                shutil.rmtree(path / name, ignore_errors=True)
            for name in (METRICS, CONFIG, REPORT):
                (path / name).unlink(missing_ok=True)
        run.write_record(record)
        run.mark()
        return run

    @classmethod
    def open(cls, path: Path, reporter: Reporter) -> "Run":
        """Take up a run that exists."""
        need_run(path)
        return cls(path, reporter)

    def write_record(self, record: AnyRecord) -> None:
        """Write config.toml, or replace it."""
        # Names of files need not be UTF-8; this keeps their bytes.
        text = tomli_w.dumps(record.table())
        write_file(self.path / CONFIG, text.encode("utf-8", "surrogateescape"))

    def mark(self) -> None:
        """Say which launch of torchrun trains here, so that it finds the run after a restart."""
        if launch().world > 1:
            write_file(self.path / LAUNCH, launch().name.encode())

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
