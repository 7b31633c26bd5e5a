"""What a budget buys is timed, and so is bf16 where only that tells whether it is faster."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import Recorder

from gancli import modalities
from gancli.data.dataset import Dataset
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.runtime.precision import Precision
from gancli.training import speed
from gancli.training.experiment import Experiment

PIXELS = np.zeros((40, 16, 16, 1), np.uint8)
DATASET = Dataset({"pixels": PIXELS}, None, np.arange(30), np.arange(30, 40), "grey")
SPEC = ImageSpec(16, "L", "crop", (), (), 40)
IMAGE = modalities.get("image")
CPU = torch.device("cpu")
BOTH = [Precision(CPU, bf16=False), Precision(CPU, bf16=True)]


def _config(**options):
    sizes = {"g_width": 4, "d_width": 4, "batch": 8, "g_lr": 1e-3, "d_lr": 1e-3}
    return ImageConfig(**{"latent": 8, "threads": "1", "device": "cpu", **sizes, **options})


@pytest.fixture()
def clock(monkeypatch):
    """A clock that moves only in steps: 1 s, but half a second in bf16, and 9 s the first time."""
    now, seen = [0.0], set()
    take = speed.take_step

    def slow_step(*given):
        precision = given[4]
        now[0] += 9.0 if precision not in seen else 0.5 if precision.bf16 else 1.0
        seen.add(precision)
        return take(*given)

    monkeypatch.setattr(speed, "take_step", slow_step)
    monkeypatch.setattr(speed.time, "perf_counter", lambda: now[0])
    return now


def test_the_first_step_only_warms_up(clock):
    config = _config()
    times = speed.step_seconds(IMAGE.trainable(), SPEC, config, DATASET, BOTH)
    assert times == [1.0, 0.5]
    assert clock[0] < 2 * 9 + 8  # and slow steps are not repeated for long


def test_a_passing_load_does_not_count(monkeypatch):
    # Those of number 1; the second one beside a busy neighbor.
    now, steps = [0.0], iter([0.2, 5.0, 0.1, 0.3, 0.4])

    def step(*given):
        now[0] += next(steps) if given[6] == 1 else 0.1

    monkeypatch.setattr(speed, "take_step", step)
    monkeypatch.setattr(speed, "_SECONDS", 100.0)
    monkeypatch.setattr(speed.time, "perf_counter", lambda: now[0])
    assert speed.step_seconds(
        IMAGE.trainable(), SPEC, _config(), DATASET, BOTH[:1]
    ) == [pytest.approx(0.1)]


def test_what_only_some_steps_do_counts_by_its_share(monkeypatch):
    now = [0.0]

    def step(*given):
        now[0] += 2.6 if given[6] == 0 else 1.0  # a lazy penalty, every eighth step

    monkeypatch.setattr(speed, "take_step", step)
    monkeypatch.setattr(speed.time, "perf_counter", lambda: now[0])
    assert speed.step_seconds(
        IMAGE.trainable(), SPEC, _config(), DATASET, BOTH[:1]
    ) == [pytest.approx(1.2)]


@pytest.mark.parametrize(
    ("seconds", "place"), [([1.0], 0), ([1.0, 0.5], 1), ([1.0, 2.0], 0), ([1.0, 0.95], 0)]
)
def test_another_arithmetic_must_be_clearly_faster(seconds, place):
    assert speed.fastest(seconds) == place


@pytest.mark.parametrize(
    ("options", "timed"),
    [({"time": 60.0}, True), ({}, True), ({"steps": 9}, False), ({"images": 9}, False),
     ({"precision": "fp32"}, False), ({"precision": "bf16"}, False)],
)
def test_bf16_is_timed_only_where_the_budget_is_time_and_nothing_was_asked_for(
    monkeypatch, options, timed
):
    monkeypatch.setattr(speed, "bf16_is_to_be_timed", lambda device: device.type == "cpu")
    monkeypatch.setattr(speed, "bf16", lambda wanted, device: wanted == "bf16")
    found = speed.arithmetics(_config(**options))
    assert found == (BOTH if timed else [BOTH[options.get("precision") == "bf16"]])


def test_a_training_takes_the_faster_one_and_says_so(monkeypatch, clock):
    monkeypatch.setattr(speed, "arithmetics", lambda config: BOTH)
    reporter = Recorder()
    chosen = speed.fast_precision(Experiment(IMAGE, SPEC, _config(), DATASET), reporter)
    assert chosen == BOTH[1]
    before, note = reporter.notes
    assert before == "Timing steps in fp32 and in bf16 (--precision saves this)."
    assert note.startswith("Precision: bf16") and "fp32: 1000 ms, bf16: 500 ms" in note
    assert "--precision" in note


def test_nothing_is_timed_where_there_is_no_choice(monkeypatch):
    monkeypatch.setattr(speed, "arithmetics", lambda config: BOTH[:1])
    monkeypatch.setattr(speed, "step_seconds", None)
    experiment = Experiment(IMAGE, SPEC, _config(), DATASET)
    assert speed.fast_precision(experiment, Recorder()) == BOTH[0]


def test_a_budget_of_time_buys_what_the_fastest_arithmetic_does_in_it(monkeypatch):
    monkeypatch.setattr(speed, "arithmetics", lambda config: BOTH)
    monkeypatch.setattr(speed, "step_seconds", lambda *given: [1.0, 0.25])
    asked = []

    def sized(spec, config, affordable):
        asked.append(affordable(config, config.batch))
        return config, []

    trainable = replace(IMAGE.trainable(), sized=sized)
    modality = replace(IMAGE, trainable=lambda: trainable)
    reporter = Recorder()
    for budget in ({"time": 60.0}, {"steps": 7}, {"images": 7}):
        speed.sized(modality, SPEC, _config(**budget), DATASET, reporter)
    assert reporter.notes == ["Timing steps, to see what the budget buys on this machine."]
    assert asked == [60 / 0.25 * 8, 56, 7]
