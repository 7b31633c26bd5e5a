"""A lock of a folder, which ends with the process that holds it, however that ends."""

import fcntl
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from gancli.errors import GancliError
from gancli.reporting import Reporter

_LOCK = ".lock"
_TRIES, _PAUSE = 10, 0.01  # seconds: is_held holds a lock for a moment


class FolderLock:
    """Keeps other processes out of a folder until it is closed.

    Args:
        folder: It must exist.
        activity: What is done there, for messages: ``training``.
        reporter: Is warned if the file system has no locks.

    Attributes:
        exclusive: Whether it is certain that no other process holds the folder.

    Raises:
        GancliError: Another process holds it.
    """

    def __init__(self, folder: Path, activity: str, reporter: Reporter) -> None:
        self._file = open(folder / _LOCK, "w")  # noqa: SIM115 - held until close
        self.exclusive = True
        try:
            _lock(self._file)
        except BlockingIOError:
            self._file.close()
            raise GancliError(
                f"Another process is {activity} in {folder}.",
                "Wait for it, stop it, or choose another directory with -o.",
            ) from None
        except OSError as error:
            self.exclusive = False
            reporter.warn(
                f"The file system of {folder} has no locks ({error.strerror}): let no second "
                "process train there."
            )

    def close(self) -> None:
        self._file.close()


def _lock(file: IO[str]) -> None:
    """Lock a file.

    Raises:
        BlockingIOError: Another process holds it, and not just for a moment.
        OSError: The file system has no locks.
    """
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(_PAUSE)
    return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(folder: Path) -> bool:
    """Return whether a process holds a folder."""
    with suppress(OSError), open(folder / _LOCK, "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
