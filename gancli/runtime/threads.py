"""How many threads to compute with, found by measuring."""

import statistics
import time
from collections import deque
from collections.abc import Callable

import torch

from gancli.errors import UsageError
from gancli.runtime.launch import launch
from gancli.runtime.processors import cores, physical_cores

_ROUNDS = 3
_WINDOW = 16  # steps whose median is compared
_JUMP = 1.6  # a step that takes this much longer means that something else runs here now
_REST = 30.0  # seconds between measurements; twice as many each time that nothing changes
_MAX_REST = 600.0
_MAX_FRACTION = 0.01  # of the time that measurements after the first may take
_HOPELESS = 2.0  # a candidate that takes this many times as long as the best is tried once
_GAIN = 0.95  # of the present count's time that another must stay under


def fixed(wanted: str) -> int | None:
    """Return the number that ``--threads`` fixes, or None for ``auto`` where one is measured.

    Of several processes on a machine each has its part of the cores: to measure what is fastest,
    all of them would have to compute.

    Raises:
        UsageError: It is neither.
    """
    if wanted == "auto":
        here = launch()
        return None if here.world == 1 else max(1, physical_cores() // here.local_world)
    if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= 1024):
        raise UsageError(
            f"--threads cannot be {wanted!r}.", "Give a number from 1 to 1024, or auto."
        )
    return int(wanted)


def fastest(step: Callable[[], object]) -> tuple[int, dict[int, float]]:
    """Set and return the thread count at which ``step`` is fastest.

    Candidates are 1, 2, 4, ... and all processors; rounds alternate between them, since a
    neighbor's load comes and goes.

    Returns:
        The count, and the median seconds of each candidate.
    """
    limit = cores()
    candidates = sorted({min(2**power, limit) for power in range(limit.bit_length())} | {limit})
    seconds: dict[int, list[float]] = {count: [] for count in candidates}
    torch.set_num_threads(candidates[0])
    step()
    for _ in range(_ROUNDS):
        for count in candidates:
            torch.set_num_threads(count)
            started = time.perf_counter()
            step()
            seconds[count].append(time.perf_counter() - started)
        medians = {count: statistics.median(times) for count, times in seconds.items()}
        best = min(medians, key=lambda count: medians[count])
        candidates = [count for count in candidates if medians[count] <= _HOPELESS * medians[best]]
        if len(candidates) == 1:
            break
    torch.set_num_threads(best)
    return best, medians


class ThreadTuner:
    """Keeps torch at the fastest number of threads while the machine's load changes.

    It measures at the start, when steps take much longer than they did, and besides at growing
    intervals, since nothing tells that a neighbor has gone.

    Args:
        wanted: What ``--threads`` says; a number is never measured.
        trial: Returns a step to measure on, which must leave the training as it is.
        note: Takes a sentence for the user.

    Attributes:
        count: The number of threads now.

    Raises:
        UsageError: ``wanted`` is neither a number nor ``auto``.
    """

    def __init__(
        self, wanted: str, trial: Callable[[], Callable[[], object]], note: Callable[[str], None]
    ) -> None:
        self._trial, self._note = trial, note
        self._fixed = fixed(wanted)
        self._watch = Watch()
        self._rest = _REST
        self._started = self._measured = self._cost = self._spent = 0.0
        self.count = self._fixed or 0

    def start(self) -> None:
        """Set the number of threads, measuring first if none is fixed."""
        if self._fixed is not None:
            torch.set_num_threads(self._fixed)
            return
        if cores() > 1:
            self._note(f"Timing steps with 1 to {cores()} threads (--threads saves this).")
        self.count, tried = self._measure()
        self._started, self._spent = self._measured, 0.0
        self._note(f"Threads: {self.count}, the fastest of those measured ({tried} a step).")

    def after_step(self, seconds: float) -> None:
        """Take note of a step's time, and measure again if it is time to."""
        if self._fixed is not None or cores() == 1:
            return
        if not self._due(self._watch.jumped(seconds)):
            return
        count, tried = self._measure()
        if count == self.count:
            self._rest = min(2 * self._rest, _MAX_REST)
            return
        self.count, self._rest = count, _REST
        self._note(f"Threads: now {count} ({tried} a step).")

    def _due(self, jumped: bool) -> bool:
        """Return whether to measure now.

        A jump is not to wait for the cost to be saved up, only for what was spent before.
        """
        now = time.perf_counter()
        rested = now - self._measured
        left = _MAX_FRACTION * (now - self._started) - self._spent
        if jumped and rested >= _REST and left >= 0:
            return True
        return rested >= self._rest and max(left, _MAX_FRACTION * rested) >= self._cost

    def _measure(self) -> tuple[int, str]:
        """Set and return the fastest count, and the times of those tried in words."""
        started = time.perf_counter()
        count, medians = fastest(self._trial())
        if self.count in medians and medians[count] > _GAIN * medians[self.count]:
            count = self.count
            torch.set_num_threads(count)
        self._watch = Watch()
        self._measured = time.perf_counter()
        self._cost = self._measured - started
        self._spent += self._cost
        return count, ", ".join(f"{key}: {1e3 * value:.0f} ms" for key, value in medians.items())


class Watch:
    """Notices when steps take much longer than they did."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._usual: float | None = None

    def jumped(self, seconds: float) -> bool:
        """Take note of a step's time and return whether steps now take much longer."""
        self._recent.append(seconds)
        if len(self._recent) < _WINDOW:
            return False
        now = statistics.median(self._recent)
        self._usual = now if self._usual is None else min(self._usual, now)
        return now > _JUMP * self._usual
