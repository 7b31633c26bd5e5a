"""Signals: the first asks training to save and end, the second ends it at once."""

import os
import signal
from types import FrameType
from typing import Any

from gancli.errors import INTERRUPTED, TERMINATED, GancliError


class Interrupted(GancliError):
    """Training was asked to stop; a checkpoint is written."""


class Stop:
    """While open, SIGINT and SIGTERM set ``signal`` instead of ending the process."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Stop":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            os._exit(128 + number)
        self.signal = number

    def check(self, modality: str, run: str, step: int) -> None:
        """Raise Interrupted if a signal came; call it after a checkpoint is written."""
        if self.signal is None:
            return
        raise Interrupted(
            f"Stopped at step {step:,}; its checkpoint is in {run}.",
            f"Resume it with: gancli train {modality} --resume {run}",
            INTERRUPTED if self.signal == signal.SIGINT else TERMINATED,
        )
