"""The figures of features: their scale, and what they cost."""

import numpy as np
import pytest

from gancli.metrics import figures as module
from gancli.metrics.figures import Sets, feature_figures
from gancli.metrics.frechet import frechet_distance

RNG = np.random.default_rng(0)
TRAIN, HELD_OUT = RNG.standard_normal((2, 60, 4))
SAMPLES = RNG.standard_normal((40, 4)) + 0.5


def measured(scaled=True, replicates=2):
    sets = Sets(TRAIN, HELD_OUT, SAMPLES, None, scaled)
    return {each.name: each for each in feature_figures(sets, 0, replicates)}


def test_only_of_the_tools_own_features_the_distance_is_a_percentage():
    distance = frechet_distance(SAMPLES, HELD_OUT)
    own, others = measured()["frechet"], measured(scaled=False)["frechet"]
    assert own.value == pytest.approx(100 * distance)
    assert others.value == pytest.approx(distance)
    assert "percent of the real variance" in own.about
    assert "squared distance" in others.about and "percent" not in others.about
    assert own.floor == pytest.approx(100 * others.floor)


@pytest.mark.parametrize(("small", "calls"), [(4, 200), (2, 25), (1, 10)])
def test_many_features_are_resampled_less(monkeypatch, small, calls):
    made = []

    def counted(a, b):
        made.append(len(a))
        return frechet_distance(a, b)

    monkeypatch.setattr(module, "_SMALL", small)
    monkeypatch.setattr(module, "frechet_distance", counted)
    found = measured(replicates=200)["frechet"]
    assert len(made) == calls + 2  # with the value and the floor
    assert found.low < found.value < found.high
