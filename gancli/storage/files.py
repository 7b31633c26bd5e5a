"""Atomic writes: a crash leaves either the old file or folder or the new one, never a part."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gancli.errors import GancliError


def sha256(data: bytes) -> str:
    """Return the digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError while writing ``path`` into a GancliError with a hint."""
    try:
        yield
    except OSError as error:
        hints = {
            errno.ENOSPC: "Free some space and try again; what was there before is untouched.",
            errno.EFBIG: "Raise the limit on file sizes; what was there before is untouched.",
            errno.EACCES: "Use -o to choose a place that you may write to.",
            errno.EROFS: "Use -o to choose a place that you may write to.",
        }
        raise GancliError(
            f"Cannot write {path}: {os.strerror(error.errno or 0)}.",
            hints.get(error.errno or 0, "Use -o to choose another place."),
        ) from error


@contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces ``path`` if the block ends without an exception.

    Args:
        path: The file to create or replace.
        durable: Whether to wait until it is on disk; a file that can be made again need not be.

    Raises:
        GancliError: It cannot be written; an older file is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with explained(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "wb") as file:
                yield file
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(temporary, path)
            if durable:
                _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_file(path: Path, data: bytes, durable: bool = True) -> None:
    """Write a whole file as :func:`replacing` does."""
    with replacing(path, durable) as file:
        file.write(data)


def write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write files to a temporary folder, sync it, and rename it to ``target``.

    An existing folder is set aside first and removed afterwards.

    Raises:
        GancliError: It cannot be written; an older folder is untouched.
    """
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp",
                                          dir=target.parent))
        old = temporary.with_suffix(".old")
        try:
            temporary.chmod(0o755)
            for name, data in files.items():
                _write(temporary / name, data)
            _sync_folder(temporary)
            if target.exists():
                os.rename(target, old)
            os.rename(temporary, target)
            _sync_folder(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if old.exists() and not target.exists():
                os.rename(old, target)
            shutil.rmtree(old, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders of killed processes."""
    for path in folder.glob(".*.tmp"):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
