"""What happens when training goes wrong, and that nothing good is lost by it."""

import json
import os
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers import Recorder, Scores, entries, interrupted_at, tiny_run

from gancli import modalities
from gancli.artifacts.finding import open_model
from gancli.artifacts.model import is_model
from gancli.artifacts.record import read_record
from gancli.data.dataset import Dataset
from gancli.errors import DIVERGED, GancliError, UsageError
from gancli.layers import weights
from gancli.losses.adversarial import Objective, objective
from gancli.metrics.memorization import Memorization
from gancli.reporting import Silent
from gancli.runtime.signals import Interrupted
from gancli.sampling.seeds import SCORED_SEEDS_FROM, STATISTICS_SEEDS_FROM
from gancli.storage import checkpoints
from gancli.training import averaged
from gancli.training.recovery import Diverged
from gancli.training.schedule import MeasurementSchedule
from gancli.training.session import resume
from gancli.training.trainer import Trainer


def scored(*scores):
    """Return the image modality with scores that are made up."""
    image = modalities.get("image")
    return replace(image, trainable=lambda: replace(
        image.trainable(), scorer=lambda *_: Scores(*scores)
    ))


def measured(monkeypatch, points):
    """Let a run measure so many times."""
    monkeypatch.setattr(MeasurementSchedule, "points", property(lambda self: points))


def networks_of(run):
    return checkpoints.newest(run / "checkpoints", pytest.fail).arrays["networks"]


def roll_backs(heard):
    return [text for text in heard.warnings if "Rolled back" in text]


