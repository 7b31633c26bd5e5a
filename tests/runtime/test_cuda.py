"""What only a GPU can show; tests/benchmarks/gpu_check.py runs these on one."""

import numpy as np
import pytest
import torch
from helpers import Recorder, samples_of, tiny_model, tiny_run

from gancli.artifacts.model import load
from gancli.data.dataset import Dataset
from gancli.phases.adversarial_step import AdversarialStep
from gancli.phases.base import all_finite, update
from gancli.training.feed import Feed

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU of CUDA here"),
]
CUDA = torch.device("cuda")


@pytest.mark.parametrize("max_norm", [None, 1.0])
def test_an_update_that_is_not_finite_is_skipped_without_a_wait(max_norm):
    network = torch.nn.Linear(1, 1, bias=False).to(CUDA)
    torch.nn.init.constant_(network.weight, 3.0)
    optimizer = torch.optim.Adam(network.parameters(), 0.5, fused=True)
    factors = torch.tensor([1.0, float("nan"), 1.0], device=CUDA)
    items = torch.ones(1, 1, device=CUDA)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")  # a wait would raise
    try:
        for factor in factors:
            update(optimizer, factor * network(items).sum(), max_norm)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert not all_finite([optimizer])
    assert network.weight.item() == pytest.approx(2.5)


@pytest.mark.parametrize("stays", [True, False])
def test_items_come_to_the_device_as_they_are(monkeypatch, stays):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3), np.uint8)
    everything, labels = np.arange(50), np.arange(50) % 3
    dataset = Dataset({"pixels": pixels}, labels, everything, everything, "")
    if not stays:
        monkeypatch.setattr("gancli.training.feed.room", lambda device: 0)
    feed = Feed(dataset, CUDA)
    assert (feed._kept is not None) == stays
    batch = feed.take(np.array([7, 0, 49, 7]))
    assert batch.arrays["pixels"].device.type == batch.labels.device.type == "cuda"
    assert np.array_equal(batch.arrays["pixels"].cpu().numpy(), pixels[[7, 0, 49, 7]])
    assert batch.labels.tolist() == [1, 0, 1, 1]


def test_a_training_ends_and_goes_back_from_what_is_not_finite(pictures, tmp_path, monkeypatch):
    generate, taken = AdversarialStep.generate, []

    def poisoned(self, *args):
        taken.append(self.context.step)
        items = generate(self, *args)
        return items * float("nan") if taken.count(3) == 1 and taken[-1] == 3 else items

    monkeypatch.setattr(AdversarialStep, "generate", poisoned)
    heard = Recorder()
    run = tmp_path / "run"
    tiny_run(pictures, run, heard, device="cuda")
    assert sum("not a finite number. Rolled back" in text for text in heard.warnings) == 1
    weights = load(run / "model").weights.read()
    assert all(np.isfinite(array).all() for array in weights.values())


def test_bytes_depend_on_the_seed_alone():
    model = tiny_model()
    together = {sample.request.seed: sample.data.tobytes()
                for sample in samples_of(model, n=40, seed=0, device="cuda")}
    for sample in samples_of(model, seeds="7,33", batch=1, device="cuda"):
        assert sample.data.tobytes() == together[sample.request.seed]
