"""Dots with intervals in the rows of a table, on one logarithmic scale of ratios."""

import math
from collections.abc import Sequence

from gancli.artifacts.report.markup import number
from gancli.artifacts.report.scale import Scale, logarithmic

_WIDTH, _HEIGHT, _SIDE = 190, 24, 14  # pixels; at the sides is space for labels
_TICKS = (1, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 1000)
_APART = 24  # pixels between two labels

Interval = tuple[float, float, float]  # value, lowest, highest


def ratio_scale(intervals: Sequence[Interval]) -> Scale:
    """Return a scale that holds one and all intervals that are finite and above zero."""
    ends = [end for each in intervals for end in each if 0 < end < math.inf]
    return logarithmic(min([0.97, *ends]), max([1.1, *ends]), _SIDE, _WIDTH - _SIDE)


def axis(scale: Scale) -> str:
    """Return the labels of a column of intervals."""
    labels: list[str] = []
    last = -math.inf
    for tick in _TICKS:
        at = scale.position(tick)
        if tick <= scale.high and at - last >= _APART:
            labels.append(f"<text x={at:.1f} y=16>{number(float(tick))}</text>")
            last = at
    return _svg("".join(labels))


def dot(interval: Interval, scale: Scale, kind: str) -> str:
    """Return a dot in its interval, and the line of one behind it.

    Args:
        interval: What to draw; the numbers stand beside it, so that it is hidden from readers of
            the screen.
        scale: Of the column.
        kind: CSS class.
    """
    one = scale.position(1)
    line = f"<line class=one x1={one:.1f} x2={one:.1f} y1=0 y2={_HEIGHT} />"
    if not all(0 < each < math.inf for each in interval):
        return _svg(line)
    value, low, high = map(scale.position, interval)
    middle = _HEIGHT / 2
    return _svg(
        f"{line}<line class='range {kind}' x1={low:.1f} x2={high:.1f} y1={middle} y2={middle} />"
        f"<circle class={kind} cx={value:.1f} cy={middle} r=4 />"
    )


def _svg(content: str) -> str:
    return (
        f"<svg class=interval viewBox='0 0 {_WIDTH} {_HEIGHT}' width={_WIDTH} height={_HEIGHT} "
        f"aria-hidden=true>{content}</svg>"
    )
