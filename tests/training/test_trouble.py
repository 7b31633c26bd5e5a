"""Trouble of every kind at every boundary of phases, in all modalities, and how it is told."""

import json
import os
import random
import signal
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from helpers import AtStep, Recorder, entries, interrupted_at, tiny_run, train_run

from gancli import modalities
from gancli.artifacts.model import is_model, load
from gancli.errors import DIVERGED
from gancli.losses.adversarial import Objective, objective
from gancli.phases.base import NotFinite
from gancli.reporting import Silent
from gancli.runtime.signals import Interrupted
from gancli.storage import checkpoints
from gancli.training import averaged, trainer
from gancli.training.hooks import Hook
from gancli.training.measurement import Measurement
from gancli.training.recovery import Diverged, without_best
from gancli.training.schedule import MeasurementSchedule
from gancli.training.session import resume

NAN = float("nan")
GOOD, BAD, COLLAPSED, NO_NUMBER = (8.0, 1.0), (90.0, 1.0), (7.0, 0.01), (NAN, 1.0)
STEPS = 25
SMALL = {
    "ring": {"width": 4},
    "image": {"g_width": 4, "d_width": 4, "latent": 8, "batch": 8},
    "audio": {"g_width": 8, "d_width": 8, "latent": 4, "noise": 2, "bins": 8, "batch": 8,
              "components": 8},
    "text": {"g_width": 8, "d_width": 8, "embedding": 4, "batch": 8, "preset": "adversarial",
             "warm_start": 0.5, "adversarial": 0.2},
}
# Steps in which a phase begins.
BEGINS = {"ring": (), "image": (24,), "audio": (9, 24), "text": (13, 17, 22)}
# Measurements, counted from 0, that a phase or the training ends with.
LAST = [("ring", 9), ("image", 9), ("audio", 3), ("audio", 10), ("text", 7)]


@pytest.fixture(scope="module")
def data(tmp_path_factory, pictures):
    """Data for each modality, by its name."""
    root, rng = tmp_path_factory.mktemp("data"), random.Random(0)
    for index in range(16):
        time = np.arange(1600 + 50 * (index % 3)) / 8000
        wave = 0.5 * np.sin(2 * np.pi * (300 + 20 * index) * time)
        (root / "tones").mkdir(exist_ok=True)
        soundfile.write(root / "tones" / f"{index}.wav", wave.astype("f4"), 8000)
    lines = [
        f"the {rng.choice(('big', 'old'))} {rng.choice(('dog', 'cat'))} sat on the "
        f"{rng.choice(('mat', 'hat', 'bed'))} .\n" for _ in range(60)
    ]
    (root / "lines.txt").write_text("".join(lines))
    return {"ring": pictures, "image": pictures, "audio": root / "tones",
            "text": root / "lines.txt"}


class NoFeatures:
    """A scorer that is made at once; the test says what is measured."""

    floor = 1.0

    def __init__(self, loss=None):
        self._loss = loss

    def loss(self, generator):
        return self._loss


@pytest.fixture
def start(data, ring, monkeypatch, tmp_path):
    """Return a function that trains a modality and returns the folder of the model.

    It measures ten times, ``figures`` and after those what is good.
    """
    monkeypatch.setattr(MeasurementSchedule, "points", 10)
    monkeypatch.setattr(MeasurementSchedule, "samples", 4)
    monkeypatch.setattr(averaged, "_STATISTICS_ITEMS", 8)

    def start(name, reporter=None, figures=(), **options):
        queue = list(figures)
        monkeypatch.setattr(
            trainer, "measure",
            lambda samples, scorer, loss: Measurement(*(queue.pop(0) if queue else GOOD), loss),
        )
        modality = modalities.get(name)
        trainable = replace(
            modality.trainable(),
            scorer=lambda *_: NoFeatures(2.0 if name == "text" else None),
        )
        return train_run(
            replace(modality, trainable=lambda: trainable), data[name], tmp_path / "run", reporter,
            **{"steps": STEPS, "threads": "1", "precision": "fp32", "device": "cpu",
               "save_every": "3", **SMALL[name], **options},
        )

    return start


