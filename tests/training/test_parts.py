"""Budget, average, random numbers, and that measuring threads changes none of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import tiny_run
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gancli import modalities
from gancli.artifacts.model import load
from gancli.artifacts.networks import load_networks
from gancli.config import TrainConfig
from gancli.phases.base import NotFinite
from gancli.phases.overfitting import AugmentationStrength
from gancli.runtime import threads
from gancli.sampling.request import SampleRequest
from gancli.storage import checkpoints
from gancli.storage.checkpoints import Damaged
from gancli.training.budget import Budget
from gancli.training.ema import Ema
from gancli.training.random import step_rng
from gancli.training.state import Progress, capture, restore


def test_ten_minutes_is_the_default_budget():
    assert Budget.of(TrainConfig()) == Budget("time", 600.0)
    assert Budget.of(TrainConfig(images=5)) == Budget("images", 5)


def test_progress_and_time_left():
    budget = Budget("steps", 100)
    assert budget.progress(25, 0, 0) == 0.25
    assert budget.seconds_left(25, 0, 10.0) == pytest.approx(30)
    assert Budget("time", 60).seconds_left(1, 1, 20.0) == 40


def test_average_follows_by_its_half_life():
    network = nn.BatchNorm2d(3)
    average = Ema(network, fraction=0.5)
    with torch.no_grad():
        network.weight.fill_(3.0)
        network.running_mean.fill_(8.0)
    # 32 items after 64 in all: the half-life is 32, so one step goes half the way.
    average.update(network, 32, 64)
    assert torch.allclose(average.network.weight, torch.full((3,), 2.0))
    assert torch.equal(average.network.running_mean, torch.zeros(3))  # not an average's to take
    assert not average.network.training


def test_statistics_are_those_of_the_average_itself_and_taken_once_after_an_update():
    network, calls = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), []
    average = Ema(network, fraction=0.5)
    nn.init.normal_(network[0].weight)
    average.update(network, 32, 64)
    batches = torch.randn(4, 50, 2)

    def generate():
        calls.append([average.network(batch) for batch in batches])

    average.take_statistics(generate)
    average.take_statistics(generate)
    assert len(calls) == 1
    hidden = average.network[0](batches)
    norm = average.network[1]
    assert torch.allclose(norm.running_mean, hidden.mean((0, 1)), atol=1e-6)
    assert torch.allclose(norm.running_var, hidden.var(1).mean(0), atol=1e-6)
    assert not norm.training
    average.update(network, 32, 64)
    average.take_statistics(generate)
    assert len(calls) == 2


def test_spectral_norm_divides_an_average_by_its_own_singular_value():
    torch.manual_seed(0)
    network = nn.Sequential(spectral_norm(nn.Linear(6, 5)), nn.BatchNorm1d(5))
    average = Ema(network, fraction=0.5)
    noise = torch.randn(50, 6)

    def generate():
        for _ in range(4):
            average.network(noise)

    for step in range(200):  # of a network that forgets: an average of its vectors is no vector
        nn.init.normal_(network[0].parametrizations.weight.original)
        network(noise)
        average.update(network, 32, 32 * (step + 1))
    average.take_statistics(generate)
    weight = average.network[0].weight
    assert float(torch.linalg.matrix_norm(weight, 2)) == pytest.approx(1, rel=0.1)
    # And batch norm has seen what this weight makes, not what came while it was sought.
    made = average.network[0](noise)
    assert torch.allclose(average.network[1].running_mean, made.mean(0), atol=1e-6)
    assert not any(module.training for module in average.network.modules())


def test_a_model_samples_with_the_statistics_of_its_own_weights(pictures, tmp_path):
    model = load(tiny_run(pictures, tmp_path / "run", steps=30))
    generator = load_networks(model).generator
    average = Ema(generator, fraction=0.0)
    codec = model.modality.codec()(model.spec, model.config)
    requests = [SampleRequest(seed) for seed in range(2_000)]
    inputs = {
        name: torch.from_numpy(array)
        for name, array in codec.inputs(requests, model.modality.options_type()).named().items()
    }
    average.take_statistics(lambda: average.network(**inputs))
    saved, anew = generator.state_dict(), average.network.state_dict()
    for name in saved:
        if name.endswith("running_var"):  # taken from other seeds: alike, but not equal
            assert torch.allclose(saved[name], anew[name], rtol=0.2), name


def test_no_average_is_a_copy():
    network = nn.Linear(2, 2)
    average = Ema(network, fraction=0.0)
    nn.init.ones_(network.weight)
    average.update(network, 8, 8)
    assert torch.equal(average.network.weight, network.weight)


def test_random_numbers_depend_on_every_part_of_their_key_and_on_nothing_else():
    def draw(*key):
        return torch.rand(4, generator=step_rng(torch.device("cpu"), *key)).tolist()

    assert draw(1, 5, 0) == draw(1, 5, 0)
    keys = [(1, 5, 0), (2, 5, 0), (1, 6, 0), (1, 5, 1)]
    assert len({tuple(draw(*key)) for key in keys}) == 4


@pytest.mark.parametrize("finite", [True, False])
def test_measuring_threads_leaves_the_training_as_it_is(monkeypatch, pictures, tmp_path, finite):
    """Even where the copies that it trains break."""
    image, training, trials = modalities.get("image"), [], []

    class Watched:
        """The adversarial phase, which knows the networks of the training from copies."""

        def __init__(self, phase):
            self.phase = phase

        def __getattr__(self, name):
            return getattr(self.phase, name)

        def step(self, context):
            if context.networks is not training[-1]:
                trials.append(context.step)
                if not finite:
                    raise NotFinite
            return self.phase.step(context)

    def start(*args):
        training.append(image.trainable().start(*args))
        return training[-1]

    def phases(*args):
        return [Watched(phase) for phase in image.trainable().phases(*args)]

    def fastest(step):
        step()
        torch.set_num_threads(1)
        return 1, {1: 1.0}

    monkeypatch.setattr(threads, "fastest", fastest)
    monkeypatch.setattr(threads, "cores", lambda: 2)
    monkeypatch.setattr(threads, "_REST", 0.0)
    monkeypatch.setattr(threads, "_MAX_FRACTION", 1e9)
    watched = replace(
        image, trainable=lambda: replace(image.trainable(), start=start, phases=phases)
    )
    before = torch.get_num_threads()
    for wanted, measured in (("1", 0), ("auto", 7)):  # at the start, and after each step
        tiny_run(
            pictures, tmp_path / wanted, modality=watched, steps=6, threads=wanted,
            augment="all", device="cpu",
        )
        assert len(trials) == measured
    torch.set_num_threads(before)
    ends = [checkpoints.load(tmp_path / wanted / "checkpoints", 6) for wanted in ("1", "auto")]
    for group, arrays in ends[0].arrays.items():
        assert arrays.keys() == ends[1].arrays[group].keys()
        assert all(np.array_equal(arrays[name], ends[1].arrays[group][name]) for name in arrays)


def test_a_checkpoint_from_before_a_counter_existed_can_be_taken_up_but_not_one_without_weights():
    network = nn.Linear(2, 2)
    average, strength = Ema(network, 0.0), AugmentationStrength()
    older = capture(Progress(), {"generator": network}, average, {}, {})
    restore(older, {"generator": network, "augmentation": strength}, average, {})
    assert strength.strength == 0
    with pytest.raises(Damaged, match="discriminator has another shape"):
        restore(older, {"generator": network, "discriminator": nn.Linear(2, 1)}, average, {})
