"""What happens when training goes wrong, and that nothing good is lost by it."""

import json

import pytest
import torch

from gancli import modalities
from gancli.artifacts.model import is_model
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.errors import DIVERGED, GancliError, UsageError
from gancli.losses.adversarial import Objective
from gancli.reporting import Silent
from gancli.storage import checkpoints
from gancli.training.session import resume, train
from gancli.training.trainer import Diverged, Trainer


class Listener(Silent):
    def __init__(self):
        self.warnings = []

    def warn(self, text):
        self.warnings.append(text)


def start(pictures, run, tiny, reporter=None, **chosen):
    image = modalities.get("image")
    config, _ = resolve(
        image.config_type, command_line={**tiny, "steps": 12, **chosen}, presets=image.presets
    )
    source = open_source(str(pictures))
    return train(image, config, source, run, reporter or Silent(), command="x", force=False)


def break_losses(monkeypatch, when):
    """Make the discriminator's loss NaN in the calls that ``when`` names, counted from 0."""
    calls = []
    from gancli.losses import adversarial as losses

    real = losses._OBJECTIVES["relativistic"]

    def broken(r, f):
        calls.append(1)
        factor = float("nan") if when((len(calls) - 1) // 2) else 1.0
        return real.discriminator(r, f) * factor

    monkeypatch.setitem(
        losses._OBJECTIVES, "relativistic", Objective(broken, real.generator, paired=True)
    )


def test_nan_once_rolls_back_and_the_run_goes_on(monkeypatch, pictures, tmp_path, tiny):
    break_losses(monkeypatch, lambda call: call == 5)
    heard = Listener()
    model = start(pictures, tmp_path / "run", tiny, heard)
    assert is_model(model)
    assert len(heard.warnings) == 1 and "not a finite number" in heard.warnings[0]
    last = checkpoints.newest(tmp_path / "run" / "checkpoints", pytest.fail)
    assert last.state["progress"]["scale"] == 0.5 and last.state["progress"]["attempt"] == 1
    assert all(t.isfinite().all() for t in last.tensors["networks"].values()
               if t.is_floating_point())


def test_nan_for_ever_stops_with_status_3_and_keeps_what_there_is(
    monkeypatch, pictures, tmp_path, tiny
):
    break_losses(monkeypatch, lambda call: call >= 5)
    heard = Listener()
    with pytest.raises(Diverged) as stopped:
        start(pictures, tmp_path / "run", tiny, heard)
    assert stopped.value.exit_code == DIVERGED and len(heard.warnings) == 3
    assert is_model(tmp_path / "run" / "model")


def test_a_score_gone_wrong_rolls_back_to_the_best(monkeypatch, pictures, tmp_path, tiny):
    scores = iter([50.0, 10.0, 90.0, 90.0, 90.0, 9.0, 9.5, 9.6])

    class Scorer:
        floor = 1.0

        def score(self, items):
            return next(scores, 9.7)

        def diversity(self, items):
            return 1.0

        def loss(self, generator):
            return None

        def notes(self, items):
            return {}

    image = modalities.get("image")
    monkeypatch.setattr(type(image), "scorer", lambda self, dataset, spec, seed: Scorer())
    from gancli.training import monitor

    monkeypatch.setattr(monitor.Schedule, "points", property(lambda self: 6))
    heard = Listener()
    start(pictures, tmp_path / "run", tiny, heard)
    assert len(heard.warnings) == 1
    assert "diverged" in heard.warnings[0] and "step 4 " in heard.warnings[0]
    table = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert table["metrics"]["score"] == 9.0
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert any("rolled_back" in json.loads(line) for line in lines)


def test_sampling_uses_the_best_not_the_last(monkeypatch, pictures, tmp_path, tiny):
    scores = iter([50.0, 10.0, 30.0, 35.0])
    image = modalities.get("image")
    scorer = type("Scorer", (), {
        "floor": 1.0, "score": lambda self, items: next(scores),
        "diversity": lambda self, items: 1.0, "loss": lambda self, generator: None,
        "notes": lambda self, items: {},
    })
    monkeypatch.setattr(type(image), "scorer", lambda self, dataset, spec, seed: scorer())
    from gancli.training import monitor

    monkeypatch.setattr(monitor.Schedule, "points", property(lambda self: 4))
    start(pictures, tmp_path / "run", tiny)
    root = tmp_path / "run" / "checkpoints"
    best, last = checkpoints.load(root, 6), checkpoints.load(root, 12)
    from gancli.artifacts.finding import open_model

    model = open_model(str(tmp_path / "run"), "image", pytest.fail)
    made = model.networks["generator"].state_dict()
    assert all(torch.equal(made[name], best.tensors["averaged"][name]) for name in made)
    assert any(not torch.equal(made[name], last.tensors["averaged"][name]) for name in made)


def test_measuring_does_not_touch_training(monkeypatch, pictures, tmp_path, tiny):
    from gancli.training import monitor

    weights = []
    for points in (1, 6):
        monkeypatch.setattr(monitor.Schedule, "points", property(lambda self, p=points: p))
        start(pictures, tmp_path / f"run{points}", tiny)
        last = checkpoints.newest(tmp_path / f"run{points}" / "checkpoints", pytest.fail)
        weights.append(last.tensors["networks"])
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_run_killed_before_its_first_checkpoint_starts_from_its_config(
    monkeypatch, pictures, tmp_path, tiny
):
    start(pictures, tmp_path / "whole", tiny)

    def killed(self, stop):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(Trainer, "train", killed)
        with pytest.raises(KeyboardInterrupt):
            start(pictures, tmp_path / "run", tiny)
    assert not (tmp_path / "run" / "checkpoints").exists()
    resume(tmp_path / "run", None, Silent(), modality_name="image")
    one, other = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "run"))
    assert one.read_bytes() == other.read_bytes()


