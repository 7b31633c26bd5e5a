"""Curves over steps or time as SVG, with what the script reads values from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gancli.artifacts.report.history import Points, Span
from gancli.artifacts.report.markup import number, text
from gancli.artifacts.report.scale import Scale, linear, logarithmic
from gancli.config.durations import duration

WIDTH, HEIGHT = 720, 330
LEFT, RIGHT, TOP, BOTTOM = 74, 14, 54, 54  # pixels around the curves
_MAX_POINTS = 300  # of a curve; more are averaged
_MAX_RATIO = 1e30  # of a logarithmic axis
_LETTER = 12  # pixels that a letter may take, on a phone


@dataclass(frozen=True)
class Chart:
    """Curves that share an axis.

    Args:
        title: What is shown.
        unit: What the vertical axis says.
        series: Curves by name; each has at least one point.
        end: Where the horizontal axis ends.
        over: What the horizontal axis counts: steps, or seconds of training.
        single: For a series that sums up several curves, these: drawn thin.
        joined: Whether the readout also tells values between the points of a curve.
        log: Whether the logarithmic scale is the one that is shown first, where there is one.
        from_zero: Whether the vertical axis begins at zero, where it is linear.
        levels: Values that the curves are to be compared with, by name: drawn as lines.
        best: Step and value of the best point, or None.
        phases: Shaded in turn.
        marks: Steps at which something happened, each with a sentence.
    """

    title: str
    unit: str
    series: Mapping[str, Points]
    end: float
    over: Literal["step", "seconds"] = "step"
    single: Mapping[str, Sequence[Points]] = field(default_factory=dict)
    joined: bool = False
    log: bool = False
    from_zero: bool = False
    levels: Mapping[str, float] = field(default_factory=dict)
    best: tuple[float, float] | None = None
    phases: Sequence[Span] = ()
    marks: Sequence[tuple[float, str]] = ()


def draw(chart: Chart) -> str:
    """Return a figure of HTML: legend, switch, SVG, and a place for the readout."""
    values = [value for points in chart.series.values() for _, value in points]
    values += [
        value for curves in chart.single.values() for points in curves for _, value in points
    ]
    values += chart.levels.values()
    low, high = min(values), max(values)
    x = Scale(0.0, float(max(chart.end, 1)), LEFT, WIDTH - RIGHT)
    base = min(low, 0.0) if chart.from_zero else low
    scales = {"linear": linear(base, high, HEIGHT - BOTTOM, TOP)}
    if low > 0 and high / low < _MAX_RATIO:
        scales["log"] = logarithmic(low, high, HEIGHT - BOTTOM, TOP)
    data = {
        "end": chart.end, "over": chart.over, "joined": chart.joined,
        "scales": {name: [scale.low, scale.high] for name, scale in scales.items()},
        "series": {
            name: [[round(step, 1), float(f"{value:.5g}")] for step, value, _, _ in thinned(points)]
            for name, points in chart.series.items()
        },
        "box": [LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM],
    }
    first = "log" if chart.log and "log" in scales else "linear"
    layers = "".join(
        f"<g class={name}{'' if name == first else ' hidden'}>{_layer(chart, x, y)}</g>"
        for name, y in scales.items()
    )
    checked = " checked" if first == "log" else ""
    switch = (
        f"<label class=switch><input type=checkbox class=logswitch{checked}> logarithmic</label>"
        if "log" in scales else ""
    )
    return (
        f"<figure class=chart data-chart='{text(json.dumps(data, separators=(',', ':')))}'>"
        f"<figcaption><h3>{text(chart.title)}</h3>{_legend(chart)}{switch}</figcaption>"
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img tabindex=0 "
        f"aria-label='{text(_summary(chart))}'>"
        f"{_phases(chart, x)}{_horizontal(chart, x)}"
        f"<text class=unit x=4 y=20>{text(chart.unit)}</text>{layers}{_marks(chart, x)}"
        "<g class=cursor hidden></g></svg>"
        "<output class=readout aria-live=polite>&nbsp;</output></figure>"
    )


def thinned(points: Points) -> list[tuple[float, float, float, float]]:
    """Return step, value, lowest and highest value of at most 300 stretches of a curve."""
    count = min(len(points), _MAX_POINTS)
    stretches = [
        points[index * len(points) // count : (index + 1) * len(points) // count]
        for index in range(count)
    ]
    return [
        (sum(step for step, _ in stretch) / len(stretch),
         sum(value for _, value in stretch) / len(stretch),
         min(value for _, value in stretch), max(value for _, value in stretch))
        for stretch in stretches
    ]


def _layer(chart: Chart, x: Scale, y: Scale) -> str:
    """Return all that depends on the vertical scale."""
    parts = []
    for tick in y.ticks(5):
        at = y.position(tick)
        parts.append(
            f"<line class=grid x1={LEFT} x2={WIDTH - RIGHT} y1={at:.1f} y2={at:.1f} />"
            f"<text class=y x={LEFT - 8} y={at:.1f} dy=.35em>{text(number(tick))}</text>"
        )
    for name, value in chart.levels.items():
        at = y.position(value)
        beside = at - 5 if at > TOP + _LETTER else at + 1.5 * _LETTER  # phases are named above
        parts.append(
            f"<line class=level x1={LEFT} x2={WIDTH - RIGHT} y1={at:.1f} y2={at:.1f} />"
            f"<text class=levelname x={LEFT + 4} y={beside:.1f}>"
            f"{text(name)} {text(number(value))}</text>"
        )
    for index, name in enumerate(chart.series):
        for points in chart.single.get(name, ()):
            line = _pairs([(x.position(step), y.position(value)) for step, value in points])
            parts.append(f"<polyline class='single s{index}' points='{line}' />")
    for index, points in enumerate(chart.series.values()):
        parts.append(_curve(points, index, x, y))
    if chart.best is not None:
        step, value = chart.best
        column, row = x.position(step), y.position(value)
        side = "end" if column > (LEFT + WIDTH) / 2 else "start"
        parts.append(
            f"<circle class=best cx={column:.1f} cy={row:.1f} r=6 />"
            f"<text class=bestname text-anchor={side} x={column:.1f} "
            f"y={max(row - 12, TOP + 12):.1f}>best {text(number(value))}</text>"
        )
    return "".join(parts)


def _curve(points: Points, index: int, x: Scale, y: Scale) -> str:
    """Return a line, with what it averages as a band behind it; a single point is a dot."""
    rows = thinned(points)
    line = [(x.position(step), y.position(value)) for step, value, _, _ in rows]
    if len(line) == 1:
        return f"<circle class='dot s{index}' cx={line[0][0]:.1f} cy={line[0][1]:.1f} r=4 />"
    band = ""
    if len(points) > len(rows):
        upper = [(x.position(row[0]), y.position(row[3])) for row in rows]
        lower = [(x.position(row[0]), y.position(row[2])) for row in reversed(rows)]
        band = f"<polygon class='band s{index}' points='{_pairs([*upper, *lower])}' />"
    dots = "".join(
        f"<circle class='dot s{index}' cx={at[0]:.1f} cy={at[1]:.1f} r=2.5 />"
        for at in (line if len(line) <= 24 else ())
    )
    return f"{band}<polyline class='line s{index}' points='{_pairs(line)}' />{dots}"


def _pairs(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _horizontal(chart: Chart, x: Scale) -> str:
    """Return the horizontal axis."""
    bottom = HEIGHT - BOTTOM
    parts = [f"<line class=axis x1={LEFT} x2={WIDTH - RIGHT} y1={bottom} y2={bottom} />"]
    for tick in x.ticks(5):
        at = x.position(tick)
        if tick != int(tick):
            continue
        side = "last" if at > WIDTH - 50 else ""
        parts.append(
            f"<line class=axis x1={at:.1f} x2={at:.1f} y1={bottom} y2={bottom + 5} />"
            f"<text class='x {side}' x={at:.1f} y={bottom + 22}>{int(tick):,}</text>"
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    name = {"step": "step", "seconds": "seconds of training"}[chart.over]
    return "".join(parts) + f"<text class=x x={middle} y={HEIGHT - 8}>{name}</text>"


def _phases(chart: Chart, x: Scale) -> str:
    """Return the phases as shades, named where there is space."""
    parts = []
    for index, phase in enumerate(chart.phases):
        left, right = x.position(phase.start), x.position(min(phase.end, x.high))
        parts.append(
            f"<rect class='phase p{index % 2}' x={left:.1f} y={TOP} width={right - left:.1f} "
            f"height={HEIGHT - BOTTOM - TOP}><title>{text(phase.name)}</title></rect>"
        )
        if len(phase.name) * _LETTER < right - left:
            parts.append(f"<text class=phasename x={left:.1f} y={TOP - 8}>"
                         f"{text(phase.name)}</text>")
    return "".join(parts)


def _marks(chart: Chart, x: Scale) -> str:
    return "".join(
        f"<g class=mark><line x1={x.position(step):.1f} x2={x.position(step):.1f} y1={TOP} "
        f"y2={HEIGHT - BOTTOM} /><title>{text(sentence)}</title></g>"
        for step, sentence in chart.marks
    )


def _legend(chart: Chart) -> str:
    """Return the names of the curves; each is a button that makes its own stand out."""
    if len(chart.series) < 2:
        return ""
    names = "".join(
        f"<button type=button class='key s{index}' aria-pressed=false>{text(name)}</button>"
        for index, name in enumerate(chart.series)
    )
    return f"<div class=legend>{names}</div>"


def _summary(chart: Chart) -> str:
    """Return the chart in a sentence, for those who do not see it."""
    def place(at: float) -> str:
        return duration(at) if chart.over == "seconds" else f"step {at:,.0f}"

    curves = []
    for name, points in chart.series.items():
        (first, start), (last, end) = points[0], points[-1]
        curves.append(
            f"{name} from {number(start)} at {place(first)} to {number(end)} at {place(last)}"
        )
    if chart.best is not None:
        curves.append(f"best {number(chart.best[1])} at {place(chart.best[0])}")
    curves += [f"{name} {number(value)}" for name, value in chart.levels.items()]
    curves += [f"{phase.name} phase to step {phase.end:,.0f}" for phase in chart.phases]
    return f"{chart.title}: {'; '.join(curves)}. Arrow keys read the values."
