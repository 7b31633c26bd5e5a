"""Signals: the first asks training to save and end, the second ends it at once."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from gancli.errors import INTERRUPTED, TERMINATED, GancliError
from gancli.runtime.launch import launch

_ECHO = 2.0  # seconds in which torchrun's comes after that of the terminal


class Interrupted(GancliError):
    """Training was asked to stop; the hint says how to continue."""


class Stop:
    """While open, SIGINT and SIGTERM end the work with a sentence that says how to continue.

    They interrupt at once, as Ctrl-C does; while :meth:`deferred`, they only set ``signal``.
    torchrun forwards a Ctrl-C that the terminal has already delivered; that copy does not count as
    a second signal.

    Attributes:
        signal: Number of the signal that came, or None.
        state: What there is if one comes now, a sentence.
        hint: How to continue then.
    """

    def __init__(self, state: str = "Stopped.", hint: str = "") -> None:
        self.signal: int | None = None
        self.state, self.hint = state, hint
        self._deferred = False
        self._came = 0.0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Stop":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if isinstance(error, KeyboardInterrupt):
            self.check()
        if not isinstance(error, Interrupted):
            self._hand_on()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Give a context in which a signal waits for :meth:`check`."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.signal is not None:
            if launch().world > 1 and now - self._came < _ECHO:
                return
            os._exit(128 + number)
        self.signal, self._came = number, now
        if not self._deferred:
            raise KeyboardInterrupt  # which no reader of broken files takes for one of its own

    def _hand_on(self) -> None:
        """Pass a signal that an error came before on to the Stop around this one."""
        outer = getattr(self._previous[signal.SIGINT], "__self__", None)
        if isinstance(outer, Stop):
            outer.signal = outer.signal or self.signal

    def check(self) -> None:
        """Raise Interrupted if a signal came."""
        if self.signal is not None:
            code = INTERRUPTED if self.signal == signal.SIGINT else TERMINATED
            raise Interrupted(self.state, self.hint, code)
