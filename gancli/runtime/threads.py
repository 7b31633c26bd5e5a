"""How many threads to compute with, found by measuring."""

import os
import statistics
import time
from collections import deque
from collections.abc import Callable

import torch

from gancli.errors import UsageError

_ROUNDS = 3
_WINDOW = 16  # steps whose median is compared
_JUMP = 1.6  # a step that takes this much longer means that something else runs here now
_REST = 30.0  # seconds between measurements, so that a noisy machine is not measured all the time


def cores() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fixed(wanted: str) -> int | None:
    """Return the number that ``--threads`` fixes, or None for ``auto``.

    Raises:
        UsageError: It is neither.
    """
    if wanted == "auto":
        return None
    if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= 1024):
        raise UsageError(
            f"--threads cannot be {wanted!r}.", "Give a number from 1 to 1024, or auto."
        )
    return int(wanted)


def fastest(step: Callable[[], object]) -> tuple[int, dict[int, float]]:
    """Set and return the thread count at which ``step`` is fastest.

    Candidates are 1, 2, 4, ... and all processors; rounds alternate between them, since a
    neighbour's load comes and goes.

    Returns:
        The count, and the median seconds of each candidate.
    """
    most = cores()
    candidates = sorted({min(2**power, most) for power in range(most.bit_length())} | {most})
    taken: dict[int, list[float]] = {count: [] for count in candidates}
    step()
    for _ in range(_ROUNDS):
        for count in candidates:
            torch.set_num_threads(count)
            started = time.perf_counter()
            step()
            taken[count].append(time.perf_counter() - started)
    medians = {count: statistics.median(times) for count, times in taken.items()}
    best = min(medians, key=lambda count: medians[count])
    torch.set_num_threads(best)
    return best, medians


class Watch:
    """Notices when steps take much longer than they did."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._usual: float | None = None
        self._rested = 0.0

    def reset(self) -> None:
        """Forget what was usual, after a new thread count."""
        self._recent.clear()
        self._usual = None
        self._rested = 0.0

    def jumped(self, seconds: float) -> bool:
        """Take note of a step's time and return whether it is time to measure again."""
        self._recent.append(seconds)
        self._rested += seconds
        if len(self._recent) < _WINDOW:
            return False
        now = statistics.median(self._recent)
        self._usual = now if self._usual is None else min(self._usual, now)
        return self._rested >= _REST and now > _JUMP * self._usual
