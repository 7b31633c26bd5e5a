"""Training on text: all phases, stopped and resumed, and what comes out of the model."""

import json
import os
import signal
from types import SimpleNamespace

import pytest
import torch

from gancli.artifacts.finding import open_model
from gancli.artifacts.model import load
from gancli.cli import app
from gancli.config import resolve
from gancli.modalities import get
from gancli.modalities.text.config import PRESETS, TextConfig
from gancli.modalities.text.score import TextScorer
from gancli.reporting import Silent
from gancli.runtime.signals import Interrupted
from gancli.storage import checkpoints
from gancli.training.monitor import Quality, Schedule
from gancli.training.session import resume
from gancli.training.trainer import Trainer

PHASES = ["likelihood", "discriminator", "adversarial", "refit"]
# Steps of 40 in which each begins, by the shares that start() chooses.
BEGINS = [0, 24, 28, 36]


def entries(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def outcome(run):
    """Return all that a run ends with but the time that it took."""
    last = checkpoints.newest(run / "checkpoints", pytest.fail)
    table = json.loads((run / "model" / "config.json").read_text())
    table["metrics"].pop("seconds")
    log = [{name: value for name, value in entry.items() if name != "seconds"}
           for entry in entries(run)]
    tensors = {
        f"{group}/{name}": tensor.numpy().tobytes()
        for group, found in last.tensors.items() for name, tensor in found.items()
    }
    return tensors, (run / "model" / "model.safetensors").read_bytes(), (
        table["guide"], table["metrics"], log
    )


def same(run, whole):
    found, wanted = outcome(run), outcome(whole)
    assert found[0].keys() == wanted[0].keys()
    assert [name for name in found[0] if found[0][name] != wanted[0][name]] == []
    assert found[1] == wanted[1]
    assert found[2] == wanted[2]


def watch(monkeypatch, after):
    """Call a function with the trainer after each step, before anything is saved."""
    real = Trainer.step

    def step(self):
        losses = real(self)
        after(self)
        return losses

    monkeypatch.setattr(Trainer, "step", step)


def interrupted(monkeypatch, step):
    """Send this process a signal at a step."""
    watch(monkeypatch, lambda trainer: trainer.progress.step == step and os.kill(
        os.getpid(), signal.SIGINT
    ))


def crashed(monkeypatch, step):
    """End at a step as a killed process does: whatever is not saved is lost."""

    def fall(trainer):
        if trainer.progress.step == step:
            raise MemoryError

    watch(monkeypatch, fall)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Directories of runs that were never stopped, by a name."""
    return {}, tmp_path_factory.mktemp("whole")


@pytest.fixture
def uninterrupted(whole, corpus, start):
    """Return the run of some options that was never stopped."""
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
    found = get("text").phases(spec_of(), config, None)
    assert [phase.name for phase in found] == [PHASES[part] for part in parts]
    assert sum(phase.share for phase in found) == pytest.approx(1)
    assert ("reference" in get("text").start(spec_of(), config, None)) == (preset == "adversarial")


def test_it_runs_through_all_phases(corpus, start, tmp_path, monkeypatch):
    seen = []
    watch(monkeypatch, lambda trainer: seen.append(
        (trainer.phases[trainer.progress.phase].name, {
            name: torch.cat([each.flatten() for each in network.state_dict().values()])
            for name, network in trainer.networks.items()
        })
    ))
    folder = start(corpus, tmp_path / "run")
    names = [name for name, _ in seen]
    assert list(dict.fromkeys(names)) == PHASES
    assert [names.index(name) for name in PHASES] == BEGINS
    # Who learns when: weights at the first and the last step of each phase.
    for name in PHASES:
        of = [weights for each, weights in seen if each == name]
        moved = {each for each in of[0] if not torch.equal(of[0][each], of[-1][each])}
        assert moved == {
            "likelihood": {"generator"}, "discriminator": {"discriminator"},
            "adversarial": {"generator", "discriminator"}, "refit": {"discriminator"},
        }[name], name
    # The reference is the likelihood start, taken when the fine-tuning began.
    before, fine = seen[BEGINS[2] - 1][1], seen[BEGINS[2]][1]
    assert torch.equal(fine["reference"], before["generator"])
    found = entries(tmp_path / "run")
    for step, names in {10: {"g_loss"}, 20: {"g_loss"}, 40: {"d_loss", "accuracy"},
                        30: {"g_loss", "reward", "kl", "d_loss", "accuracy"}}.items():
        (entry,) = [each for each in found if each["step"] == step and "score" not in each]
        assert set(entry) == {"step", "seconds"} | names
    measured = [entry for entry in found if "score" in entry]
    assert [entry["step"] for entry in measured] == [24, 36]  # as each of these phases ends
    for entry in measured:
        assert {"held_out_loss", "unique", "copied", "diversity"} < set(entry)
    model = load(folder)
    assert model.calibration is not None and 0 <= model.calibration.accuracy <= 1
    assert set(model.networks) == {"generator", "discriminator"}
    assert list((tmp_path / "run" / "samples").glob("*.txt"))


def overfitting(patch, step):
    """Measure at every other step a held-out loss that rises after a step."""
    patch.setattr(Schedule, "points", 20)
    seen = []
    watch(patch, lambda trainer: seen.append(trainer.progress.step))
    patch.setattr(TextScorer, "loss", lambda scorer, network: 1.0 + abs(seen[-1] - step))


def test_likelihood_ends_when_the_held_out_loss_rises(corpus, start, tmp_path):
    phases = []
    with pytest.MonkeyPatch.context() as patch:
        overfitting(patch, 6)
        watch(patch, lambda trainer: phases.append(trainer.phases[trainer.progress.phase].name))
        start(corpus, tmp_path / "whole")
    # It rises at 8 and 10; the 30 steps left are divided as 1 : 2 : 1.
    assert [phases.index(name) for name in PHASES] == [0, 10, 18, 33]
    measured = [each for each in entries(tmp_path / "whole") if "score" in each]
    assert not any(each["best"] for each in measured if each["step"] > 6)  # 1 -> 3: far above
    begun = False
    for step in (9, 10, 11, 25):
        with pytest.MonkeyPatch.context() as patch:
            overfitting(patch, 6)
            interrupted(patch, step)
            with pytest.raises(Interrupted):
                if begun:
                    resume(tmp_path / "run", None, Silent(), modality_name="text")
                else:
                    start(corpus, tmp_path / "run")
        begun = True
    with pytest.MonkeyPatch.context() as patch:
        overfitting(patch, 6)
        resume(tmp_path / "run", None, Silent(), modality_name="text")
    same(tmp_path / "run", tmp_path / "whole")


def test_it_learns(corpus, start, tmp_path):
    start(corpus, tmp_path / "run", steps=150, lr=2e-2, batch=16)
    losses = [entry["g_loss"] for entry in entries(tmp_path / "run") if "g_loss" in entry]
    assert losses[0] > 2.8 > 2.3 > losses[8]
    held_out = [each["held_out_loss"] for each in entries(tmp_path / "run") if "score" in each]
    assert held_out[0] < 2.3  # of 3.3 for words drawn evenly


@pytest.mark.parametrize(
    ("stop", "steps", "options"),
    [
        (interrupted, [3, 24, 26, 30, 38], {}),
        # At the ends of phases, where the generator changes hands.
        (interrupted, [23, 25, 28, 36, 37], {}),
        (crashed, [9, 24, 31, 37], {}),
        (interrupted, [20, 27, 31, 39], {"preset": "gumbel", "g_cell": "gru"}),
        (crashed, [25, 33, 36], {"preset": "likelihood", "d_direction": "both"}),
    ],
)
def test_stopped_and_resumed_it_ends_the_same(
    uninterrupted, corpus, start, tmp_path, stop, steps, options
):
    run, begun = tmp_path / "run", False
    for step in steps:
        with pytest.MonkeyPatch.context() as patch:
            stop(patch, step)
            with pytest.raises((Interrupted, MemoryError)):
                if begun:
                    resume(run, None, Silent(), modality_name="text")
                else:
                    start(corpus, run, **options)
        begun = True
        last = checkpoints.steps(run / "checkpoints")[-1]
        assert last == step if stop is interrupted else last <= step
    resume(run, None, Silent(), modality_name="text")
    same(run, uninterrupted(**options))


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
    assert not any(name.startswith("reference.") for name in last.tensors["networks"])


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
    generator, decode = model.networks["generator"], model.spec.tokenizer().decode
    shares = []
    for label in (0, 1):
        made = generator(noise, torch.full((60,), label))[..., 0].long()
        shares.append(sum("?" in decode(row.numpy()) for row in made) / 60)
    assert shares[0] > shares[1] + 0.4


def test_worse_at_held_out_texts_is_not_kept():
    quality = Quality()
    taken = [
        quality.take(step, score, 1.0, loss)
        for step, (score, loss) in enumerate(
            [(9.0, 3.0), (8.0, 2.0), (7.0, 2.1), (7.5, 2.01), (3.0, 2.3), (7.0, 1.9), (6.9, 1.93)]
        )
    ]
    # A better score with a loss a hundredth over the least is kept, with more than that not.
    assert taken == [True, True, False, True, False, True, False]
    assert quality.best == 7.0 and quality.best_step == 5 and quality.least_loss == 1.9
    assert not quality.take(7, 8.0, 1.0, 1.885)  # hardly less lost, and worse
    assert quality.take(8, 8.0, 1.0, 1.8) and quality.best_loss == 1.8  # much less
    assert not quality.trouble()
    assert Quality().take(0, 5.0, 1.0, None)


def test_in_learning_by_likelihood_the_latest_that_comes_near_is_kept():
    quality = Quality()
    assert quality.take(0, 9.0, 1.0, 3.0, latest=True) and quality.look(1, 2.0)
    assert quality.best is None and quality.best_step == 1
    assert quality.take(2, 9.5, 0.9, 2.01, latest=True) and not quality.look(3, 2.03)
    assert (quality.best, quality.best_step, quality.best_loss) == (9.5, 2, 2.01)
    assert not quality.overfits and not quality.look(4, 2.04) and quality.overfits
    # What follows has to be better than that.
    assert not quality.take(5, 9.6, 1.0, 2.0) and quality.take(6, 9.4, 1.0, 2.0)


# What comes out


@pytest.fixture
def call(capfdbinary):
    """Run a command line in this process."""

    def call(*words):
        capfdbinary.readouterr()
        status = app.run(list(words))
        found = capfdbinary.readouterr()
        return SimpleNamespace(status=status, out=found.out.decode(), err=found.err.decode())

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
    one, other = ([json.loads(row) for row in each.out.splitlines()] for each in (plain, guided))
    kept = sum(a["text"] == b["text"] for a, b in zip(one, other, strict=True))
    assert 0 < kept < 25  # a quarter or so of first candidates stay


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
