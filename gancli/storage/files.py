"""Atomic writes: a crash leaves either the old file or folder or the new one, never a part."""

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from gancli.errors import GancliError

# What file systems that cannot sync say of it: network, FUSE and virtual ones.
_CANNOT_SYNC = (
    errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY, errno.EBADF,
    errno.EROFS,
)
# What says that written data is lost.
_LOST = (errno.EIO, errno.ENOSPC, errno.EDQUOT)
# What renaming says where a file can be written but not replaced: mounted by itself, or on a file
# system that never replaces.
_CANNOT_REPLACE = (errno.EBUSY, errno.EEXIST, errno.EXDEV)
_LEFTOVER = re.compile(r"\.(.+)\.(?:\d+|[a-z0-9_]{8})\.(tmp|old)")


def sha256(data: bytes) -> str:
    """Return the digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sync(file: IO[bytes] | IO[str]) -> None:
    """Wait until what was written to a file is on disk, where its file system can tell."""
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def _sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, as far as its file system can: they are done."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # it may be written to but not read
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in _LOST:
            raise
    finally:
        os.close(handle)


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        sync(file)


def _replace(temporary: Path, path: Path) -> None:
    """Rename a file; where that cannot replace the one that is there, write over it."""
    try:
        os.replace(temporary, path)
    except OSError as error:
        if error.errno not in _CANNOT_REPLACE:
            raise
        shutil.copyfile(temporary, path)


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


def is_stream(path: Path) -> bool:
    """Return whether a path is a device or a pipe, such as the /dev/fd/63 of a shell's >(...)."""
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces ``path`` if the block ends without an exception.

    A link stays one, and a device or a pipe is written to.

    Args:
        path: The file to create or replace.
        durable: Whether to wait until it is on disk; a file that can be made again need not be.

    Raises:
        GancliError: It cannot be written; an older file is untouched.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with explained(path):
        if is_stream(path):
            with open(path, "wb") as file:
                yield file
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "wb") as file:
                yield file
                if durable:
                    sync(file)
            _replace(temporary, target)
            if durable:
                _sync_folder(target.parent)
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
            with suppress(OSError):  # a file system may have no modes
                temporary.chmod(0o755)
            for name, data in files.items():
                _write(temporary / name, data)
            _sync_folder(temporary)
            if target.exists():
                shutil.move(target, old)  # copies where a layer below holds it, as in containers
            os.rename(temporary, target)
            _sync_folder(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if old.exists() and not target.exists():
                os.rename(old, target)
            shutil.rmtree(old, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders that killed processes left in a folder.

    What such a process had set aside, and put nothing in the place of, is put back.
    """
    for path in folder.glob(".*"):
        match = _LEFTOVER.fullmatch(path.name)
        if match is None:
            continue
        with suppress(OSError):
            if match[2] == "old" and not (folder / match[1]).exists():
                os.rename(path, folder / match[1])
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
