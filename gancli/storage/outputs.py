"""What ``-o`` names: refused before any work where it could not be written after it."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gancli.errors import UsageError
from gancli.storage.files import explained, is_stream


def refuse_to_replace(existing: Sequence[Path], force: bool) -> None:
    """Refuse to write where these files are; devices and pipes lose nothing.

    Raises:
        UsageError: There are any and ``force`` is not given, or one is a directory.
    """
    for path in existing:
        if path.is_dir():
            raise UsageError(f"{path} is a directory.", "Name a file in it with -o.")
    existing = [path for path in existing if not is_stream(path)]
    if existing and not force:
        more, them = " already exists", "it"
        if others := len(existing) - 1:
            more, them = f" and {others:,} more already exist", "them"
        raise UsageError(
            f"{existing[0]}{more}.", f"Overwrite {them} with --force, or choose another -o."
        )


def check_suffix(path: Path, suffixes: Sequence[str]) -> None:
    """Check that a name says what will be in the file.

    Raises:
        UsageError: It ends with none of the suffixes.
    """
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            f"-o {path} does not end with {' or '.join(suffixes)}.",
            f"Name a file such as {path.stem or 'out'}{suffixes[0]}.",
        )


def check_file(path: Path, force: bool) -> None:
    """Check that a file can be written, and replaces another only where that is asked for.

    Raises:
        UsageError: It is there and ``force`` is off, or it is a directory.
        GancliError: Its directory cannot be written to.
    """
    if path.exists():
        refuse_to_replace([path], force)
    check_writable(path)


def check_writable(path: Path) -> None:
    """Check that something can be written in a directory, or beside a file, by trying it.

    Permissions alone do not tell: root has them all, and a file system may be read-only.

    Raises:
        GancliError: It cannot.
    """
    if is_stream(path):
        return
    target = Path(os.path.realpath(path))
    with explained(path):
        places = [target, *target.parents] if target.is_dir() else target.parents
        folder = next(each for each in places if each.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass


def output_directory(name: str, example: str) -> Path:
    """Return the directory that ``-o`` names.

    Raises:
        UsageError: It is empty, or standard output.
    """
    if name in ("", "-"):
        what = "-o - is standard output, which holds no directory." if name else "-o is empty."
        raise UsageError(what, f"Name a directory, such as -o {example}.")
    return Path(name)
