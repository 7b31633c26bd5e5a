"""Training on text: all phases, stopped and resumed, and what comes out of the model."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from helpers import Recorder, assert_same, entries, interrupted_at, killed_at

from gancli.artifacts.finding import open_model
from gancli.artifacts.model import load
from gancli.artifacts.networks import load_networks
from gancli.cli import app
from gancli.config import resolve
from gancli.modalities import get, text
from gancli.modalities.text.autoregression import draw_texts
from gancli.modalities.text.config import PRESETS, TextConfig
from gancli.modalities.text.score import TextScorer
from gancli.runtime.signals import Interrupted
from gancli.storage import checkpoints
from gancli.training.measurement import Measurement
from gancli.training.monitor import Monitor
from gancli.training.schedule import MeasurementSchedule
from gancli.training.session import resume

pytestmark = pytest.mark.usefixtures("one_thread")
PHASES = ["likelihood", "discriminator", "adversarial", "refit"]
# Steps of 40 in which each begins, by the fractions that start() chooses.
BEGINS = [0, 24, 28, 36]


class Watcher(Recorder):
    """A reporter that reads the checkpoint of each step of a run that saves after each."""

    def __init__(self, run):
        super().__init__()
        self.run = run
        self.checkpoints = {}

    def status(self, status):
        super().status(status)
        self.read()

    def read(self):
        checkpoint = checkpoints.newest(self.run / "checkpoints", pytest.fail)
        self.checkpoints[checkpoint.step] = checkpoint


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Runs that were never stopped, by their options, and the folder that they are in."""
    return {}, tmp_path_factory.mktemp("whole")


@pytest.fixture
def uninterrupted(whole, corpus, start):
    """Return a function that gives the run of some options that was never stopped."""
    runs, root = whole

    def run(**chosen):
        key = tuple(sorted(chosen.items()))
        if key not in runs:
            runs[key] = root / str(len(runs))
            start(corpus, runs[key], **chosen)
        return runs[key]

    return run


@pytest.mark.parametrize(
    ("preset", "parts"), [("likelihood", [0, 3]), ("adversarial", range(4)), ("gumbel", range(4))]
)
def test_the_two_play_where_a_preset_says_so(spec_of, preset, parts):
    config, _ = resolve(TextConfig, command_line={"preset": preset}, presets=PRESETS)
    assert (config == TextConfig()) == (preset == "likelihood")
    trainable = get("text").trainable()
    phases = trainable.phases(spec_of(), config, None)
    assert [phase.name for phase in phases] == [PHASES[part] for part in parts]
    assert sum(phase.fraction for phase in phases) == pytest.approx(1)
    extra = trainable.start(spec_of(), config, None).extra
    assert ("reference" in extra) == (preset == "adversarial")


def network_bytes(checkpoint):
    """Return the weights of each network in a checkpoint."""
    weights = {}
    for key, array in checkpoint.arrays["networks"].items():
        name, _, key = key.partition(".")
        weights.setdefault(name, {})[key] = array.tobytes()
    return weights


