"""Trends and forecasts of curves whose law and noise are known."""

import numpy as np
import pytest

from gancli.metrics.trend import MIN_POINTS, Forecast, forecast, trend


def curve(power, noise, seed=0, count=20, floor=0.0, first=100):
    """Return steps and scores: 20 above the floor at the last, by a power of the steps."""
    steps = first * np.arange(1, count + 1)
    scatter = np.random.default_rng(seed).standard_normal(count)
    scores = floor + 20 * (steps / steps[-1]) ** power * np.exp(noise * scatter)
    return steps.tolist(), scores.tolist()


def share(word, power, noise, seeds=200, **options):
    """Return how many of many curves have a trend."""
    found = [trend(*curve(power, noise, seed, **options)) for seed in range(seeds)]
    return found.count(word) / seeds


@pytest.mark.parametrize("count", [5, 8, 20])
def test_noise_alone_is_flat(count):
    assert share("flat", 0, 0.1, seeds=1000, count=count) >= 0.95


@pytest.mark.parametrize(("power", "word"), [(-0.6, "improving"), (0.5, "worse")])
def test_a_power_law_shows_through_noise(power, word):
    assert share(word, power, 0.02, count=5) == 1.0
    assert share(word, power, 0.04, count=20) >= 0.95


def test_the_last_half_counts():
    steps, falling = curve(-0.6, 0.0)
    level = [scores + wave for scores, wave in zip([20.0] * 10, [0.5, -0.5] * 5, strict=True)]
    assert trend(steps, falling) == "improving"
    assert trend(steps, falling[:10] + level) == "flat"
    assert trend(steps, falling[:10] + [falling[9] * 1.05**k for k in range(10)]) == "worse"


def test_the_last_two_points_do_not_decide():
    steps, scores = curve(-0.6, 0.01)
    assert trend(steps, [*scores[:-1], 1.05 * scores[-2]]) == "improving"
    level = [20.0, 21.0, 20.0, 21.0, 20.0, 21.0, 20.0, 19.0]
    assert trend(steps[:8], level) == "flat"


def test_a_change_that_is_certain_but_not_worth_a_word_is_flat():
    steps, scores = curve(-0.03, 0.0)
    assert trend(steps, scores) == "flat"
    assert trend(*curve(-0.06, 0.0)) == "improving"


def test_a_few_measurements_tell_nothing():
    steps, scores = curve(-0.6, 0.0, count=MIN_POINTS)
    assert trend(steps, scores) == "improving" and forecast(steps, scores, 0.0) is not None
    assert trend(steps[:-1], scores[:-1]) is None
    assert forecast(steps[:-1], scores[:-1], 0.0) is None


@pytest.mark.parametrize("power", [-0.3, -0.6, -1.0])
def test_a_clear_curve_goes_on_by_its_own_law(power):
    """What other runs gained counts little beside many exact measurements."""
    ahead = forecast(*curve(power, 0.0, count=80, floor=5.0), floor=5.0)
    assert ahead.score == pytest.approx(5 + 20 * 2**power, rel=0.05)
    assert ahead.low < 5 + 20 * 2**power < ahead.high


def test_the_range_is_a_factor_that_shrinks_to_how_far_runs_differ():
    ahead = forecast(*curve(-0.6, 0.0, count=40, floor=5.0), 5.0)
    factors = (ahead.high - 5) / (ahead.score - 5), (ahead.score - 5) / (ahead.low - 5)
    assert factors[0] == pytest.approx(factors[1])
    assert np.exp(1.28 * 0.4) < factors[0] < np.exp(1.28 * 0.42)


def test_of_a_curve_that_says_nothing_the_forecast_is_what_other_runs_gained():
    curves = [curve(0, 5.0, seed, count=6) for seed in range(20)]
    ahead = [forecast(*each, 0.0) for each in curves]
    least = [min(scores) for _, scores in curves]
    gains = [np.log(each.score / score) for each, score in zip(ahead, least, strict=True)]
    widths = [np.log(each.high / each.score) for each in ahead]
    assert np.mean(gains) == pytest.approx(-0.3, abs=0.02)
    assert np.mean(widths) == pytest.approx(1.28 * np.hypot(0.15, 0.4), rel=0.01)


def test_a_forecast_begins_at_the_best_and_is_never_beyond_it_or_the_floor():
    steps, scores = curve(0.8, 0.0, count=40)  # it rises: only the best is kept
    assert forecast(steps, scores, 0.0).score == pytest.approx(min(scores))
    steps, scores = curve(-3.0, 0.0, count=40, floor=5.0)
    assert 5.0 < forecast(steps, scores, 5.0).low < forecast(steps, scores, 5.0).score < 10


@pytest.mark.parametrize("scores", [[0.0] * 8, [3.0] * 8, [5, 4, 3, 2, 1, 0, 0, 0], [1e99] * 8])
@pytest.mark.parametrize("floor", [0.0, 3.0])
def test_scores_of_any_kind_have_a_trend_and_a_forecast(scores, floor):
    steps = [2**60 + index for index in range(8)]  # as logarithms all alike
    assert trend(steps, scores) in ("improving", "flat", "worse")
    ahead = forecast(steps, scores, floor)
    assert isinstance(ahead, Forecast) and floor <= ahead.low <= ahead.score <= ahead.high
