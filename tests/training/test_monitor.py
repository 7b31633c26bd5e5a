"""When to measure, what is best, and what counts as trouble."""

import pytest

from gancli.training.budget import Budget
from gancli.training.monitor import Quality, Schedule


def measured_at(schedule, steps):
    last, found = 0.0, []
    for step in range(1, steps + 1):
        share = step / steps
        if schedule.due(share, last, 0.0, 0.0, 0.0):
            found.append(step)
            last = share
    return found


def test_a_run_of_steps_measures_at_fixed_steps_and_at_its_end():
    schedule = Schedule(Budget("steps", 2000), 64)
    found = measured_at(schedule, 2000)
    assert len(found) == schedule.points == 20 and found[-1] == 2000


def test_a_tiny_run_measures_once():
    assert measured_at(Schedule(Budget("steps", 10), 8), 10) == [10]


@pytest.mark.parametrize("steps", [1000, 10_000, 100_000])
def test_measuring_costs_at_most_a_twentieth_of_the_items(steps):
    # One measured sample costs less than half of what a training item does.
    schedule = Schedule(Budget("steps", steps), 64)
    assert schedule.points * schedule.samples * 0.5 <= 0.05 * steps * 64 * 1.01


def test_a_timed_run_waits_until_measuring_is_a_twentieth_of_the_time():
    schedule = Schedule(Budget("time", 600), 64)
    assert not schedule.due(0.5, 0.1, seconds=300, spent=14, cost=2)
    assert schedule.due(0.5, 0.1, seconds=321, spent=14, cost=2)
    assert not schedule.due(0.101, 0.1, seconds=321, spent=0, cost=0)


def test_best_is_the_smallest_score():
    quality = Quality()
    assert [quality.take(step, score, 1.0) for step, score in
            enumerate([9.0, 5.0, 6.0, 4.0])] == [True, True, False, True]
    assert quality.best == 4.0 and quality.best_step == 3 and quality.previous == 6.0


def test_learning_by_heart_is_a_held_out_loss_that_stays_above_the_least():
    quality = Quality()
    for loss in (3.0, 3.1, 2.9, 3.0, 2.91):  # the last is above by less than a hundredth
        quality.take(0, 1.0, 1.0, loss)
        assert not quality.overfits
    quality.take(0, 0.5, 1.0, 3.0)
    quality.take(0, 0.5, 1.0, 2.95)  # falls, but is still above
    assert quality.overfits


def test_the_held_out_loss_is_looked_at_each_epoch_and_then_each_tenth_more():
    schedule, looked, found = Schedule(Budget("time", 600), 50), 0, []
    for step in range(1, 201):
        if schedule.look_due(step * 50, looked, 200):
            looked = step * 50
            found.append(step)
    assert found[:11] == [4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44]
    assert found[-1] - found[-2] in (17, 18)


def test_divergence_is_several_bad_scores_in_a_row():
    quality = Quality()
    for score in (10, 50, 50, 11, 50, 50):
        quality.take(0, score, 1.0)
        assert not quality.trouble()
    quality.take(0, float("inf"), 1.0)
    assert "diverged" in quality.trouble()


def test_collapse_counts_only_after_there_was_variety():
    early = Quality()
    for score in (10, 11, 11, 11):
        early.take(0, score, 0.01)
    assert not early.trouble()
    late = Quality()
    for diversity in (0.9, 0.05, 0.05, 0.05):
        late.take(0, 10 if diversity == 0.9 else 12, diversity)
    assert "collapsed" in late.trouble()
