"""A run that is still in training can be sampled, shown and reported, whatever it does just now."""

import os
import shutil

import pytest
from helpers import samples_of, tiny_run

from gancli.artifacts.description import describe_run
from gancli.artifacts.finding import open_model
from gancli.artifacts.report import outcome, report_page
from gancli.errors import GancliError
from gancli.reporting import Silent
from gancli.storage import checkpoints
from gancli.training.session import resume


class Onlooker:
    """Does all that reads a run, around each change of a name on disk that training makes.

    Attributes:
        steps: The step of the checkpoint that each look sampled; None if it was too early.
        finished: Whether the run was said to be finished, at each look.
    """

    def __init__(self, run, monkeypatch):
        self.run, self.steps, self.finished, self.busy = run, [], [], False
        for module, name in ((os, "rename"), (os, "replace"), (shutil, "rmtree")):
            monkeypatch.setattr(module, name, self.watched(getattr(module, name)))

    def watched(self, change):
        def changed(*names, **options):
            self.look()
            result = change(*names, **options)
            self.look()
            return result

        return changed

    def look(self):
        if self.busy or not (self.run / "config.toml").exists():
            return
        self.busy = True
        description = describe_run(self.run)
        self.finished.append(description["checkpoints"]["finished"])
        report_page(self.run, *outcome(self.run), live=True, layers=False)
        try:
            model = open_model(str(self.run), "image", pytest.fail)
        except GancliError as error:
            assert "no checkpoint to sample yet" in error.message
            self.steps.append(None)
        else:
            assert len(samples_of(model, n=2)) == 2
            self.steps.append(model.metrics["best_step"])
        self.busy = False


def test_at_any_moment(pictures, tmp_path, monkeypatch):
    onlooker = Onlooker(tmp_path / "run", monkeypatch)
    tiny_run(pictures, tmp_path / "run", save_every="1")
    seen = onlooker.steps
    # Nothing until there is a step, each checkpoint as it comes, and at last the model.
    assert seen[0] is None and None not in seen[seen.index(1) :]
    assert sorted(set(seen[seen.index(1) :])) == list(range(1, 13))
    assert onlooker.finished[-1] and not any(onlooker.finished[: len(seen) // 2])


def test_at_any_moment_of_a_longer_training(pictures, tmp_path, monkeypatch):
    tiny_run(pictures, tmp_path / "run")
    onlooker = Onlooker(tmp_path / "run", monkeypatch)
    resume(
        tmp_path / "run", None, Silent(), modality_name="image", budget={"images": "32"},
        command="more",
    )
    assert onlooker.finished[0] and onlooker.finished[-1] and False in onlooker.finished
    assert None not in onlooker.steps
    assert checkpoints.steps(tmp_path / "run" / "checkpoints")[-1] == 16
