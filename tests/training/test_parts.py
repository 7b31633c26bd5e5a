"""Budget, average, random numbers, thread watch."""

import pytest
import torch
from torch import nn

from gancli.config import TrainConfig
from gancli.errors import UsageError
from gancli.runtime.threads import Watch, fastest, fixed
from gancli.training.budget import Budget
from gancli.training.ema import Ema
from gancli.training.random import step_generator


def test_ten_minutes_is_the_default_budget():
    assert Budget.of(TrainConfig()) == Budget("time", 600.0)
    assert Budget.of(TrainConfig(images=5)) == Budget("images", 5)


def test_progress_and_time_left():
    budget = Budget("steps", 100)
    assert budget.progress(25, 0, 0) == 0.25
    assert budget.seconds_left(25, 0, 10.0) == pytest.approx(30)
    assert Budget("time", 60).seconds_left(1, 1, 20.0) == 40


def test_average_follows_by_its_half_life_and_includes_statistics():
    network = nn.BatchNorm2d(3)
    average = Ema(network, share=0.5)
    with torch.no_grad():
        network.weight.fill_(3.0)
        network.running_mean.fill_(8.0)
    # 32 items after 64 in all: the half-life is 32, so one step goes half the way.
    average.update(network, 32, 64)
    assert torch.allclose(average.network.weight, torch.full((3,), 2.0))
    assert torch.allclose(average.network.running_mean, torch.full((3,), 4.0))
    assert not average.network.training


def test_no_average_is_a_copy():
    network = nn.Linear(2, 2)
    average = Ema(network, share=0.0)
    nn.init.ones_(network.weight)
    average.update(network, 8, 8)
    assert torch.equal(average.network.weight, network.weight)


def test_random_numbers_depend_on_every_part_of_their_key_and_on_nothing_else():
    def draw(*key):
        return torch.rand(4, generator=step_generator(torch.device("cpu"), *key)).tolist()

    assert draw(1, 0, 5, 0) == draw(1, 0, 5, 0)
    keys = [(1, 0, 5, 0), (2, 0, 5, 0), (1, 1, 5, 0), (1, 0, 6, 0), (1, 0, 5, 1)]
    assert len({tuple(draw(*key)) for key in keys}) == 5


def test_threads_are_measured_and_set(monkeypatch):
    before = torch.get_num_threads()
    clock = [0.0]
    monkeypatch.setattr("gancli.runtime.threads.cores", lambda: 2)
    monkeypatch.setattr("gancli.runtime.threads.time.perf_counter", lambda: clock[0])

    def step():
        clock[0] += 3.0 / torch.get_num_threads()

    assert fastest(step) == (2, {1: 3.0, 2: 1.5})
    assert torch.get_num_threads() == 2

    def slow():
        clock[0] += torch.get_num_threads()

    assert fastest(slow)[0] == 1 == torch.get_num_threads()
    torch.set_num_threads(before)


def test_a_jump_of_step_time_is_noticed_once_it_lasts():
    watch = Watch()
    assert not any(watch.jumped(1.0) for _ in range(40))
    assert not any(watch.jumped(2.0) for _ in range(4))
    assert any(watch.jumped(2.0) for _ in range(20))
    watch.reset()
    assert not any(watch.jumped(2.0) for _ in range(40))


@pytest.mark.parametrize("wrong", ["0", "many", "-1", "1.5", ""])
def test_wrong_thread_counts(wrong):
    with pytest.raises(UsageError):
        fixed(wrong)