def test_it_runs_through_all_phases(corpus, start, tmp_path):
    watcher = Watcher(tmp_path / "run")
    folder = start(corpus, tmp_path / "run", watcher, save_every="1")
    watcher.read()
    names = [status.phase for status in watcher.statuses]
    assert list(dict.fromkeys(names)) == PHASES
    assert [names.index(name) for name in PHASES] == BEGINS
    assert sorted(watcher.checkpoints) == list(range(41))
    weights = [network_bytes(watcher.checkpoints[step]) for step in range(1, 41)]
    # Who learns when: weights at the first and the last step of each phase.
    for name, begin, end in zip(PHASES, BEGINS, [*BEGINS[1:], 40], strict=True):
        first, last = weights[begin], weights[end - 1]
        assert {network for network in first if first[network] != last[network]} == {
            "likelihood": {"generator"}, "discriminator": {"discriminator"},
            "adversarial": {"generator", "discriminator"}, "refit": {"discriminator"},
        }[name], name
    # The reference is the likelihood start, taken when the fine-tuning began.
    assert weights[BEGINS[2]]["reference"] == weights[BEGINS[2] - 1]["generator"]
    log = entries(tmp_path / "run")
    for step, names in {10: {"g_loss"}, 20: {"g_loss"}, 40: {"d_loss", "accuracy"},
                        30: {"g_loss", "reward", "kl", "d_loss", "accuracy"}}.items():
        (entry,) = [line for line in log if line["step"] == step and names & line.keys()]
        assert set(entry) == {"step", "seconds", "phase"} | names
        assert entry["phase"] == watcher.statuses[step - 1].phase
    measured = [entry for entry in log if "score" in entry]
    assert [entry["step"] for entry in measured] == [24, 36]  # as each of these phases ends
    for entry in measured:
        assert {"held_out_loss", "unique", "copied", "diversity"} < set(entry)
    model = load(folder)
    assert model.calibration is not None and 0 <= model.calibration.accuracy <= 1
    assert set(load_networks(model).named()) == {"generator", "discriminator"}
    assert {name.split(".")[0] for name in model.weights.shapes} == {"generator", "discriminator"}
    assert list((tmp_path / "run" / "samples").glob("*.txt"))


@pytest.fixture
def overfitting(monkeypatch):
    """Return a function that lets the held-out loss rise after a step, by a reporter's status.

    It is measured at every other step.
    """
    modality = text.MODALITY
    monkeypatch.setattr(MeasurementSchedule, "points", 20)

    def overfit(reporter, step):
        class Scorer(TextScorer):
            def loss(self, generator):
                return 1.0 + abs(reporter.statuses[-1].step - step)

        trainable = replace(
            modality.trainable(),
            scorer=lambda dataset, spec, config, seed: Scorer(dataset, spec, seed),
        )
        changed = replace(modality, trainable=lambda: trainable)
        monkeypatch.setattr(text, "MODALITY", changed)
        return reporter

    return overfit


def begin_then_resume(start, corpus, run, **options):
    """Return a function of a reporter that starts a run, and resumes it when called again."""

    def start_or_resume(reporter):
        if run.exists():
            resume(run, None, reporter, modality_name="text")
        else:
            start(corpus, run, reporter, **options)

    return start_or_resume


def test_likelihood_ends_when_the_held_out_loss_rises(corpus, start, tmp_path, overfitting):
    start(corpus, tmp_path / "whole", recorder := overfitting(Recorder(), 6))
    phases = [status.phase for status in recorder.statuses]
    # It rises at 8 and 10; the 30 steps left are divided as 1 : 2 : 1.
    assert [phases.index(name) for name in PHASES] == [0, 10, 18, 33]
    assert sum("likelihood phase ends early" in note for note in recorder.notes) == 1
    measured = [entry for entry in entries(tmp_path / "whole") if "score" in entry]
    assert not any(entry["best"] for entry in measured if entry["step"] > 6)  # 1 -> 3: far above
    start_or_resume = begin_then_resume(start, corpus, tmp_path / "run")
    for step in (9, 10, 11, 25):
        with pytest.raises(Interrupted):
            start_or_resume(overfitting(interrupted_at(step), 6))
    start_or_resume(overfitting(Recorder(), 6))
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_trained_for_longer_after_the_loss_rose_only_the_discriminator_learns(
    corpus, start, tmp_path, overfitting
):
    run = tmp_path / "run"
    heard, options = overfitting(Recorder(), 6), {"preset": "likelihood"}
    start(corpus, run, heard, **options)
    assert {status.phase for status in heard.statuses} == {"likelihood", "refit"}
    before = checkpoints.newest(run / "checkpoints", pytest.fail)
    again = overfitting(Recorder(), 6)
    resume(run, None, again, modality_name="text", budget={"steps": "10"}, command="more")
    assert {status.phase for status in again.statuses} == {"refit"}
    assert any("held-out loss had begun to rise" in note for note in again.notes)
    after = network_bytes(checkpoints.newest(run / "checkpoints", pytest.fail))
    assert after["generator"] == network_bytes(before)["generator"]
    assert after["discriminator"] != network_bytes(before)["discriminator"]


