"""A run trains for longer: how far, with which learning rates, and exactly again."""

import hashlib
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers import Recorder, assert_same, entries, interrupted_at, killed_at, outcome, tiny_run

from gancli import modalities
from gancli.artifacts.description import describe_run
from gancli.artifacts.finding import open_model
from gancli.artifacts.record import read_record
from gancli.errors import GancliError, UsageError
from gancli.layers import weights
from gancli.phases.schedule import cosine
from gancli.reporting import Silent
from gancli.runtime.signals import Interrupted
from gancli.storage import checkpoints
from gancli.storage.files import sha256
from gancli.training import schedule, trainer
from gancli.training.session import resume


@pytest.fixture(scope="module")
def finished(tmp_path_factory, pictures):
    """A run of 50 steps, of which the last two fit the discriminator to the best generator."""
    run = tmp_path_factory.mktemp("finished") / "run"
    tiny_run(pictures, run, steps=50)
    return run


@pytest.fixture
def run(finished, tmp_path):
    """A copy of it."""
    return shutil.copytree(finished, tmp_path / "run")


def extend(run, reporter=None, **budget):
    return resume(
        run, None, reporter or Silent(), modality_name="image", budget=budget, command="more"
    )


def last(run):
    return checkpoints.newest(run / "checkpoints", pytest.fail)


def tree(run):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in run.rglob("*") if path.is_file()
    }


@pytest.fixture
def factors(monkeypatch):
    """The factors on the learning rates of each step from now on."""
    used = []
    original = schedule.set_learning_rates

    def watched(optimizers, factor):
        used.append(factor)
        original(optimizers, factor)

    monkeypatch.setattr(schedule, "set_learning_rates", watched)
    return used


def test_a_finished_run_says_so_and_stays_as_it_is(run):
    before, heard = tree(run), Recorder()
    assert resume(run, None, heard, modality_name="image") == run / "model"
    (note,) = heard.notes
    assert note == (
        f"{run} is finished: its 50 steps are done. To train it for longer: gancli train image "
        f"--resume {run} --time 10m (or --steps, or --images)."
    )
    assert tree(run) == before


@pytest.mark.parametrize("lost", ["model", "model/model.safetensors"])
def test_the_model_of_a_finished_run_is_made_again_if_it_is_lost(run, lost):
    whole = outcome(run)
    if (run / lost).is_dir():
        shutil.rmtree(run / lost)
    else:
        (run / lost).write_bytes(b"damaged")
    resume(run, None, Silent(), modality_name="image")
    assert outcome(run) == whole


def test_more_steps_follow_the_rates_of_a_run_of_that_length(run, factors):
    heard = Recorder()
    extend(run, heard, steps="50")
    record = read_record(run)
    assert (record.config.steps, record.config.time) == (100, None)
    assert record.command == "x && more"
    assert last(run).step == 100
    # The adversarial phase goes on to 96% of what is added, and the refit is done anew.
    lead = 50 / 96
    for index in range(48):
        progress = lead + (1 - lead) * index / 48
        assert factors[index] == pytest.approx(0.3 + 0.7 * cosine(progress))
    assert factors[48] == pytest.approx(0.3)  # the refit's first
    assert len(factors) == 50
    (sentence,) = [note for note in heard.notes if "budget" in note]
    assert sentence.startswith("The budget is now 100 steps in all. Learning rates continue at 63%")
    steps = [entry["step"] for entry in entries(run)]
    assert steps == sorted(steps) and steps[-1] == 100


def test_the_generator_goes_on_beside_what_it_was_trained_with(run, monkeypatch):
    step = last(run).state["progress"]["quality"]["best_step"]
    best = checkpoints.load(run / "checkpoints", step)
    taken = []
    monkeypatch.setattr(trainer.Trainer, "train", lambda self, stop, until: taken.append(self))
    extend(run, steps="50")
    (running,) = taken
    for name, array in weights.joined(running.networks.named()).items():
        assert array.tobytes() == best.arrays["networks"][name].tobytes(), name
    moments = running.optimizers["generator"].state
    assert len(moments) == len(list(running.networks.generator.parameters()))