def fail_in_call(monkeypatch, when):
    """Let the calls of a step fail that ``when`` names, counted from 0; return their steps."""
    taken, take = [], trainer.take_step

    def fragile(*args):
        taken.append(args[6])
        losses = take(*args)
        if when(len(taken) - 1):
            raise NotFinite
        return losses

    monkeypatch.setattr(trainer, "take_step", fragile)
    return taken


def roll_backs(heard):
    return [text for text in heard.warnings if "Rolled back" in text]


def ends_well(run):
    """Check that a run went to its end after whatever happened."""
    assert is_model(run / "model")
    steps = [entry["step"] for entry in entries(run)]
    assert steps == sorted(steps)
    assert checkpoints.steps(run / "checkpoints")[-1] == STEPS


BOUNDARIES = [
    (name, step) for name in SMALL for step in sorted(
        {0, STEPS - 1} | {step + offset for step in BEGINS[name] for offset in (-1, 0)} - {STEPS}
    )
]


@pytest.mark.parametrize(("name", "step"), BOUNDARIES)
def test_a_loss_that_is_no_number_at_a_boundary(start, monkeypatch, tmp_path, name, step):
    heard, taken = Recorder(), fail_in_call(monkeypatch, lambda call: call == step)
    start(name, heard)
    ends_well(tmp_path / "run")
    assert len(roll_backs(heard)) == 1
    assert taken[step] == step and taken[step + 1] <= step and taken[-1] == STEPS - 1


@pytest.mark.parametrize(("name", "last"), LAST)
@pytest.mark.parametrize("trouble", [[BAD] * 3, [NO_NUMBER], [COLLAPSED] * 3])
def test_a_measurement_gone_wrong_as_a_phase_ends(start, tmp_path, name, last, trouble):
    heard = Recorder()
    figures = [GOOD] * (last + 1 - len(trouble)) + trouble
    start(name, heard, figures)
    ends_well(tmp_path / "run")
    assert len(roll_backs(heard)) == 1
    steps = [status.step for status in heard.statuses]
    ends = {**BEGINS, "ring": (STEPS,)}[name]
    (turn,) = [step for step, after in pairwise(steps) if after <= step]
    assert turn in ends


def test_a_best_known_by_its_loss_whose_score_is_no_number(start, tmp_path):
    heard = Recorder()
    start("text", heard, [GOOD] * 4 + [NO_NUMBER])
    ends_well(tmp_path / "run")
    assert len(roll_backs(heard)) == 1


def test_a_best_that_never_had_a_score_is_not_given_one(start, monkeypatch, tmp_path):
    monkeypatch.setattr(MeasurementSchedule, "points", 1)  # until then there are losses alone
    with pytest.raises(Diverged, match="The best model, of step 13, is in") as stopped:
        start("text", None, [NO_NUMBER] * 99)
    model = load(tmp_path / "run" / "model")
    assert model.metrics["best_step"] == 13
    assert not {"score", "diversity", "trend"} & model.metrics.keys()
    assert list(model.warnings) == [stopped.value.message.partition(" The best model")[0]]
    assert "| score |" not in (tmp_path / "run" / "model" / "README.md").read_text()
    assert "best score" not in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize("name", SMALL)
def test_scores_that_are_no_numbers_from_the_first_look_on(start, tmp_path, name):
    heard = Recorder()
    with pytest.raises(Diverged, match="no model") as stopped:
        start(name, heard, [(float("inf"), 0.0), *[NO_NUMBER] * 99])
    assert stopped.value.exit_code == DIVERGED
    assert "the score is not a finite number" in stopped.value.message
    assert len(roll_backs(heard)) == 3
    assert all("to step 0 " in text or name == "text" for text in roll_backs(heard))
    assert not (tmp_path / "run" / "model").exists()
    assert "not a finite number" in (tmp_path / "run" / "report.html").read_text()
    scores = [entry["score"] for entry in entries(tmp_path / "run") if "score" in entry]
    assert all(score is None for score in scores)  # as JSON has it