def test_trained_for_longer_the_fine_tuning_goes_on(uninterrupted, corpus, tmp_path):
    run, heard = shutil.copytree(uninterrupted(), tmp_path / "run"), Recorder()
    resume(run, None, heard, modality_name="text", budget={"steps": "40"}, command="more")
    # Of the rest, fine-tuning gets 0.2 and the refit 0.1.
    phases = [status.phase for status in heard.statuses]
    assert phases == ["adversarial"] * 27 + ["refit"] * 13


def test_it_learns(corpus, start, tmp_path):
    start(corpus, tmp_path / "run", steps=150, lr=2e-2, batch=16)
    losses = [entry["g_loss"] for entry in entries(tmp_path / "run") if "g_loss" in entry]
    assert losses[0] > 2.8 > 2.3 > losses[8]
    measured = [entry for entry in entries(tmp_path / "run") if "score" in entry]
    held_out = [entry["held_out_loss"] for entry in measured]
    assert held_out[0] < 2.3  # of 3.3 for words drawn evenly


@pytest.mark.parametrize(
    ("stop", "steps", "options"),
    [
        (interrupted_at, [3, 24, 26, 30, 38], {}),
        # At the ends of phases, where the generator changes hands.
        (interrupted_at, [23, 25, 28, 36, 37], {}),
        (killed_at, [9, 24, 31, 37], {}),
        (interrupted_at, [20, 27, 31, 39], {"preset": "gumbel", "g_cell": "gru"}),
        (killed_at, [25, 33, 36], {"preset": "likelihood", "d_direction": "both"}),
    ],
)
def test_stopped_and_resumed_it_ends_the_same(
    uninterrupted, corpus, start, tmp_path, stop, steps, options
):
    run = tmp_path / "run"
    start_or_resume = begin_then_resume(start, corpus, run, **options)
    for step in steps:
        with pytest.raises((Interrupted, MemoryError)):
            start_or_resume(stop(step))
        last = checkpoints.steps(run / "checkpoints")[-1]
        assert last == step if stop is interrupted_at else last < step
    start_or_resume(Recorder())
    assert_same(run, uninterrupted(**options))


@pytest.mark.parametrize("preset", ["likelihood", "gumbel"])
def test_every_preset_trains(uninterrupted, preset):
    options = {
        "likelihood": {"preset": "likelihood", "d_direction": "both"},
        "gumbel": {"preset": "gumbel", "g_cell": "gru"},
    }[preset]
    run = uninterrupted(**options)
    model = load(run / "model")
    assert model.calibration is not None
    names = {name for entry in entries(run) for name in entry}
    assert ("margin" in names) == (preset == "gumbel") and "reward" not in names
    last = checkpoints.newest(run / "checkpoints", pytest.fail)
    assert not any(name.startswith("reference.") for name in last.arrays["networks"])


@pytest.mark.parametrize("steps", [1, 10])
def test_a_longer_training_fits_the_discriminator_that_it_has(
    uninterrupted, tmp_path, monkeypatch, steps
):
    former = uninterrupted(preset="likelihood")
    run = shutil.copytree(former, tmp_path / "run")
    begun = []
    monkeypatch.setattr(
        "gancli.modalities.text.phases.discriminate.DiscriminatePhase.begin",
        lambda self, networks: begun.append(self),
    )
    resume(run, None, Recorder(), modality_name="text", budget={"steps": str(steps)}, command="y")
    before, after = (load(each / "model") for each in (former, run))
    assert after.calibration is not None and not begun
    same = all(
        (array == after.weights.read()[name]).all()
        for name, array in before.weights.read().items() if name.startswith("discriminator.")
    )
    assert same == (steps == 1)  # too few for the discriminator


