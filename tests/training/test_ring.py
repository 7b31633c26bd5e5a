"""A modality is one folder: the toy trains, resumes and samples with nothing else changed."""

import json

import numpy as np
import pytest
from helpers import entries, sample_files, train_run

from gancli.artifacts.finding import open_model


def test_the_toy_learns_its_ring(ring, tmp_path, pictures):
    run = tmp_path / "run"
    train_run(ring, pictures, run, steps=1500, threads="1")
    scores = [entry["score"] for entry in entries(run) if "score" in entry]
    assert min(scores) < 0.15 < 0.3 < scores[0]
    out, _ = sample_files(open_model(str(run), "ring", pytest.fail), n=200, seed=0)
    points = np.array(json.loads(out))
    assert points.shape == (200, 2)
    assert np.abs(np.linalg.norm(points, axis=1) - 1).mean() < 0.15
    assert np.abs(points.mean(0)).max() < 0.3
