"""gancli in processes of their own: forks of one that has imported torch, which takes seconds.

On macOS a process that has torch cannot be forked, so there each call imports it.
"""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

from gancli.cli import app

FORKS = multiprocessing.get_context("forkserver")
if sys.platform != "darwin":
    FORKS.set_forkserver_preload(["pytest", "torch._dynamo", "PIL.Image"])


class Gancli:
    """A call of gancli that has begun; its output can be read once it has ended."""

    def __init__(self, *words: str, **variables: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._said = [Path(self._folder.name, name) for name in ("out", "err")]
        self._process = FORKS.Process(
            target=_run, args=(words, {**os.environ, **variables}, self._said)
        )
        self._process.start()

    @property
    def status(self) -> int | None:
        """Its exit status, or None as long as it has none; negative if a signal ended it."""
        return self._process.exitcode

    def send(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self._process.is_alive():
            os.kill(self._process.pid, number)

    def end(self) -> tuple[str, str]:
        """Wait until it has ended, and return what it has printed."""
        self._process.join(timeout=600)
        assert self.status is not None
        with self._folder:
            out, err = (path.read_text() if path.exists() else "" for path in self._said)
        return out, err


def _run(words: tuple[str, ...], environment: dict[str, str], said: list[Path]) -> None:
    for number, path in enumerate(said, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["gancli", *words]
    app.main()
