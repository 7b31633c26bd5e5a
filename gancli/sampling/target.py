"""Where samples go: what ``-o`` names, never over a file unasked, never half of one."""

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gancli.errors import UsageError
from gancli.sampling.config import SampleConfig
from gancli.storage.files import explained
from gancli.storage.outputs import check_writable, refuse_to_replace

# Gives the binary stream for data; refuses a terminal with a GancliError.
Stdout = Callable[[], BinaryIO]

_IN_MEMORY = 64 << 20  # bytes of a stream that wait in memory; more of them wait on the disk


@dataclass(frozen=True)
class Target:
    """Where samples go.

    Args:
        path: The file or directory, or None for standard output.
        folder: Whether it is a directory, with a file for each sample.
        suffix: Of the file, in lower case; empty for standard output and directories.
        force: Whether a file that exists may be replaced.
        stdout: Gives standard output.
    """

    path: Path | None
    folder: bool
    suffix: str
    force: bool
    stdout: Stdout


def parse_target(
    options: SampleConfig, what: str, suffixes: Collection[str], stdout: Stdout
) -> Target:
    """Return what ``-o`` names: a directory ends with a slash or exists as one.

    Args:
        options: Has ``output``, of which None and ``-`` are standard output, and ``force``.
        what: The samples, in the plural, for messages.
        suffixes: Those that files may have. A name without one is a directory, unless an empty
            suffix is among them.
        stdout: Gives standard output.

    Raises:
        UsageError: It is empty, its suffix is not one of these, or a directory is meant but a file
            is there.
    """
    output, force = options.output, options.force
    if output is None or output == "-":
        return Target(None, False, "", force, stdout)
    if not output:
        raise UsageError("-o is empty.", "Give a file, a directory, or - for stdout.")
    path = Path(output)
    suffix = path.suffix.lower()
    if output.endswith(("/", os.sep)) or path.is_dir() or not (suffix or "" in suffixes):
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file, not a directory.", "Name another with -o.")
        return Target(path, True, "", force, stdout)
    if suffix not in suffixes:
        raise UsageError(
            f"-o {output}: {what} cannot be written as {suffix}.",
            f"Choose one of: {', '.join(filter(None, suffixes))}, or a directory with a / at its "
            "end.",
        )
    return Target(path, False, suffix, force, stdout)


def refuse_existing(paths: Sequence[Path], force: bool) -> None:
    """Check that files can be written, and none would be replaced unasked.

    Raises:
        UsageError: One exists and ``force`` is not given, or it is a directory.
        GancliError: They cannot be written there.
    """
    names: dict[Path, set[str]] = {}
    for path in paths:
        check_writable(path)
    for folder in {path.parent for path in paths}:
        with explained(folder):
            names[folder] = set(os.listdir(folder)) if folder.exists() else set()
    refuse_to_replace([path for path in paths if path.name in names[path.parent]], force)


@contextmanager
def held_back(stdout: Stdout) -> Iterator[BinaryIO]:
    """Give a buffer, of any length, that goes to standard output when all went well.

    Whoever reads there gets all or nothing, not a stream that stops in the middle.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as buffer:
        yield buffer  # type: ignore[misc]
        buffer.seek(0)
        stream = stdout()
        shutil.copyfileobj(buffer, stream)
        stream.flush()
