"""A modality is one folder: the toy trains, resumes and samples with nothing else changed."""

import io
import json

import numpy as np
import pytest

from gancli.artifacts.finding import open_model
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.reporting import Silent
from gancli.sampling.sampler import sample
from gancli.training.session import train


def test_the_toy_learns_its_ring(ring, tmp_path, pictures):
    config, _ = resolve(
        ring.config_type, command_line={"steps": 1500, "threads": "1"}, presets=ring.presets
    )
    source = open_source(str(pictures))
    train(ring, config, source, tmp_path / "run", Silent(), command="", force=False)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    scores = [entry["score"] for entry in entries if "score" in entry]
    assert min(scores) < 0.15 < 0.3 < scores[0]
    model = open_model(str(tmp_path / "run"), "ring", pytest.fail)
    stdout = io.BytesIO()
    options = ring.sample_config_type(n=200, seed=0)
    sample(model, options, Silent(), lambda: stdout)
    points = np.array(json.loads(stdout.getvalue()))
    assert points.shape == (200, 2)
    assert np.abs(np.linalg.norm(points, axis=1) - 1).mean() < 0.15
    assert np.abs(points.mean(0)).max() < 0.3