def test_a_damaged_newest_checkpoint_is_passed_over(pictures, tmp_path, tiny):
    model = start(pictures, tmp_path / "run", tiny, save_every="4")
    whole = (model / "model.safetensors").read_bytes()
    newest = sorted((tmp_path / "run" / "checkpoints").iterdir())[-1] / "networks.safetensors"
    data = bytearray(newest.read_bytes())
    data[-1] ^= 1
    newest.write_bytes(data)
    heard = Listener()
    resume(tmp_path / "run", None, heard, modality_name="image")
    assert any("damaged" in text for text in heard.warnings)
    assert (model / "model.safetensors").read_bytes() == whole


def test_other_data_under_the_same_name_is_noticed(pictures, tmp_path, tiny):
    import shutil

    copy = tmp_path / "data"
    shutil.copytree(pictures, copy)
    start(copy, tmp_path / "run", tiny)
    (copy / "left" / "0.png").unlink()
    with pytest.raises(GancliError, match="data has changed"):
        resume(tmp_path / "run", None, Silent(), modality_name="image")
    resume(tmp_path / "run", str(pictures), Silent(), modality_name="image")


def test_fewer_items_than_a_batch(pictures, tmp_path, tiny):
    assert is_model(start(pictures, tmp_path / "run", tiny, batch=64, steps=3))


def test_a_directory_with_other_things_is_left_alone(pictures, tmp_path, tiny):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to-mother.txt").write_text("dear")
    for force in (False, True):
        image = modalities.get("image")
        config, _ = resolve(image.config_type, command_line=tiny, presets=image.presets)
        with pytest.raises(UsageError):
            train(image, config, open_source(str(pictures)), tmp_path / "letters", Silent(),
                  command="x", force=force)
    assert (tmp_path / "letters" / "to-mother.txt").read_text() == "dear"
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["to-mother.txt"]


@pytest.mark.parametrize("preset", ["dcgan", "wgan-gp", "sngan"])
def test_every_preset_trains(preset, pictures, tmp_path, tiny):
    assert is_model(start(pictures, tmp_path / "run", tiny, preset=preset, steps=3))


def test_a_folder_whose_name_is_no_utf8_trains_and_resumes(pictures, tmp_path, tiny):
    import os
    import shutil

    odd = os.fsdecode(os.fsencode(tmp_path) + b"/-odd [\xff]\nname")
    shutil.copytree(pictures, odd)
    model = start(odd, tmp_path / "run", tiny, steps=3)
    before = (model / "model.safetensors").read_bytes()
    resume(tmp_path / "run", None, Silent(), modality_name="image")
    assert (model / "model.safetensors").read_bytes() == before


def test_force_replaces_a_run_and_leaves_what_is_not_its_own(pictures, tmp_path, tiny):
    run = tmp_path / "run"
    start(pictures, run, tiny, steps=3)
    (run / "notes.txt").write_text("mine")
    image = modalities.get("image")
    config, _ = resolve(
        image.config_type, command_line={**tiny, "steps": 2}, presets=image.presets
    )
    train(image, config, open_source(str(pictures)), run, Silent(), command="x", force=True)
    assert (run / "notes.txt").read_text() == "mine"
    assert checkpoints.steps(run / "checkpoints")[-1] == 2
