"""Charts: where known values are drawn, and what the axes say."""

import json
import re
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gancli.artifacts.report.chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Chart,
    draw,
    thinned,
)
from gancli.artifacts.report.history import Span
from gancli.artifacts.report.scale import Scale, linear, logarithmic

PLOT_WIDTH, PLOT_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
BASE = HEIGHT - BOTTOM  # where the horizontal axis is


def layers(svg):
    """Return what is drawn for the linear and for the logarithmic scale."""
    drawn = svg.partition("<g class=linear>")[2]
    straight, _, rest = drawn.partition("</g><g class=log hidden>")
    return straight, rest.partition("</g>")[0]


def points(layer, index=0):
    """Return the corners of a curve in pixels."""
    (found,) = re.findall(rf"<polyline class='line s{index}' points='([^']*)'", layer)
    return [tuple(map(float, pair.split(","))) for pair in found.split()]


def texts(layer, kind):
    return re.findall(rf"<text class='?{kind}\s?\w*'?[^>]*>([^<]*)</text>", layer)


def test_known_values_are_at_their_places_on_both_scales():
    curve = [(0.0, 1.0), (50.0, 10.0), (100.0, 100.0)]
    svg = draw(Chart("Score", "score", {"score": curve}, 100))
    straight, log = map(points, layers(svg))
    middle = LEFT + PLOT_WIDTH / 2
    assert [x for x, _ in straight] == pytest.approx([LEFT, middle, WIDTH - RIGHT], abs=0.06)
    # The axis goes from 0 to 100, ends included.
    expected = [BASE - fraction * PLOT_HEIGHT for fraction in (0.01, 0.1, 1.0)]
    assert [y for _, y in straight] == pytest.approx(expected, abs=0.06)
    (_, low), (_, mid), (_, high) = log
    assert mid == pytest.approx((low + high) / 2, abs=0.11)  # the middle of two decades
    assert BASE > low > mid > high > TOP


def test_axes_have_ticks_at_round_values_and_a_unit():
    svg = draw(Chart("Speed", "items/s", {"speed": [(0.0, 3.0), (2400.0, 97.0)]}, 2400))
    straight, log = layers(svg)
    assert texts(straight, "y") == ["0", "20", "40", "60", "80", "100"]
    assert texts(log, "y") == ["5", "10", "20", "50", "100"][: len(texts(log, "y"))]
    assert texts(svg, "x") == ["0", "500", "1,000", "1,500", "2,000", "step"]
    assert texts(svg, "unit") == ["items/s"]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-3.0, 7.0, [-4, -2, 0, 2, 4, 6, 8]),
        (100.0, 101.0, [100, 100.2, 100.4, 100.6, 100.8, 101]),
        (0.0, 0.0, [-1, -0.5, 0, 0.5, 1]),
        (5.0, 5.0, [4.4, 4.6, 4.8, 5.0, 5.2, 5.4, 5.6]),
        (3.0, 97.0, [0, 20, 40, 60, 80, 100]),
    ],
)
def test_linear_axes_end_at_round_values(low, high, ticks):
    scale = linear(low, high, 0, 100)
    assert (scale.low, scale.high) == pytest.approx((ticks[0], ticks[-1]))
    assert scale.ticks(5) == pytest.approx(ticks)


@pytest.mark.parametrize(("low", "high"), [(1e-6, 1e6), (0.02, 900), (3, 40), (7.0, 7.5), (2, 2)])
def test_logarithmic_axes_have_a_readable_number_of_ticks(low, high):
    scale = logarithmic(low, high, 0, 100)
    found = scale.ticks(5)
    assert 2 <= len(found) <= 9
    assert all(scale.low <= tick <= scale.high for tick in found)
    assert scale.low < low <= high < scale.high


def test_there_is_no_logarithm_of_zero():
    svg = draw(Chart("Loss", "loss", {"loss": [(0.0, -1.0), (10.0, 1.0)]}, 10))
    assert "logswitch" not in svg and "class=log " not in svg
    assert "logswitch" in draw(Chart("Loss", "loss", {"loss": [(0.0, 0.1), (10.0, 1.0)]}, 10))


def test_the_floor_and_the_best_are_marked():
    svg = draw(Chart(
        "Score", "score", {"score": [(100.0, 50.0), (200.0, 20.0), (400.0, 30.0)]}, 400,
        levels={"floor": 5.0}, best=(200.0, 20.0),
    ))
    straight, _ = layers(svg)
    x, y = Scale(0, 400, LEFT, WIDTH - RIGHT), Scale(0, 50, BASE, TOP)
    (level,) = re.findall(r"<line class=level [^>]*y1=([\d.]+)", straight)
    assert float(level) == pytest.approx(y.position(5.0), abs=0.06)
    assert texts(straight, "levelname") == ["floor 5"]
    (best,) = re.findall(r"<circle class=best cx=([\d.]+) cy=([\d.]+)", straight)
    assert tuple(map(float, best)) == pytest.approx((x.position(200), y.position(20)), abs=0.06)
    assert texts(straight, "bestname") == ["best 20"]
    (label,) = re.findall(r"role=img tabindex=0 aria-label='([^']*)'", svg)
    for part in ("from 50 at step 100", "to 30 at step 400", "best 20 at step 200", "floor 5"):
        assert part in label


