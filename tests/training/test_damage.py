"""What is wrong with a run's own files is said in a sentence, and what is sound is gone on with."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from damaged_runs import NEWEST, SECOND, folder_of, remove, seal
from helpers import Recorder, Scores, assert_same, interrupted_at, tiny_run

from gancli import modalities
from gancli.artifacts.finding import open_model
from gancli.artifacts.model import is_model, load
from gancli.artifacts.networks import load_networks
from gancli.errors import GancliError
from gancli.layers import weights
from gancli.reporting import Silent
from gancli.runtime.signals import Interrupted
from gancli.storage import checkpoints
from gancli.storage.tensors import pack, unpack
from gancli.training.schedule import MeasurementSchedule
from gancli.training.session import resume

BEST = 4  # of a run whose best generator is not among the last


def of_damage(heard):
    """Return the warnings but that of a score which a few steps cannot make a good one."""
    return [each for each in heard.warnings if "never came within sight" not in each]


@pytest.fixture
def scores(monkeypatch):
    """Return a function that makes up the scores of pictures, six measurements in 12 steps."""
    image = modalities.get("image")
    monkeypatch.setattr(MeasurementSchedule, "points", property(lambda self: 6))

    def choose(*values):
        scorer = Scores(*values)
        trainable = replace(image.trainable(), scorer=lambda *_: scorer)
        monkeypatch.setattr(
            "gancli.modalities.image.MODALITY", replace(image, trainable=lambda: trainable)
        )

    return choose


def go_on(run, heard=None):
    return resume(run, None, heard or Silent(), modality_name="image")


def edit_state(run, change, step=NEWEST):
    """Change a checkpoint's state, and make its sum right."""
    folder = folder_of(run, step)
    table = json.loads((folder / "state.json").read_text())
    change(table)
    (folder / "state.json").write_text(json.dumps(table))
    seal(folder)


def edit_arrays(run, group, change, step=NEWEST):
    """Change a checkpoint's arrays, and make their sum right."""
    path = folder_of(run, step) / f"{group}.safetensors"
    arrays = dict(unpack(path.read_bytes(), ""))
    change(arrays)
    path.write_bytes(pack(arrays))
    seal(path.parent)


# The best checkpoint, and the others


def damage(run, step):
    path = folder_of(run, step) / "ema.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.fixture
def best_before(scores, pictures, tmp_path):
    """An interrupted run whose best is older than its newest two."""
    scores(50.0, 10.0, 30.0, 31.0, 32.0)
    run = tmp_path / "run"
    with pytest.raises(Interrupted):
        tiny_run(
            pictures, run, interrupted_at(NEWEST), modalities.get("image"), save_every="1"
        )
    assert checkpoints.steps(run / "checkpoints") == [BEST, SECOND, NEWEST]
    return run


@pytest.mark.parametrize("lose", [damage, remove])
def test_the_best_is_lost_and_the_newest_sound(best_before, scores, lose):
    lose(best_before, BEST)
    # The newest is scored at once, and then the end of training.
    scores(20.0, 25.0)
    warned = []
    sampled = open_model(str(best_before), "image", warned.append)
    newest = checkpoints.load(best_before / "checkpoints", NEWEST)
    assert "score" not in sampled.metrics
    made = weights.below(sampled.weights.read(), "generator")
    assert all(np.array_equal(made[name], newest.arrays["ema"][name]) for name in made)
    assert len(warned) == 1 and "That of step 11 is sampled instead of the best" in warned[0]
    heard = Recorder()
    model = load(go_on(best_before, heard))
    assert (model.metrics["score"], model.metrics["best_step"]) == (20.0, NEWEST)
    made = weights.below(model.weights.read(), "generator")
    assert all(np.array_equal(made[name], newest.arrays["ema"][name]) for name in made)
    (warning,) = heard.warnings
    assert f"step-{BEST:09d}" in warning and "held the best generator" in warning


@pytest.mark.parametrize("lose", [damage, remove])
@pytest.mark.parametrize(
    ("lost", "used"), [([NEWEST], SECOND), ([NEWEST, SECOND], BEST), ([SECOND], NEWEST)]
)
def test_the_best_is_sound_and_others_are_lost(best_before, scores, lose, lost, used):
    for step in lost:
        lose(best_before, step)
    scores(30.0)
    heard = Recorder()
    model = load(go_on(best_before, heard))
    assert (model.metrics["score"], model.metrics["best_step"]) == (10.0, BEST)
    assert f"Continuing from step {used}." in heard.notes
    if lose is damage:
        passed = [step for step in lost if step > used]
        assert len(heard.warnings) == len(passed)
        assert all(f"That of step {used} is used instead" in each for each in heard.warnings)
    best = checkpoints.load(best_before / "checkpoints", BEST)
    made = weights.below(model.weights.read(), "generator")
    assert all(np.array_equal(made[name], best.arrays["ema"][name]) for name in made)


def test_the_best_and_the_newest_are_lost(best_before, scores):
    damage(best_before, BEST)
    damage(best_before, NEWEST)
    scores(20.0, 25.0)
    heard = Recorder()
    model = load(go_on(best_before, heard))
    assert (model.metrics["score"], model.metrics["best_step"]) == (20.0, SECOND)
    assert len(heard.warnings) == 2


