"""Steps leave nothing behind: no open file, no tensor, no object.

tests/benchmarks/steady.py does the same for thousands, and looks at memory and time as well.
"""

import gc
import os
from pathlib import Path

import pytest
import torch
from helpers import Recorder, train_run

STEPS = 120


class Counter(Recorder):
    """Counts at some steps, when nothing is being measured or saved."""

    def __init__(self, *steps):
        super().__init__()
        self.steps, self.counts = steps, []

    def status(self, status):  # and keep none, which would grow
        if status.step in self.steps:
            gc.collect()
            objects = gc.get_objects()
            tensors = sum(issubclass(type(each), torch.Tensor) for each in objects)
            self.counts.append((len(os.listdir("/proc/self/fd")), tensors, len(objects)))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux lists open files")
def test_nothing_is_left_behind(ring, tmp_path):
    counter = Counter(41, 81, 119)
    train_run(ring, tmp_path, tmp_path / "run", counter, steps=STEPS, width=4, threads="1",
              save_every="25", device="cpu", precision="fp32")
    warm, middle, late = counter.counts
    assert warm[:2] == middle[:2] == late[:2]
    assert late[2] - middle[2] < 30  # 38 steps and a checkpoint
