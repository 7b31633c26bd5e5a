"""What the library reports to its caller; only the command line decides how it looks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, SupportsFloat


@dataclass(frozen=True)
class Status:
    """The state of a training after a step.

    Args:
        step: Steps done.
        progress: Fraction of the budget that is spent, 0 to 1.
        steps_per_s: Recent speed of training, without measuring and saving.
        seconds_left: Estimate for the rest of the budget, or None while unknown.
        losses: Named losses of the last step, to be turned into floats only where they are shown.
        score: Latest quality score (smaller is better), or None before the first measurement.
        best: Best score so far.
        trend: How the score changes (improving, flat, worse), or None while it is too early to say.
        floor: Score of real data, or None before the first measurement.
        held_out_loss: The generator's own loss on held-out items, where it has one.
        threads: Threads that torch computes with.
        phase: Name of the phase.
    """

    step: int
    progress: float
    steps_per_s: float
    seconds_left: float | None
    losses: Mapping[str, SupportsFloat] = field(default_factory=dict)
    score: float | None = None
    best: float | None = None
    trend: str | None = None
    floor: float | None = None
    held_out_loss: float | None = None
    threads: int = 1
    phase: str = ""


class Reporter(Protocol):
    """Receives notes, warnings, progress and figures."""

    def note(self, text: str) -> None:
        """Report what was chosen and why."""

    def warn(self, text: str) -> None:
        """Report a problem that did not end the work."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Report the progress of a countable job (decoding, sampling); total 0 is unknown."""

    def status(self, status: Status) -> None:
        """Report the state of the training."""

    def figure(self, name: str, value: float) -> None:
        """Report a figure that belongs to the command's result."""


class Silent:
    """A reporter that discards everything, for library use and tests."""

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def progress(self, what: str, done: int, total: int) -> None: ...

    def status(self, status: Status) -> None: ...

    def figure(self, name: str, value: float) -> None: ...


SILENT = Silent()


class Forwarding:
    """A reporter that passes everything on; subclasses change what they care about.

    Args:
        reporter: Receives everything.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def note(self, text: str) -> None:
        self._reporter.note(text)

    def warn(self, text: str) -> None:
        self._reporter.warn(text)

    def progress(self, what: str, done: int, total: int) -> None:
        self._reporter.progress(what, done, total)

    def status(self, status: Status) -> None:
        self._reporter.status(status)

    def figure(self, name: str, value: float) -> None:
        self._reporter.figure(name, value)


class Once(Forwarding):
    """Passes each note on once, for work that is done many times over."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(reporter)
        self._heard = set[str]()

    def note(self, text: str) -> None:
        if text not in self._heard:
            self._heard.add(text)
            super().note(text)