def test_none_is_left(best_before):
    for step in (BEST, SECOND, NEWEST):
        damage(best_before, step)
    before = sorted(best_before.rglob("*"))
    for use in (go_on, lambda run: open_model(str(run), "image", pytest.fail)):
        with pytest.raises(GancliError, match="step-000000011.*sha256 differs") as refused:
            use(best_before)
        assert refused.value.hint
    assert sorted(best_before.rglob("*")) == before


def test_the_best_is_lost_while_it_trains(scores, pictures, tmp_path):
    """It is needed when a measurement goes wrong three times."""
    scores(50.0, 10.0, 90.0, 90.0, 90.0, 9.0)
    run = tmp_path / "run"

    class Losing(Recorder):
        def status(self, status):
            if status.step == 9:
                remove(run, BEST)

    heard = Losing()
    assert is_model(tiny_run(pictures, run, heard, modalities.get("image"), save_every="1"))
    assert any("held the best generator" in each for each in heard.warnings)
    assert any("Rolled back to step 9" in each for each in heard.warnings)


def test_the_best_is_lost_as_the_generator_is_to_be_settled(scores, pictures, tmp_path):
    scores(*[10.0 - step for step in range(5)], 50.0, 20.0)
    run = tmp_path / "run"

    class Losing(Recorder):
        def status(self, status):
            super().status(status)
            if status.step == 48:
                remove(run, max(checkpoints.steps(run / "checkpoints")))

    heard = Losing()
    model = load(tiny_run(pictures, run, heard, modalities.get("image"), steps=50))
    assert [status.phase for status in heard.statuses][-2:] == ["refit"] * 2
    assert (model.metrics["score"], model.metrics["best_step"]) == (20.0, 48)
    assert len(heard.warnings) == 1 and "held the best generator" in heard.warnings[0]


def test_a_finished_run_whose_best_and_model_are_lost_exports_the_newest(
    scores, pictures, tmp_path
):
    scores(50.0, 10.0, 30.0)
    run = tmp_path / "run"
    shutil.rmtree(tiny_run(pictures, run, modality=modalities.get("image"), steps=50))
    (best,) = (step for step in checkpoints.steps(run / "checkpoints") if step < 40)
    whole = checkpoints.load(run / "checkpoints", best)
    remove(run, best)
    scores(11.0)
    model = load(go_on(run))
    # Where the discriminator is fitted, the newest holds the best generator, too.
    made = weights.below(model.weights.read(), "generator")
    assert all(np.array_equal(made[name], whole.arrays["ema"][name]) for name in made)
    assert model.metrics["score"] == 11.0


def test_a_finished_run_whose_checkpoints_are_gone_starts_a_new_one(interrupted, tmp_path):
    run = shutil.copytree(interrupted, tmp_path / "run")
    go_on(run)
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(GancliError, match="its checkpoints are gone") as refused:
        go_on(run)
    assert f"--from {run}" in refused.value.hint
    assert is_model(run / "model")


def test_an_unfinished_run_whose_checkpoints_are_gone_starts_again(interrupted, tmp_path):
    whole, run = (shutil.copytree(interrupted, tmp_path / name) for name in ("whole", "run"))
    go_on(whole)
    shutil.rmtree(run / "checkpoints")
    heard = Recorder()
    go_on(run, heard)
    assert of_damage(heard) == [
        f"The checkpoints of {run} are gone, and 10 steps with them: training starts again from "
        "the first."
    ]
    assert_same(run, whole)


# Files that are intact and make no sense


def deep(levels=100_000):
    return "[" * levels


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state["progress"].update(phase=99), "its phase is 99"),
        (lambda state: state["progress"].update(phase=-1), "its phase is -1"),
        (lambda state: state["progress"].update(phase=True), "its phase is True"),
        (lambda state: state["progress"].update(step=3), "steps are not those"),
        (lambda state: state["progress"].update(seconds=float("nan")), "its seconds is nan"),
        (lambda state: state["progress"].update(lr_scale=2.0), "its lr_scale is 2.0"),
        (lambda state: state["progress"].pop("items"), "lacks 'items'"),
        (lambda state: state["progress"].update(mystery=1), "has 'mystery'"),
        (lambda state: state["progress"].pop("quality"), "quality"),
        (lambda state: state["progress"]["quality"].pop("best_step"), "lacks 'best_step'"),
        (lambda state: state["progress"]["quality"].update(best_step=99), "steps are not those"),
        (lambda state: state["progress"]["quality"].update(best_score="low"), "is 'low'"),
        (lambda state: state["progress"]["budget"].update(kind="money"), "money"),
        (lambda state: state["progress"]["budget"].update(amount=0), "budget"),
        (lambda state: state.pop("fixed"), "something else"),
        (lambda state: state.update(more=1), "something else"),
        (lambda state: state.update(progress=[]), "is damaged"),
    ],
)
def test_a_state_that_makes_no_sense_is_passed_over(run, change, words):
    edit_state(run, change)
    heard = Recorder()
    assert is_model(go_on(run, heard))
    (warning,) = of_damage(heard)
    assert words in warning and f"That of step {SECOND} is used instead." in warning