@pytest.mark.parametrize("name", SMALL)
def test_a_collapse_from_the_first_look_on(start, tmp_path, name):
    with pytest.raises(Diverged, match="collapsed: its samples are nearly alike") as stopped:
        start(name, None, [COLLAPSED] * 99)
    assert stopped.value.exit_code == DIVERGED and "another --preset" in stopped.value.hint
    model = load(tmp_path / "run" / "model")
    (sentence,) = model.warnings
    assert "collapsed" in sentence and "0.01" in sentence
    assert sentence in (tmp_path / "run" / "model" / "README.md").read_text()
    assert "collapsed" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize(("last", "words"), [
    ((90.0, 1.0), "diverged at the end: the last score is 90, the best 8"),
    ((9.0, 0.01), "collapsed at the end"),
])
@pytest.mark.parametrize("name", ["ring", "image", "audio"])
def test_the_last_measurement_alone_gone_wrong_is_told(start, tmp_path, name, last, words):
    heard = Recorder()
    model = load(start(name, heard, [GOOD] * (9 + (name == "audio")) + [last]))
    assert len(heard.warnings) == 1 and words in heard.warnings[0]
    assert model.warnings == heard.warnings and model.metrics["score"] == 8.0
    assert words in (tmp_path / "run" / "report.html").read_text()


def test_a_score_far_from_the_floor_is_told(start):
    heard = Recorder()
    model = load(start("image", heard, [(300.0, 1.0)] * 20))
    assert len(heard.warnings) == 1 and "never came within sight of the floor" in heard.warnings[0]
    assert model.warnings == heard.warnings
    heard = Recorder()
    assert load(start("image", heard, [(300.0, 1.0)], force=True)).warnings == heard.warnings == []


def test_a_loss_beyond_measure_is_trouble(start, monkeypatch):
    monkeypatch.setattr(trainer, "_EXPLODED", 0.0)
    heard = Recorder()
    with pytest.raises(Diverged, match="a loss is beyond") as stopped:
        start("image", heard)
    assert len(roll_backs(heard)) == 3 and stopped.value.exit_code == DIVERGED


def test_a_generator_s_loss_that_is_no_number_leaves_the_discriminator_trainable(
    start, monkeypatch
):
    calls, real = [], objective("bce")

    def broken(r, f):
        calls.append(1)
        return real.generator(r, f) * (NAN if len(calls) == 3 else 1.0)

    monkeypatch.setattr(
        "gancli.modalities.image.training.objective",
        lambda name: Objective(real.discriminator, broken, paired=False),
    )
    heard = Recorder()
    assert is_model(start("image", heard, preset="dcgan"))
    assert len(roll_backs(heard)) == 1


def test_checkpoints_after_a_roll_back_are_gone(start, tmp_path, data):
    """A run that ends before it is as far again would go on from one of them."""

    class Watching(Recorder):
        left = None

        def status(self, status):
            super().status(status)
            if roll_backs(self) and self.left is None:
                self.left = checkpoints.steps(tmp_path / "run" / "checkpoints")

    heard = Watching()
    start("image", heard, [GOOD] + [BAD] * 3)
    steps = [status.step for status in heard.statuses]
    (turn,) = [(step, after) for step, after in pairwise(steps) if after <= step]
    assert turn == (10, 4)  # measured in steps 3, 5, 8 and 10, of which the first was good
    assert heard.left[-1] == 3


