"""A device whose checks for finite updates are deferred: nothing is lost or changed by that.

The CPU plays such a device here; it goes the same way as a GPU, except for where the numbers are.
"""

import numpy as np
import pytest
import torch
from helpers import Recorder, assert_same, entries, tiny_run, train_run

from gancli import modalities
from gancli.artifacts.model import load
from gancli.data.dataset import Dataset
from gancli.phases import base
from gancli.phases.adversarial_step import AdversarialStep
from gancli.phases.base import NotFinite, all_finite, update
from gancli.storage import checkpoints
from gancli.training import feed


@pytest.fixture
def deferred(monkeypatch):
    return lambda: monkeypatch.setattr(base, "reads_stall", lambda device: True)


def network_of(value):
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(network.weight, value)
    return network, torch.optim.Adam(network.parameters(), 0.5, fused=True)


def loss_of(network, factor=1.0):
    return factor * network(torch.ones(1, 1)).sum()


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_after_a_gradient_that_is_not_finite_nothing_is_applied(deferred, factor):
    network, optimizer = network_of(3.0)
    with pytest.raises(NotFinite):
        update(optimizer, loss_of(network, factor), max_norm=1.0)
    deferred()
    assert all_finite([optimizer])
    update(optimizer, loss_of(network), max_norm=1.0)
    assert network.weight.item() == pytest.approx(2.5) and all_finite([optimizer])
    for each in (factor, 1.0):
        update(optimizer, loss_of(network, each), max_norm=1.0)
        assert network.weight.item() == pytest.approx(2.5) and not all_finite([optimizer])
    assert optimizer.state[network.weight]["step"] == 1


def test_gradients_are_shortened_alike(deferred):
    for when in (lambda: None, deferred):
        when()
        network, optimizer = network_of(3.0)
        update(optimizer, loss_of(network, 8.0), max_norm=2.0)
        assert network.weight.grad.item() == 2.0
        update(optimizer, loss_of(network, 0.5), max_norm=2.0)
        assert network.weight.grad.item() == 0.5


def text_run(folder, path):
    (folder / "names.txt").write_text("".join(f"name {index % 7}{index}\n" for index in range(60)))
    return train_run(
        modalities.get("text"), folder / "names.txt", path, steps=12, threads="1", g_width=8,
        precision="fp32", d_width=8, embedding=4, batch=8, preset="adversarial", warm_start=0.5,
        adversarial=0.2,
    )


def test_a_training_is_the_same(deferred, pictures, tmp_path):
    tiny_run(pictures, tmp_path / "image", d_norm="batch")
    text_run(tmp_path, tmp_path / "text")
    deferred()
    tiny_run(pictures, tmp_path / "deferred-image", d_norm="batch")
    text_run(tmp_path, tmp_path / "deferred-text")
    assert_same(tmp_path / "deferred-image", tmp_path / "image")
    assert_same(tmp_path / "deferred-text", tmp_path / "text")


@pytest.mark.parametrize(("bad", "save_every", "told"), [
    (3, "50", 10), (3, "3", 6), (7, "1", 8), (11, "50", 12),  # steps from 0; steps done
])
def test_it_is_told_before_anything_is_kept(
    deferred, pictures, tmp_path, monkeypatch, bad, save_every, told
):
    deferred()
    generate, taken = AdversarialStep.generate, []

    def poisoned(self, *args):
        taken.append(self.context.step)
        items = generate(self, *args)
        return items * float("nan") if taken.count(bad) == 1 and taken[-1] == bad else items

    monkeypatch.setattr(AdversarialStep, "generate", poisoned)
    heard = Recorder()
    tiny_run(pictures, tmp_path / "run", heard, save_every=save_every, d_norm="batch")
    assert sum("not a finite number. Rolled back" in text for text in heard.warnings) == 1
    back = next(place for place, (one, other) in enumerate(zip(taken, taken[1:], strict=False))
                if other <= one)
    assert taken[back] + 1 <= told  # the last step before it went back
    weights = load(tmp_path / "run" / "model").weights.read()
    assert all(np.isfinite(array).all() for array in weights.values())
    for step in checkpoints.steps(tmp_path / "run" / "checkpoints"):
        saved = checkpoints.load(tmp_path / "run" / "checkpoints", step)
        for group in saved.arrays.values():
            assert all(np.isfinite(array).all() for array in group.values())
    assert entries(tmp_path / "run")[-1]["step"] == 12


# Data on the device


@pytest.mark.parametrize("labels", [None, np.arange(50) % 3])
def test_items_that_stay_on_the_device_are_those_of_the_data_set(monkeypatch, labels):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3), np.uint8)
    pixels.setflags(write=False)  # as an array on the disk is
    everything = np.arange(50)
    dataset = Dataset({"pixels": pixels}, labels, everything, everything, "")
    monkeypatch.setattr(feed, "_CHUNK", 1000)  # bytes: 20 items
    indices = np.array([7, 0, 49, 7])
    for space in (0, pixels.nbytes + 400):
        monkeypatch.setattr(feed, "room", lambda device, space=space: space)
        given = feed.Feed(dataset, torch.device("cpu"))
        assert (given._kept is None) == (space == 0)
        batch = given.take(indices)
        assert batch.arrays["pixels"].dtype == torch.uint8
        assert np.array_equal(batch.arrays["pixels"].numpy(), pixels[indices])
        if labels is None:
            assert batch.labels is None
        else:
            assert batch.labels.dtype == torch.int64 and batch.labels.tolist() == [1, 0, 1, 1]


def test_items_that_a_data_set_makes_are_asked_for(monkeypatch):
    class Doubled(Dataset):
        def take(self, indices):
            items = super().take(indices)
            return type(items)({"x": 2 * items.arrays["x"]}, None)

    monkeypatch.setattr(feed, "room", lambda device: 1 << 20)
    everything = np.arange(5)
    dataset = Doubled({"x": np.arange(5.0)}, None, everything, everything, "")
    assert feed.Feed(dataset, torch.device("cpu")).take(np.array([3])).arrays["x"].item() == 6.0
