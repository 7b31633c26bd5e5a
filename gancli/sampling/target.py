"""Putting samples where they belong: never over a file unasked, never half of one."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gancli.errors import GancliError
from gancli.storage.files import explained

_IN_MEMORY = 64 << 20  # bytes of a stream that wait in memory; more of them wait on the disk


def refuse_existing(paths: Sequence[Path], force: bool) -> None:
    """Check that no file would be replaced unasked.

    Raises:
        GancliError: One is there and ``force`` is not given, or none can ever be written there.
    """
    # One look at each directory, since a million files may be asked for.
    there: dict[Path, set[str]] = {}
    for folder in {path.parent for path in paths}:
        with explained(folder):
            there[folder] = set(os.listdir(folder)) if folder.exists() else set()
    found = [path for path in paths if path.name in there[path.parent]]
    for path in found:
        if path.is_dir():
            raise GancliError(f"{path} is a directory.", "Name a file in it with -o.")
    if found and not force:
        more = f" and {len(found) - 1:,} more exist" if len(found) > 1 else " exists"
        raise GancliError(f"{found[0]}{more} already.", "Give --force to replace, or another -o.")


@contextmanager
def held_back(stdout: Callable[[], BinaryIO]) -> Iterator[BinaryIO]:
    """Give a buffer, of any length, that goes to standard output when all went well.

    Whoever reads there gets all or nothing, not a stream that stops in the middle.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as buffer:
        yield buffer  # type: ignore[misc]
        buffer.seek(0)
        stream = stdout()
        shutil.copyfileobj(buffer, stream)
        stream.flush()