def test_a_phase_that_this_training_does_not_have_is_refused(run):
    for step in (SECOND, NEWEST):
        edit_state(run, lambda state: state["progress"].update(phase=2), step)
    with pytest.raises(GancliError, match="its phase is 2"):
        go_on(run)


@pytest.mark.parametrize("name", ["state.json", "manifest.json"])
def test_deep_json_is_passed_over(run, name):
    folder = folder_of(run, NEWEST)
    (folder / name).write_text(deep())
    if name == "state.json":
        seal(folder)
    heard = Recorder()
    assert is_model(go_on(run, heard))
    (warning,) = of_damage(heard)
    assert "nested too deeply" in warning


@pytest.mark.parametrize(
    ("group", "change", "words"),
    [
        ("networks", lambda arrays: arrays.pop("generator.project.weight"), "another shape"),
        ("ema", lambda arrays: arrays.pop("project.weight"), "another shape"),
        ("ema", lambda arrays: arrays.update({"project.weight": np.zeros(3)}), "another shape"),
        ("networks", lambda arrays: arrays.update({"discriminator.more": np.zeros(3)}),
         "does not fit its config: discriminator.more"),
        ("optimizers", lambda arrays: arrays.update({"generator.0.exp_avg": np.zeros(3)}),
         "moments of generator do not fit"),
        ("networks", lambda arrays: arrays.pop("augmentation.logits"),
         "its augmentation has another shape"),
    ],
)
def test_arrays_of_another_shape_are_refused_in_a_sentence(run, group, change, words):
    remove(run, 0)
    for step in (SECOND, NEWEST):
        edit_arrays(run, group, change, step)
    with pytest.raises(GancliError, match=words) as refused:
        go_on(run)
    assert refused.value.hint and "\n" not in refused.value.message


def test_another_width_in_the_config_is_refused_before_memory_is_taken(run, monkeypatch):
    trainable, built = modalities.get("image").trainable(), []

    def build(spec, config):
        networks = trainable.build(spec, config)
        built.extend(each.is_meta for each in networks.generator.parameters())
        return networks

    image = modalities.get("image")
    monkeypatch.setattr(
        "gancli.modalities.image.MODALITY",
        replace(image, trainable=lambda: replace(trainable, build=build)),
    )
    config = (run / "config.toml").read_text()
    for width in (5, 512):
        (run / "config.toml").write_text(config.replace("g_width = 4", f"g_width = {width}"))
        for use in (go_on, lambda run: load_networks(open_model(str(run), None, pytest.fail))):
            with pytest.raises(GancliError, match="does not fit its config: generator") as refused:
                use(run)
            assert refused.value.hint and "\n" not in refused.value.message
    assert built and all(built)


@pytest.mark.parametrize("name", ["g_width", "g_lr"])
def test_an_option_that_training_found_and_that_is_gone_is_said(run, name):
    lines = (run / "config.toml").read_text().splitlines(keepends=True)
    (run / "config.toml").write_text("".join(each for each in lines if f"{name} =" not in each))
    with pytest.raises(GancliError, match=name) as refused:
        go_on(run)
    assert refused.value.hint


# Any damage at all


# The model


@pytest.fixture(scope="module")
def trained(tmp_path_factory, pictures):
    run = tmp_path_factory.mktemp("trained") / "run"
    tiny_run(pictures, run, steps=2)
    return run


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
@pytest.mark.parametrize("change", [
    lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"PK\3\4" + data[4:],
    lambda data: data[:-9] + b"\xff" + data[-8:], None,
])
def test_a_damaged_model_is_to_be_made_again_from_its_run(trained, tmp_path, name, change):
    run = shutil.copytree(trained, tmp_path / "run")
    file = run / "model" / name
    if change is None:
        file.unlink()
    else:
        file.write_bytes(change(file.read_bytes()))
    alone = shutil.copytree(run / "model", tmp_path / "alone")

    def refused(path):
        with pytest.raises(GancliError, match=name) as caught:
            open_model(str(path), "image", pytest.fail).weights.read()
        assert len(caught.value.message) < 300
        return caught.value.hint

    again = f"Make it again: gancli train image --resume {run}"
    anew = "Copy the model again from where it was made, or train it again."
    assert refused(run / "model") == again and refused(alone) == anew
    if change is not None:  # or else the checkpoints are sampled
        assert refused(run) == again
    go_on(run)
    assert open_model(str(run / "model"), "image", pytest.fail).weights.read()
    file.write_bytes(b"")
    for step in checkpoints.steps(run / "checkpoints"):
        remove(run, step)
    assert refused(run / "model") == anew


def test_a_run_without_its_options_names_its_model(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "config.toml").unlink()
    with pytest.raises(GancliError) as caught:
        open_model(str(run), "image", pytest.fail)
    assert caught.value.hint == f"Did you mean {run / 'model'}?"
    with pytest.raises(GancliError) as caught:
        go_on(run)
    assert caught.value.hint.startswith("Restore that file")
