"""What the library tells whoever runs it; only the shell's face decides how it looks."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Status:
    """Where a training stands, once a step.

    Args:
        step: Steps done.
        progress: Share of the budget that is spent, 0 to 1.
        items_per_s: Items seen per second of training, lately.
        seconds_left: Estimate for the rest of the budget, or None while unknown.
        losses: Named losses of the last step.
        score: Latest quality score (smaller is better), or None before the first measurement.
        best: Best score so far.
        trend: Change of the score since the measurement before, or None.
        threads: Threads that torch computes with.
        phase: Name of the phase.
    """

    step: int
    progress: float
    items_per_s: float
    seconds_left: float | None
    losses: dict[str, float] = field(default_factory=dict)
    score: float | None = None
    best: float | None = None
    trend: float | None = None
    threads: int = 1
    phase: str = ""


class Reporter(Protocol):
    """Receives notes, warnings, progress and figures."""

    def note(self, text: str) -> None:
        """Say what was chosen and why."""

    def warn(self, text: str) -> None:
        """Say what went wrong but was survived."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Say how far a countable job (decoding, sampling) has come."""

    def status(self, status: Status) -> None:
        """Say where the training stands."""

    def figure(self, name: str, value: float) -> None:
        """Give a figure that belongs to the command's result."""


class Silent:
    """A reporter that says nothing, for library use and tests."""

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def progress(self, what: str, done: int, total: int) -> None: ...

    def status(self, status: Status) -> None: ...

    def figure(self, name: str, value: float) -> None: ...
