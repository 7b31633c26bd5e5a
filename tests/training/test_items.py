"""Which items a training measures and calibrates with, and what is said of them."""

import numpy as np
import pytest
from helpers import Recorder, tiny_run

from gancli.data.indices import AllBut
from gancli.training import calibration, session
from gancli.training.calibration import calibration_items


@pytest.mark.parametrize(("held_out", "items"), [
    (np.arange(100, 110), [100, 102, 105, 107]),
    (AllBut(12, np.array([0, 5])), [1, 3, 7, 9]),
    (np.array([3, 8]), [3, 8]),
])
def test_calibration_takes_items_from_end_to_end(monkeypatch, held_out, items):
    monkeypatch.setattr(calibration, "_MAX_ITEMS", 4)
    assert calibration_items(held_out).tolist() == items


def test_the_discriminator_is_calibrated_on_all_classes(pictures, tmp_path, monkeypatch):
    labels = []
    monkeypatch.setattr(calibration, "_MAX_ITEMS", 4)
    monkeypatch.setattr(session, "calibrate", lambda engine, real, of, fake: labels.extend(of))
    tiny_run(pictures, tmp_path / "run", holdout=0.5, steps=30)  # the last is of the refit
    assert set(labels) == {0, 1}


@pytest.mark.parametrize(("holdout", "end"), [
    (0.1, "; 36 items to train on, 4 kept for measuring."),
    (0.0, "; 40 items to train on, and the same ones to measure with."),
])
def test_the_items_are_counted(pictures, tmp_path, holdout, end):
    heard = Recorder()
    tiny_run(pictures, tmp_path / "run", heard, holdout=holdout, steps=1)
    (note,) = (note for note in heard.notes if note.startswith("Computing on"))
    assert note.endswith(end)