def test_extended_and_interrupted_it_ends_the_same(run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    extend(run, steps="50")
    with pytest.raises(Interrupted):
        extend(other, interrupted_at(70), steps="50")
    resume(other, None, Silent(), modality_name="image")
    assert_same(other, run)


def test_killed_before_its_first_checkpoint_it_ends_the_same(run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    extend(run, steps="20")
    with pytest.raises(MemoryError):
        extend(other, killed_at(51), steps="20")
    assert last(other).step == 50 and read_record(other).config.steps == 70
    resume(other, None, Silent(), modality_name="image")
    assert_same(other, run)


def test_a_second_extension_adds_to_the_first(run):
    extend(run, steps="10")
    extend(run, steps="5")
    assert (last(run).step, read_record(run).config.steps) == (65, 65)


def test_a_budget_of_another_kind_is_counted_from_where_the_run_is(run):
    extend(run, images="80")
    config = read_record(run).config
    assert (config.steps, config.images) == (None, 480)
    assert last(run).step == 60
    extend(run, time="300ms")
    config = read_record(run).config
    assert (config.images, last(run).step > 60) == (None, True)
    assert last(run).state["progress"]["seconds"] >= config.time


@pytest.mark.parametrize(("more", "steps"), [(4, 12), (100, 108)])
def test_an_unfinished_run_ends_so_much_later(pictures, tmp_path, more, steps, factors):
    with pytest.raises(Interrupted):
        tiny_run(pictures, tmp_path / "run", interrupted_at(8), steps=50)
    factors.clear()
    extend(tmp_path / "run", steps=str(more))
    assert last(tmp_path / "run").step == steps
    assert factors[0] == pytest.approx(0.3 + 0.7 * cosine(8 / steps / 0.96))


@pytest.mark.parametrize("budget", [{"steps": str(10**9)}, {"steps": "0"}, {"time": "soon"},
                                    {"steps": "1", "time": "1m"}])
def test_a_budget_that_is_none_leaves_the_run_as_it_is(run, budget):
    before = tree(run)
    with pytest.raises(UsageError):
        extend(run, **budget)
    assert tree(run) == before


def test_data_that_is_gone_leaves_the_run_as_it_is(pictures, tmp_path):
    data = shutil.copytree(pictures, tmp_path / "data")
    tiny_run(data, tmp_path / "run")
    shutil.rmtree(data)
    before = tree(tmp_path / "run")
    with pytest.raises(GancliError, match="data cannot be opened"):
        extend(tmp_path / "run", steps="5")
    assert tree(tmp_path / "run") == before


@pytest.mark.parametrize("version", [2, 3])
def test_a_run_of_an_older_version_goes_on_too(run, version):
    folder = max((run / "checkpoints").iterdir())
    state = json.loads((folder / "state.json").read_text())
    state["progress"]["quality"]["previous"] = 7.5  # the score before the last
    if version == 2:
        for name in ("budget", "lr_start"):
            del state["progress"][name]
    (folder / "state.json").write_text(json.dumps(state))
    manifest = json.loads((folder / "manifest.json").read_text()) | {"version": version}
    manifest["sha256"]["state.json"] = sha256((folder / "state.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest))
    heard = Recorder()
    extend(run, heard, steps="50")
    assert any("100 steps in all" in note for note in heard.notes)
    assert [status.phase for status in heard.statuses] == ["adversarial"] * 48 + ["refit"] * 2


def test_the_best_is_scored_anew_since_another_budget_measures_otherwise(
    run, monkeypatch, tmp_path
):
    image = modalities.get("image")
    scores = [7.0, 8.0]  # of the best of before, and of what the extension measures
    scorer = SimpleNamespace(
        floor=1.0, score=lambda _: scores.pop(0), diversity=lambda _: 1.0, loss=lambda _: None,
        notes=lambda _: {},
    )
    trainable = replace(image.trainable(), scorer=lambda *_: scorer)
    monkeypatch.setattr(
        "gancli.modalities.image.MODALITY", replace(image, trainable=lambda: trainable)
    )
    before = last(run).state["progress"]["quality"]["best_step"]
    model = extend(run, steps="50")
    metrics = json.loads((model / "config.json").read_text())["metrics"]
    assert (metrics["score"], metrics["best_step"]) == (7.0, before)


def test_while_it_trains_for_longer_its_checkpoints_are_sampled_not_its_former_model(run):
    former = (run / "model" / "model.safetensors").read_bytes()
    assert describe_run(run)["checkpoints"]["finished"]
    with pytest.raises(Interrupted):
        extend(run, interrupted_at(60), steps="50")
    assert not describe_run(run)["checkpoints"]["finished"]
    assert (run / "model" / "model.safetensors").read_bytes() == former
    model = open_model(str(run), "image", pytest.fail)
    assert "step" in model.weights.name and model.metrics["best_step"] <= 60
    resume(run, None, Silent(), modality_name="image")
    assert describe_run(run)["checkpoints"]["finished"]
    assert open_model(str(run), "image", pytest.fail).metrics["steps"] == 100