def test_the_start_is_kept_while_nothing_is_known_to_be_good(pictures, tmp_path):
    run = tmp_path / "run"
    heard = AtStep(6, lambda: heard.seen.extend(checkpoints.steps(run / "checkpoints")))
    heard.seen = []
    tiny_run(pictures, run, heard, save_every="1")  # measured once, at the end
    assert heard.seen == [0, 4, 5]
    first, second = checkpoints.steps(run / "checkpoints")[:2]
    folder = run / "checkpoints" / f"step-{first:09}"
    assert without_best(run / "checkpoints", False, pytest.fail).step == first
    newest = checkpoints.steps(run / "checkpoints")[-1]
    assert without_best(run / "checkpoints", True, pytest.fail).step == newest
    (folder / "state.json").write_text("{}")
    warned = []
    assert without_best(run / "checkpoints", False, warned.append).step == second
    assert len(warned) == 1 and "state.json" in warned[0]


def test_the_scorer_is_made_after_the_first_step_or_never(pictures, tmp_path):
    image, made = modalities.get("image"), []
    heard = Recorder()

    def scorer(*args):
        made.append(len(heard.statuses))
        assert any(note.startswith("Preparing the score") for note in heard.notes)
        return image.trainable().scorer(*args)

    lazy = replace(image, trainable=lambda: replace(image.trainable(), scorer=scorer))
    tiny_run(pictures, tmp_path / "run", heard, lazy)
    assert made == [12]  # steps, the last of which is measured
    with pytest.raises(Interrupted):
        tiny_run(pictures, tmp_path / "other", interrupted_at(3), lazy)
    assert len(made) == 1


SIGNALS = [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture
def heeded():
    """Let SIGHUP do what it does in a terminal, since nohup ignores it for tests as well."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


class AtNote(Recorder):
    """A reporter that sends this process a signal when it hears certain words."""

    def __init__(self, words, number):
        super().__init__()
        self.words, self.number = words, number

    def note(self, text):
        super().note(text)
        if text.startswith(self.words):
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_before_there_is_a_run_says_how_to_begin_again(
    pictures, tmp_path, heeded, number, status
):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as stopped:
        tiny_run(pictures, tmp_path / "run", AtNote("Size", number))
    assert stopped.value.exit_code == status
    assert stopped.value.message == "Stopped before the first step, with nothing saved yet."
    assert stopped.value.hint == "Begin again with: x"
    assert not (tmp_path / "run").exists() and signal.getsignal(number) is before


@pytest.mark.parametrize(("number", "status"), SIGNALS)
@pytest.mark.parametrize(("of", "method"), [
    (trainer.Trainer, "measure"), (Hook, "on_end"), (trainer.Trainer, "save"),
])
def test_a_signal_after_the_last_step_ends_training_too(
    pictures, tmp_path, monkeypatch, heeded, of, method, number, status
):
    run, whole, steps = tmp_path / "run", getattr(of, method), []
    heard = AtStep(12, lambda: steps.append(12))

    def signalled(self, *args):
        if steps:
            os.kill(os.getpid(), number)
            steps.clear()
        return whole(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(of, method, signalled)
        with pytest.raises(Interrupted) as stopped:
            tiny_run(pictures, run, heard)
    assert stopped.value.exit_code == status
    assert stopped.value.message == f"Stopped at step 12; its checkpoint is in {run}."
    assert stopped.value.hint == f"Resume it with: gancli train image --resume {run}"
    assert not (run / "model").exists()
    resume(run, None, Silent(), modality_name="image")
    assert load(run / "model").metrics["steps"] == 12


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_before_the_first_step_says_how_to_resume(
    pictures, tmp_path, heeded, number, status
):
    run = tmp_path / "a run"
    with pytest.raises(Interrupted, match="before the first step") as stopped:
        tiny_run(pictures, run, AtNote("Computing on", number))
    assert stopped.value.exit_code == status
    assert stopped.value.hint == f"Resume it with: gancli train image --resume '{run}'"
    with pytest.raises(Interrupted, match="is unchanged"):
        resume(run, None, AtNote("Computing on", number), modality_name="image")
    tiny_run(pictures, tmp_path / "whole")
    resume(run, None, Silent(), modality_name="image")
    one, other = (
        json.loads((each / "model" / "config.json").read_text())["sha256"]["model.safetensors"]
        for each in (run, tmp_path / "whole")
    )
    assert one == other