def test_a_level_at_the_top_is_named_below_its_line():
    def named(level):
        chart = Chart("a", "a", {"a": [(0.0, 0.0), (10.0, 0.5)]}, 10, levels={"data": level})
        straight, _ = layers(draw(chart))
        (line,) = re.findall(r"<line class=level [^>]*y1=([\d.]+)", straight)
        (name,) = re.findall(r"<text class=levelname [^>]*y=([\d.]+)", straight)
        return float(line), float(name)

    line, name = named(1.0)  # the names of phases are above the axis
    assert line == TOP and name > line + 12
    line, name = named(0.2)
    assert name < line


def test_single_curves_are_behind_what_sums_them_up():
    svg = draw(Chart(
        "Score", "score", {"a": [(0.0, 2.0), (50.0, 20.0)]}, 50, over="seconds", log=True,
        single={"a": [[(0.0, 1.0), (50.0, 10.0)], [(0.0, 3.0), (50.0, 90.0)]]},
    ))
    log = svg.partition("<g class=log>")[2]  # it is shown first, and the other hidden
    assert "<g class=linear hidden>" in svg and "logswitch checked" in svg
    curves = re.findall(r"<polyline class='(single|line) s0' points='[\d.]+,[\d.]+ ([\d.,]+)'", log)
    assert [kind for kind, _ in curves] == ["single", "single", "line"]
    ends = [tuple(map(float, end.split(","))) for _, end in curves]
    assert {x for x, _ in ends} == {WIDTH - RIGHT}
    assert ends[0][1] > ends[2][1] > ends[1][1] > TOP  # 10 is below 20, and that below 90
    assert texts(svg, "x")[-1] == "seconds of training"
    assert "a from 2 at 0 s to 20 at 50 s" in svg


def test_phases_are_shaded_where_they_were():
    phases = [Span("warm start", 0, 100), Span("adversarial", 100, 390), Span("refit", 390, 400)]
    svg = draw(Chart("Score", "score", {"score": [(400.0, 1.0)]}, 400, phases=phases))
    rects = re.findall(r"<rect class='phase p(\d)' x=([\d.]+) y=\d+ width=([\d.]+)", svg)
    quarter = PLOT_WIDTH / 4
    assert [rect[0] for rect in rects] == ["0", "1", "0"]
    places = [(float(left), float(width)) for _, left, width in rects]
    assert places[0] == pytest.approx((LEFT, quarter), abs=0.11)
    assert places[1] == pytest.approx((LEFT + quarter, 2.9 * quarter), abs=0.11)
    assert texts(svg, "phasename") == ["warm start", "adversarial"]  # no space for the third


def test_roll_backs_are_marked_with_what_happened():
    svg = draw(Chart("a", "a", {"a": [(0.0, 1.0)]}, 100, marks=[(50.0, "It <diverged>.")]))
    ((x, sentence),) = re.findall(r"<g class=mark><line x1=([\d.]+).*?<title>(.*?)</title>", svg)
    assert float(x) == pytest.approx(LEFT + PLOT_WIDTH / 2, abs=0.06)
    assert unescape(sentence) == "It <diverged>." and "<diverged>" not in svg


def test_long_curves_are_averaged_and_keep_their_extremes():
    curve = [(float(step), float(step % 2)) for step in range(3000)]
    rows = thinned(curve)
    assert len(rows) == 300
    assert rows[0] == (4.5, 0.5, 0.0, 1.0) and rows[-1] == (2994.5, 0.5, 0.0, 1.0)
    assert "<polygon class='band s0'" in draw(Chart("a", "a", {"a": curve}, 3000))
    assert thinned(curve[:7]) == [(step, value, value, value) for step, value in curve[:7]]


def test_the_readout_gets_the_values_and_the_scales():
    svg = draw(Chart("a", "a", {"x": [(1.0, 2.0)], "y<": [(1.0, 4.0), (2.0, 123456.0)]}, 2))
    data = json.loads(unescape(re.findall(r"data-chart='([^']*)'", svg)[0]))
    assert data["series"] == {"x": [[1.0, 2.0]], "y<": [[1.0, 4.0], [2.0, 123460.0]]}
    assert data["scales"]["linear"] == [0, 150000]
    assert data["box"] == [LEFT, TOP, WIDTH - RIGHT, BASE]
    assert (data["end"], data["over"], data["joined"]) == (2, "step", False)


VALUES = st.floats(-1e100, 1e100, exclude_min=True, exclude_max=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9), VALUES), min_size=1, max_size=40))
def test_any_finite_values_can_be_drawn_inside(pairs):
    curve = sorted((float(step), value) for step, value in dict(pairs).items())
    svg = draw(Chart("a", "a", {"a": curve}, int(curve[-1][0])))
    for layer in layers(svg):
        corners = points(layer) if "<polyline" in layer else []
        assert all(LEFT - 0.1 <= x <= WIDTH - RIGHT + 0.1 for x, _ in corners)
        assert all(TOP - 0.1 <= y <= BASE + 0.1 for _, y in corners)
