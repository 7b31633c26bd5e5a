"""Where the cache is: in the user's cache folder or, on machines without one, a temporary one."""

import os
import stat
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import platformdirs


class CachePlace(NamedTuple):
    """Where the cache is.

    Args:
        folder: Its folder, which need not exist yet.
        reason: Why it is a temporary one, or empty if it is not.
    """

    folder: Path
    reason: str


def cache_place() -> CachePlace:
    """Return where the cache is: ``$GANCLI_CACHE``, or in the user's cache folder if there is one.

    In a container there may be no home directory, no name for the user, or nothing may be written
    there. The cache is then in the folder for temporary files.
    """
    if chosen := os.environ.get("GANCLI_CACHE"):
        return CachePlace(Path(chosen), "")
    try:
        folder = Path(platformdirs.user_cache_dir("gancli"))
    except (RuntimeError, KeyError, OSError):
        return CachePlace(_temporary(), "there is no home directory")
    if not folder.is_absolute():  # what cannot be expanded stays as it is, such as ~/.cache
        return CachePlace(_temporary(), "there is no home directory")
    nearest = existing(folder)
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        return CachePlace(_temporary(), f"{str(folder)!r} cannot be written to")
    return CachePlace(folder, "")


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    while not os.path.exists(folder):
        folder = folder.parent
    return folder


def _temporary() -> Path:
    """Return a folder among the temporary ones that is this user's alone."""
    name = f"gancli-{os.getuid()}"
    try:
        folder = Path(tempfile.gettempdir()) / name
        folder.mkdir(0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return Path("/tmp") / name  # writing there fails, and is explained
    # Others could have made it first, to read or to choose what is trained on.
    private = status.st_uid == os.getuid() and stat.S_ISDIR(status.st_mode)
    return folder if private else _of_this_process()


@cache
def _of_this_process() -> Path:
    return Path(tempfile.mkdtemp(prefix="gancli-"))