@pytest.mark.parametrize("estimator", ["score", "gumbel"])
@pytest.mark.parametrize(
    "options",
    [
        {"split": "stream", "tokens": "char", "max_length": 16, "g_cell": "transformer"},
        {"tokens": "char", "tied": False, "d_direction": "both", "d_cell": "transformer"},
        {"tokens": "byte", "max_length": 10, "entropy": 0.1, "d_cell": "rnn"},
    ],
)
def test_other_tokens_and_networks_train(corpus, start, tmp_path, options, estimator):
    folder = start(corpus, tmp_path / "run", steps=20, estimator=estimator, **options)
    assert load(folder).calibration is not None
    assert not any("rolled_back" in entry for entry in entries(tmp_path / "run"))


@pytest.mark.parametrize("estimator", ["score", "gumbel"])
def test_classes_of_a_table_are_learned(start, lines, tmp_path, estimator):
    rows = [(("tells", "asks")[text.endswith("?")], text) for text in lines(200)]
    table = tmp_path / "x.tsv"
    table.write_text("".join("\t".join(row) + "\n" for row in rows))
    start(table, tmp_path / "run", steps=100, warm_start=0.8, adversarial=0.1, lr=2e-2,
          batch=16, estimator=estimator)
    model = open_model(str(tmp_path / "run"), "text", pytest.fail)
    assert model.spec.classes == ("asks", "tells")
    noise = torch.rand(60, model.spec.length, generator=torch.Generator().manual_seed(0))
    generator, decode = load_networks(model).generator, model.spec.tokenizer().decode
    questions = []
    for label in (0, 1):
        ids = draw_texts(generator, noise, torch.full((60,), label))[..., 0].long()
        questions.append(sum("?" in decode(row.numpy()) for row in ids) / 60)
    assert questions[0] > questions[1] + 0.4


def record(monitor, step, score, diversity, loss, latest=False):
    return monitor.record(step, Measurement(score, diversity, loss), latest=latest)


def test_worse_at_held_out_texts_is_not_kept():
    monitor = Monitor()
    decisions = [
        record(monitor, step, score, 1.0, loss)
        for step, (score, loss) in enumerate(
            [(9.0, 3.0), (8.0, 2.0), (7.0, 2.1), (7.5, 2.01), (3.0, 2.3), (7.0, 1.9), (6.9, 1.93)]
        )
    ]
    # A better score with a loss a hundredth over the smallest is kept, with more than that not.
    best = [decision.best for decision in decisions]
    assert best == [True, True, False, True, False, True, False]
    assert monitor.best_score == 7.0 and monitor.best_step == 5 and monitor.min_loss == 1.9
    decisions.append(record(monitor, 7, 8.0, 1.0, 1.885))  # hardly less lost, and a worse score
    decisions.append(record(monitor, 8, 8.0, 1.0, 1.8))  # much less
    assert not decisions[7].best and decisions[8].best and monitor.best_loss == 1.8
    assert not any(decision.trouble for decision in decisions)
    assert record(Monitor(), 0, 5.0, 1.0, None).best


def test_in_learning_by_likelihood_the_latest_that_comes_near_is_kept():
    monitor = Monitor()
    assert record(monitor, 0, 9.0, 1.0, 3.0, latest=True).best
    assert monitor.record_loss(1, 2.0).best
    assert monitor.best_score is None and monitor.best_step == 1
    assert record(monitor, 2, 9.5, 0.9, 2.01, latest=True).best
    decision = monitor.record_loss(3, 2.03)
    assert not decision.best and not decision.overfits
    assert (monitor.best_score, monitor.best_step, monitor.best_loss) == (9.5, 2, 2.01)
    decision = monitor.record_loss(4, 2.04)
    assert not decision.best and decision.overfits
    # What follows has to be better than that.
    assert not record(monitor, 5, 9.6, 1.0, 2.0).best and record(monitor, 6, 9.4, 1.0, 2.0).best


