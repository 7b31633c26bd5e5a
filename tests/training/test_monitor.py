"""When to measure, what is best, and what counts as trouble."""

import pytest

from gancli.training.budget import Budget
from gancli.training.measurement import Measurement
from gancli.training.monitor import Monitor
from gancli.training.schedule import MeasurementSchedule, lr_progress


def record(monitor, score, diversity=1.0, loss=None, step=0):
    return monitor.record(step, Measurement(score, diversity, loss))


def measured_at(schedule, steps):
    last, found = 0.0, []
    for step in range(1, steps + 1):
        share = step / steps
        if schedule.due(share, last, 0.0, 0.0, 0.0):
            found.append(step)
            last = share
    return found


def test_a_run_of_steps_measures_at_fixed_steps_and_at_its_end():
    schedule = MeasurementSchedule(Budget("steps", 2000), 64)
    found = measured_at(schedule, 2000)
    assert len(found) == schedule.points == 20 and found[-1] == 2000


def test_a_tiny_run_measures_once():
    assert measured_at(MeasurementSchedule(Budget("steps", 10), 8), 10) == [10]


@pytest.mark.parametrize("steps", [1000, 10_000, 100_000])
def test_measuring_costs_at_most_a_twentieth_of_the_items(steps):
    # One measured sample costs less than half of what a training item does.
    schedule = MeasurementSchedule(Budget("steps", steps), 64)
    assert schedule.points * schedule.samples * 0.5 <= 0.05 * steps * 64 * 1.01


def test_a_timed_run_waits_until_measuring_is_a_twentieth_of_the_time():
    schedule = MeasurementSchedule(Budget("time", 600), 64)
    assert not schedule.due(0.5, 0.1, seconds=300, measuring=14, measurement=2)
    assert schedule.due(0.5, 0.1, seconds=321, measuring=14, measurement=2)
    assert not schedule.due(0.101, 0.1, seconds=321, measuring=0, measurement=0)


def test_best_is_the_smallest_score():
    monitor = Monitor()
    best = [record(monitor, score, step=step).best for step, score in enumerate([9.0, 5, 6, 4])]
    assert best == [True, True, False, True]
    assert (monitor.best_score, monitor.best_step) == (4.0, 3)


def test_memorizing_is_a_held_out_loss_that_stays_above_the_smallest():
    monitor = Monitor()
    for loss in (3.0, 3.1, 2.9, 3.0, 2.91):  # the last is above by less than a hundredth
        assert not record(monitor, 1.0, loss=loss).overfits
    record(monitor, 0.5, loss=3.0)
    assert record(monitor, 0.5, loss=2.95).overfits  # it falls, but is still above


def test_the_held_out_loss_is_looked_at_each_epoch_and_then_each_tenth_more():
    schedule, last, found = MeasurementSchedule(Budget("time", 600), 50), 0, []
    for step in range(1, 201):
        if schedule.loss_due(step * 50, last, 200):
            last = step * 50
            found.append(step)
    assert found[:11] == [4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44]
    assert found[-1] - found[-2] in (17, 18)


def test_divergence_is_several_bad_scores_in_a_row():
    monitor = Monitor()
    for score in (10, 50, 50, 11, 50, 50):
        assert not record(monitor, score).trouble
    assert "diverged" in record(monitor, float("inf")).trouble


def test_collapse_counts_only_after_there_was_variety():
    early = Monitor()
    assert not any(record(early, score, 0.01).trouble for score in (10, 11, 11, 11))
    late = Monitor()
    # Nearer to real data without variety is no better, and no way out.
    worse = [record(Monitor(), 5, 0.05).best, *(
        record(late, score, diversity).best for score, diversity in ((10, 0.9), (5, 0.05))
    )]
    assert worse == [True, True, False]
    late = Monitor()
    decisions = [
        record(late, 10 if diversity == 0.9 else 12, diversity)
        for diversity in (0.9, 0.05, 0.05, 0.05)
    ]
    assert "collapsed" in decisions[-1].trouble


def test_figures_are_the_latest_until_the_best_generator_is_kept():
    monitor = Monitor(floor=1.5)
    record(monitor, 9.0, loss=2.0)
    record(monitor, 8.0, loss=1.0)
    record(monitor, 8.5, loss=1.5)
    shared = {"best": 8.0, "floor": 1.5}
    assert monitor.figures(settled=False) == {
        "score": 8.5, "held_out_loss": 1.5, **shared
    }
    assert monitor.figures(settled=True) == {
        "score": 8.0, "held_out_loss": 1.0, **shared
    }


def test_variety_is_better_than_a_nearer_collapse():
    monitor = Monitor()
    assert record(monitor, 5, 0.05, step=1).best and monitor.best_collapsed
    assert record(monitor, 9, 0.5, step=2).best and not monitor.best_collapsed
    assert (monitor.best_score, monitor.best_step) == (9, 2)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_trouble_at_once_and_never_the_best(score):
    monitor = Monitor()
    for latest in (False, True):
        decision = monitor.record(1, Measurement(score, 1.0, None), latest=latest)
        assert not decision.best and "the score is not a finite number" in decision.trouble
    assert "the score" in monitor.record_best(Measurement(score, 1.0)).trouble
    assert monitor.best_score is None and record(monitor, 9.0).best


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_held_out_loss_that_is_no_number_is_trouble_and_not_overfitting(loss):
    monitor = Monitor()
    for _ in range(3):
        for decision in (monitor.record_loss(1, loss), record(monitor, 1.0, loss=loss)):
            assert not decision.best and not decision.overfits
            assert "the held-out loss is not a finite number" in decision.trouble
    assert monitor.min_loss is None and monitor.record_loss(2, 3.0).best


def test_a_held_out_loss_of_nothing_is_the_smallest():
    monitor = Monitor()
    assert monitor.record_loss(1, 0.0).best and not monitor.record_loss(2, 0.5).best


def test_scores_near_the_floor_do_not_diverge():
    monitor = Monitor(floor=3.0)
    for score in (0.5, 11, 11, 11):
        assert not record(monitor, score).trouble
    for score in (13, 13):
        assert not record(monitor, score).trouble
    assert "diverged" in record(monitor, 13).trouble


def test_a_best_known_by_its_loss_has_the_latest_score_once_it_is_taken():
    monitor = Monitor()
    record(monitor, 40.0, 0.5, loss=3.0)
    monitor.record_loss(7, 2.0)
    assert monitor.record_best(Measurement(8.0, 0.9)).best
    assert (monitor.score, monitor.best_score, monitor.best_step) == (8.0, 8.0, 7)


def test_a_phase_that_got_no_budget_is_over_at_once():
    assert lr_progress(0.5, 0.25, 0.75, 0.0) == 0.5 and lr_progress(0.8, 0.25, 0.75, 0.0) == 1.0
    assert lr_progress(1.0, 1.0, 1.0, 0.0) == 1.0
