"""Repeating the data is told from learning it."""

import numpy as np
import pytest

from gancli.metrics.memorization import Memorization

RNG = np.random.default_rng(0)
TRAIN, HELD_OUT, NEW = (RNG.standard_normal((count, 8)) for count in (500, 400, 2000))


def test_order_from_new_items_over_some_copies_to_copies_alone():
    memorization = Memorization(TRAIN, HELD_OUT)
    near = TRAIN[RNG.integers(0, 500, 2000)] + 0.05 * RNG.standard_normal((2000, 8))
    assert memorization.near_share(NEW) == pytest.approx(0.05, abs=0.03)
    mixed = np.concatenate([NEW[:1000], near[:1000]])
    assert memorization.near_share(mixed) == pytest.approx(0.525, abs=0.02)
    assert memorization.near_share(near) == 1
    assert memorization.near_share(TRAIN) == 1
    distances, places = memorization.nearest(TRAIN)
    assert (distances == 0).all() and (places == np.arange(500)).all()


@pytest.mark.parametrize("copies_in_data", [1, 2])
def test_where_it_is_not_known_what_was_trained_on_copies_of_all_are_told(copies_in_data):
    data = np.concatenate([TRAIN, HELD_OUT] * copies_in_data)
    memorization = Memorization(data, None)
    of_both = np.concatenate([TRAIN[:100], HELD_OUT[:100]]) + 0.01
    assert memorization.near_share(NEW) == pytest.approx(0.05, abs=0.03)
    assert memorization.near_share(of_both) == 1
    assert memorization.floor == pytest.approx(0.05, abs=0.01)
    assert "to one another" in memorization.about
    assert "held-out" in Memorization(TRAIN, HELD_OUT).about


def test_one_item_has_no_distance_from_others():
    assert Memorization(np.ones((5, 3)), None).near_share(np.ones((2, 3))) == 0


def test_items_far_from_everything_are_not_copies():
    assert Memorization(TRAIN, HELD_OUT).near_share(NEW * 10) == 0
