"""Comparisons that are stopped or killed at chosen moments end as if nothing had happened."""

import os
import signal

import numpy as np
import pytest
from helpers import TINY, AtStep, Recorder, assert_same
from PIL import Image

from gancli import modalities
from gancli.data.source import open_source
from gancli.errors import GancliError
from gancli.evaluation.cells import make_cells, parse_settings
from gancli.evaluation.comparison import Comparer
from gancli.evaluation.results import FILE, read_comparison
from gancli.runtime.signals import Interrupted
from gancli.storage import files
from gancli.training.trainer import Trainer

IMAGE = modalities.get("image")


class Killed(BaseException):
    """Nothing but the end of this process catches it."""


def kill():
    raise Killed


def stop(number):
    return lambda: os.kill(os.getpid(), number)


class AtNote(Recorder):
    """A reporter that does something when it hears a note."""

    def __init__(self, text, action):
        super().__init__()
        self.text, self.action = text, action

    def note(self, text):
        super().note(text)
        if self.text in text:
            self.action()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for number in range(40):
        Image.fromarray(rng.integers(0, 256, (16, 16), np.uint8)).save(folder / f"{number}.png")
    return folder


def compare(data, folder, reporter, seeds, halve):
    settings = parse_settings(IMAGE, ["g-activation=relu,tanh"], [])
    cells = make_cells(IMAGE, settings, {**TINY, "steps": 8, "save_every": "3"}, {})
    with Comparer(IMAGE, open_source(str(data)), folder, reporter, "x") as comparer:
        return comparer.train(comparer.settled(cells), seeds, halve)


def told(found):
    """Return all that a comparison says but where and how long it was trained."""
    return found.ranks, [
        (outcome.name, outcome.dropped, outcome.state, outcome.scores, [
            {name: value for name, value in result.metrics.items() if name != "seconds"}
            for result in outcome.results
        ]) for outcome in found.outcomes
    ]


@pytest.mark.parametrize(("seeds", "halve"), [((0, 1), False), ((0,), True)])
def test_a_comparison_that_is_ended_five_times_has_the_same_table(
    data, tmp_path, monkeypatch, seeds, halve
):
    whole = compare(data, tmp_path / "whole", Recorder(), seeds, halve)
    folder = tmp_path / "c"

    def ended(reporter, error):
        with pytest.raises(error) as caught:
            compare(data, folder, reporter, seeds, halve)
        return caught.value

    # Amid the first training; between two; as the next begins; amid one, without a word; and
    # while comparison.json is written.
    said = ended(AtStep(1, stop(signal.SIGINT)), Interrupted)
    assert "what is trained so far is kept" in said.message and said.exit_code == 130
    said = ended(AtNote("Cell 2 of 2, seed 1", stop(signal.SIGTERM)), Interrupted)
    assert "Stopped between two trainings" in said.message and said.exit_code == 143
    assert said.hint == "To continue, run the same command again: x"
    ended(AtNote("Computing on", kill), Killed)
    ended(AtStep(2, kill), Killed)
    with monkeypatch.context() as patch:
        replace, calls = files._replace, []

        def fall(temporary, path):
            calls.append(path)
            if path.name == FILE and len([each for each in calls if each.name == FILE]) == 2:
                temporary.rename(folder / ".comparison.json.1.tmp")  # as a killed process leaves it
                raise Killed
            replace(temporary, path)

        patch.setattr(files, "_replace", fall)
        ended(Recorder(), Killed)
    assert (folder / ".comparison.json.1.tmp").exists()
    found = compare(data, folder, Recorder(), seeds, halve)
    assert told(found) == told(whole) == told(read_comparison(folder))
    assert not (folder / ".comparison.json.1.tmp").exists()
    for one, other in zip(found.results, whole.results, strict=True):
        if one.state == "done":
            assert_same(one.run, other.run)


def test_a_signal_as_a_training_fails_begins_no_other(data, tmp_path, monkeypatch):
    def fail(self, stop, until):
        with stop.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            tried.append(self.run.path)
            raise GancliError("The disk is full.")

    tried = []
    monkeypatch.setattr(Trainer, "train", fail)
    with pytest.raises(Interrupted, match="Stopped between two trainings") as stopped:
        compare(data, tmp_path / "c", Recorder(), (0,), False)
    assert stopped.value.exit_code == 143 and len(tried) == 1
    assert read_comparison(tmp_path / "c").results[0].problem == "The disk is full."
