"""Signals: the first asks training to save and end, the second ends it at once."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from gancli.errors import SIGNALED, GancliError
from gancli.runtime.launch import launch

_ECHO = 2.0  # seconds in which torchrun's comes after that of the terminal


class Interrupted(GancliError):
    """Training was asked to stop; the hint says how to continue."""


def end_as_interrupts_do() -> None:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, so that cleanup runs.

    Its argument is the number of the signal. What is ignored stays so: nohup ignores SIGHUP.
    Processes of torchrun keep the default, since they may be waiting for each other in C++, where
    no handler of Python's runs.
    """
    if launch().world > 1:
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends at once
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes sends it twice
    raise KeyboardInterrupt(number)


class Stop:
    """While open, SIGINT, SIGTERM and SIGHUP end the work, and say how to continue.

    They interrupt at once, as Ctrl-C does; while :meth:`deferred`, they only set ``signal``.
    A SIGHUP that is ignored, as by nohup, stays so. torchrun forwards a Ctrl-C that the terminal
    has already delivered, and a terminal that closes sends SIGHUP through the shell and by itself;
    such copies do not count as a second signal.

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
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
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
            if number == signal.SIGHUP or launch().world > 1 and now - self._came < _ECHO:
                return
            os._exit(SIGNALED + number)
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
            raise Interrupted(self.state, self.hint, SIGNALED + self.signal)