# What comes out


@pytest.fixture
def call(capfdbinary):
    """Run a command line in this process."""

    def call(*words):
        capfdbinary.readouterr()
        status = app.run(list(words))
        out, err = (stream.decode() for stream in capfdbinary.readouterr())
        return SimpleNamespace(status=status, out=out, err=err)

    return call


@pytest.fixture
def model_folder(uninterrupted):
    return str(uninterrupted(steps=100, lr=2e-2))


def test_lines_json_and_nul(model_folder, call):
    result = call("sample", "text", model_folder, "-n", "40", "--seed", "5")
    assert result.status == 0, result.err
    texts = result.out.split("\n")
    assert len(texts) == 41 and texts[-1] == ""
    again = call("sample", "text", model_folder, "--seeds", "44,7", "--batch", "1")
    assert again.out.split("\n")[:2] == [texts[39], texts[2]]
    result = call("sample", "text", model_folder, "-n", "40", "--seed", "5", "--jsonl")
    rows = [json.loads(row) for row in result.out.splitlines()]
    assert [row["seed"] for row in rows] == list(range(5, 45))
    assert [row["text"] for row in rows] == texts[:40]
    assert all(row["log_likelihood"] < 0 for row in rows)
    assert len({row["score"] for row in rows}) > 10 or load_scale(model_folder) == 0
    result = call("sample", "text", model_folder, "-n", "40", "--seed", "5", "-0")
    assert result.out.split("\0") == [*texts[:40], ""]


def load_scale(folder):
    return open_model(folder, "text", pytest.fail).calibration.scale


def test_guided(model_folder, call):
    options = ("--seeds", "0-29", "--jsonl")
    plain = call("sample", "text", model_folder, *options)
    guided = call("sample", "text", model_folder, *options, "--guided", "4")
    again = call("sample", "text", model_folder, "--seed", "29", "--jsonl", "--guided", "4")
    assert (plain.status, guided.status) == (0, 0), guided.err
    assert guided.out.splitlines()[29] == again.out.splitlines()[0]
    assert "candidates" in guided.err
    one, other = (
        [json.loads(row)["text"] for row in result.out.splitlines()] for result in (plain, guided)
    )
    same = sum(a == b for a, b in zip(one, other, strict=True))
    assert 0 < same < 25  # a quarter or so of first candidates stay


def test_a_prompt(model_folder, call):
    result = call("sample", "text", model_folder, "-n", "20", "--seed", "0", "--prompt", "the old")
    texts = result.out.splitlines()
    assert result.status == 0 and len(texts) == 20 and len(set(texts)) > 5
    assert all(text.startswith("the old") for text in texts)
    short = call("sample", "text", model_folder, "-n", "5", "--prompt", "the", "--max-length", "3")
    assert all(len(text.split()) <= 3 for text in short.out.splitlines())
    wrong = call("sample", "text", model_folder, "--prompt", "xyzzy")
    assert wrong.status == 2 and wrong.out == "" and "xyzzy" in wrong.err
    long = call("sample", "text", model_folder, "--prompt", "the " * 30)
    assert long.status == 2 and "at most" in long.err


def test_sharper_draws_are_likelier(model_folder, call):
    mean = []
    for options in ((), ("--temperature", "0.3"), ("--top-k", "1"), ("--top-p", "0.3")):
        result = call(
            "sample", "text", model_folder, "-n", "60", "--seed", "0", "--jsonl", *options
        )
        rows = [json.loads(row) for row in result.out.splitlines()]
        mean.append(sum(row["log_likelihood"] for row in rows)
                    / sum(row["tokens"] + 1 for row in rows))
    assert min(mean[1:]) > mean[0] + 0.1