def break_losses(monkeypatch, when):
    """Make the discriminator's loss NaN in the calls that ``when`` names, counted from 0."""
    calls = []
    real = objective("relativistic")

    def broken(r, f):
        calls.append(1)
        factor = float("nan") if when((len(calls) - 1) // 2) else 1.0
        return real.discriminator(r, f) * factor

    monkeypatch.setattr(
        "gancli.modalities.image.training.objective",
        lambda name: Objective(broken, real.generator, paired=True),
    )


def test_nan_once_rolls_back_and_the_run_goes_on(monkeypatch, pictures, tmp_path):
    break_losses(monkeypatch, lambda call: call == 5)
    heard = Recorder()
    model = tiny_run(pictures, tmp_path / "run", heard)
    assert is_model(model)
    (rolled_back,) = roll_backs(heard)
    assert "not a finite number" in rolled_back and "step 0 " in rolled_back
    last = checkpoints.newest(tmp_path / "run" / "checkpoints", pytest.fail)
    assert last.state["progress"]["lr_scale"] == 0.5 and last.state["progress"]["attempt"] == 1
    assert all(np.isfinite(array).all() for array in last.arrays["networks"].values())


def test_nan_for_ever_stops_with_status_3_and_keeps_what_there_is(
    monkeypatch, pictures, tmp_path
):
    break_losses(monkeypatch, lambda call: call >= 5)
    heard = Recorder()
    with pytest.raises(Diverged) as stopped:
        tiny_run(pictures, tmp_path / "run", heard)
    assert stopped.value.exit_code == DIVERGED and len(roll_backs(heard)) == 3
    assert is_model(tmp_path / "run" / "model")


def test_a_score_gone_wrong_rolls_back_to_the_best(monkeypatch, pictures, tmp_path):
    image = scored(50.0, 10.0, 90.0, 90.0, 90.0, 9.0, 9.5, 9.6, 9.7)
    measured(monkeypatch, 6)
    heard = Recorder()
    tiny_run(pictures, tmp_path / "run", heard, image)
    (rolled_back,) = heard.warnings
    assert "diverged" in rolled_back and "step 4 " in rolled_back
    table = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert table["metrics"]["score"] == 9.0
    assert any("rolled_back" in entry for entry in entries(tmp_path / "run"))


def test_a_roll_back_while_the_phase_changes_goes_back_to_the_phase_before(
    monkeypatch, pictures, tmp_path
):
    """The measurement that ends the adversarial phase is the third in a row gone wrong."""
    image = scored(10.0, *[11.0] * 6, *[90.0] * 3, 9.0, 9.5)
    measured(monkeypatch, 10)
    heard = Recorder()
    assert is_model(tiny_run(pictures, tmp_path / "run", heard, image, steps=50))
    assert len(heard.warnings) == 1 and "diverged" in heard.warnings[0]
    steps = [status.step for status in heard.statuses]
    turns = [(step, after) for step, after in pairwise(steps) if after <= step]
    assert turns == [(48, 6)]  # 96% of the budget is the adversarial phase's; step 5 was the best
    last = checkpoints.newest(tmp_path / "run" / "checkpoints", pytest.fail)
    assert (last.step, last.state["progress"]["phase"]) == (50, 1)


def test_sampling_uses_the_best_not_the_last(monkeypatch, pictures, tmp_path):
    measured(monkeypatch, 4)
    tiny_run(pictures, tmp_path / "run", modality=scored(50.0, 10.0, 30.0, 35.0))
    root = tmp_path / "run" / "checkpoints"
    best, last = checkpoints.load(root, 6), checkpoints.load(root, 12)
    model = open_model(str(tmp_path / "run"), "image", pytest.fail)
    made = weights.below(model.weights.read(), "generator")
    assert all(np.array_equal(made[name], best.arrays["ema"][name]) for name in made)
    assert any(not np.array_equal(made[name], last.arrays["ema"][name]) for name in made)


def test_measuring_does_not_touch_training(monkeypatch, pictures, tmp_path):
    for points in (1, 6):
        measured(monkeypatch, points)
        tiny_run(pictures, tmp_path / str(points))
    one, other = (networks_of(tmp_path / points) for points in "16")
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_few_items_are_measured_if_they_are_large(monkeypatch, pictures, tmp_path):
    monkeypatch.setattr(Dataset, "item_values", lambda self: averaged._VALUES // 5)
    seeds, generate = [], averaged.generate

    def watched(engine, codec, requests, options):
        seeds.extend(request.seed for request in requests)
        return generate(engine, codec, requests, options)

    monkeypatch.setattr(averaged, "generate", watched)
    tiny_run(pictures, tmp_path / "run")
    for first in (SCORED_SEEDS_FROM, STATISTICS_SEEDS_FROM):
        drawn = {seed for seed in seeds if first <= seed < first + 10**6}
        assert drawn == {*range(first, first + 5)}


def test_a_score_of_another_version_is_taken_anew(monkeypatch, pictures, tmp_path):
    # With its own score of .001, a best generator could never be beaten.
    measured(monkeypatch, 4)
    tiny_run(pictures, tmp_path / "whole")
    with pytest.raises(Interrupted):
        tiny_run(pictures, tmp_path / "run", interrupted_at(8), scored(0.001))
    resume(tmp_path / "run", None, Silent(), modality_name="image")
    table = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert table["metrics"]["score"] > 1
    for name, array in networks_of(tmp_path / "whole").items():
        assert np.array_equal(networks_of(tmp_path / "run")[name], array)


def test_a_run_keeps_the_penalty_of_before_there_was_a_cutoff(pictures, tmp_path):
    tiny_run(pictures, tmp_path / "run")
    config = tmp_path / "run" / "config.toml"
    assert read_record(tmp_path / "run").config.penalty_cutoff == 4
    lines = config.read_text().splitlines(keepends=True)
    config.write_text("".join(line for line in lines if not line.startswith("penalty_cutoff")))
    assert read_record(tmp_path / "run").config.penalty_cutoff == 0


def test_a_run_killed_before_its_first_checkpoint_starts_from_its_config(
    monkeypatch, pictures, tmp_path
):
    tiny_run(pictures, tmp_path / "whole")

    def killed(self, stop, until):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(Trainer, "train", killed)
        with pytest.raises(KeyboardInterrupt):
            tiny_run(pictures, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()
    resume(tmp_path / "run", None, Silent(), modality_name="image")
    one, other = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "run"))
    assert one.read_bytes() == other.read_bytes()


def test_a_damaged_newest_checkpoint_is_passed_over(pictures, tmp_path):
    model = tiny_run(pictures, tmp_path / "run", save_every="4")
    whole = (model / "model.safetensors").read_bytes()
    newest = sorted((tmp_path / "run" / "checkpoints").iterdir())[-1] / "networks.safetensors"
    data = bytearray(newest.read_bytes())
    data[-1] ^= 1
    newest.write_bytes(data)
    heard = Recorder()
    resume(tmp_path / "run", None, heard, modality_name="image")
    assert any("damaged" in text for text in heard.warnings)
    assert (model / "model.safetensors").read_bytes() == whole


def test_other_data_under_the_same_name_is_noticed(pictures, tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(pictures, copy)
    with pytest.raises(Interrupted):
        tiny_run(copy, tmp_path / "run", interrupted_at(8))
    (copy / "left" / "0.png").unlink()
    with pytest.raises(GancliError, match="data has changed"):
        resume(tmp_path / "run", None, Silent(), modality_name="image")
    resume(tmp_path / "run", str(pictures), Silent(), modality_name="image")


def test_fewer_items_than_a_batch(pictures, tmp_path):
    assert is_model(tiny_run(pictures, tmp_path / "run", batch=64, steps=3))


def test_a_directory_with_other_things_is_left_alone(pictures, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to-mother.txt").write_text("dear")
    for force in (False, True):
        with pytest.raises(UsageError):
            tiny_run(pictures, tmp_path / "letters", force=force)
    assert (tmp_path / "letters" / "to-mother.txt").read_text() == "dear"
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["to-mother.txt"]


@pytest.mark.parametrize("preset", ["dcgan", "wgan-gp", "sngan"])
def test_every_preset_trains(preset, pictures, tmp_path):
    assert is_model(tiny_run(pictures, tmp_path / "run", preset=preset, steps=3))


def test_a_folder_whose_name_is_no_utf8_trains_and_resumes(pictures, tmp_path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/-odd [\xff]\nname")
    shutil.copytree(pictures, odd)
    model = tiny_run(odd, tmp_path / "run", steps=3)
    before = (model / "model.safetensors").read_bytes()
    shutil.rmtree(model)
    resume(tmp_path / "run", None, Silent(), modality_name="image")
    assert (model / "model.safetensors").read_bytes() == before


def test_force_replaces_a_run_and_leaves_what_is_not_its_own(pictures, tmp_path):
    run = tmp_path / "run"
    tiny_run(pictures, run, steps=3)
    (run / "notes.txt").write_text("mine")
    tiny_run(pictures, run, force=True, steps=2)
    assert (run / "notes.txt").read_text() == "mine"
    assert checkpoints.steps(run / "checkpoints")[-1] == 2


@pytest.mark.parametrize(("share", "warned"), [(0.3, True), (0.2, False)])
def test_a_model_that_repeats_its_data_is_warned_of(
    pictures, tmp_path, monkeypatch, share, warned
):
    monkeypatch.setattr(Memorization, "near_share", lambda *_: share)
    reporter = Recorder()
    run = tiny_run(pictures, tmp_path / "run", reporter)
    model = open_model(str(run), "image", pytest.fail)
    assert any("repeats what it has seen" in each for each in reporter.warnings) == warned
    assert ("near_training" in model.metrics) == warned
