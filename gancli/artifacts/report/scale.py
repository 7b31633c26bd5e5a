"""Axes: positions of values, and round numbers to label."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A way from values to pixels.

    Args:
        low, high: Values at the ends of the axis; above zero if it is logarithmic.
        start, end: Their positions in pixels.
        log: Whether equal ratios are equally far apart.
        step: Between labels; 0 lets their number decide.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    step: float = 0.0

    def position(self, value: float) -> float:
        """Return where a value is, in pixels."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """Return about ``count`` round values from low to high."""
        if self.log and self.high / self.low >= 5:
            return self._log_ticks(count)
        step = self.step or nice_step((self.high - self.low) / max(count, 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [float(f"{number * step:.12g}") for number in range(first, last + 1)]

    def _log_ticks(self, count: int) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        ticks: list[float] = []
        for factors in ((1, 2, 5), (1, 3), (1,)):
            every = max(1, round(len(decades) / count)) if factors == (1,) else 1
            ticks = [
                float(f"{factor * 10.0**decade:.12g}")
                for decade in decades if decade % every == 0 for factor in factors
                if self.low * (1 - 1e-9) <= factor * 10.0**decade <= self.high * (1 + 1e-9)
            ]
            if len(ticks) <= 1.5 * count:
                break
        return ticks


def nice_step(step: float) -> float:
    """Return 1, 2 or 5 times a power of ten: the smallest that is not below ``step``."""
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def linear(low: float, high: float, start: float, end: float) -> Scale:
    """Return a scale that holds values from low to high and ends at round numbers.

    It begins at zero where that costs little.
    """
    if 0 < low < high / 2:
        low = 0.0
    if high - low <= 1e-12 * max(abs(high), abs(low), 1e-300):
        room = abs(high) / 10 or 1.0
        low, high = low - room, high + room
    step = nice_step((high - low) / 5)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Scale(low, high, start, end, step=step)


def logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    """Return a logarithmic scale with a little room around values from low to high."""
    room = max((high / low) ** 0.05, 1.05)
    return Scale(low / room, high * room, start, end, log=True)
