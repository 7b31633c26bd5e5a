"""The same seed gives the same bytes, whatever comes with it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import Recorder, sample_files, samples_of, tiny_model, tiny_networks

from gancli.artifacts.model import load, save
from gancli.artifacts.networks import load_networks, torch_engine
from gancli.errors import GancliError, UsageError
from gancli.modalities.image.codec import ImageCodec
from gancli.modalities.image.config import ImageSampleConfig
from gancli.runtime import processors
from gancli.sampling.guidance import Calibration
from gancli.sampling.request import Inputs, SampleRequest, SeedRequests
from gancli.sampling.sampler import generate
from gancli.sampling.seeds import normal

CPU = torch.device("cpu")


def collect(model, **options):
    """Return the bytes of each seed's item."""
    samples = samples_of(model, **options)
    assert all(sample.data.dtype == np.float32 for sample in samples)
    return {sample.request.seed: sample.data.tobytes() for sample in samples}


def log_odds(model, **options):
    return [sample.log_odds for sample in samples_of(model, **options)]


@pytest.mark.parametrize(
    ("size", "width", "options"),
    [(28, 8, {}), (32, 12, {"up": "nearest", "g_norm": "group"}), (36, 5, {"up": "shuffle"})],
)
@pytest.mark.parametrize(("engine", "threads"), [("numpy", 1), ("torch", 1), ("torch", 2)])
def test_bytes_depend_on_the_seed_alone(size, width, options, engine, threads):
    model = tiny_model(size=size, width=width, **options)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        expected = collect(model, seeds="0-69", engine=engine)
        for batch in (1, 3, 7, 64):
            order = np.random.default_rng(batch).permutation(70)[: 40 + batch % 7]
            items = collect(model, seeds=",".join(map(str, order)), batch=batch, engine=engine)
            assert list(items) == order.tolist()
            assert all(items[seed] == expected[seed] for seed in items), batch
        assert collect(model, seed=69, engine=engine) == {69: expected[69]}
    finally:
        torch.set_num_threads(before)


def engine_of(tile, generator, trainable=None):
    model = tiny_model()
    discriminator = load_networks(model).discriminator
    return torch_engine(model.modality.trainable(), generator, discriminator, CPU, tile)


def test_a_plain_batch_would_not_do():
    # If this ever fails, tiles are no longer needed (and if it is skipped, nothing is shown).
    network = tiny_networks()[2].generator
    z = np.stack([normal(seed, 8) for seed in range(16)])
    plain, tiled = engine_of(None, network), engine_of(16, network)
    one, all_ = Inputs({"z": z[:1]}), Inputs({"z": z})
    if np.array_equal(plain.generate(one), plain.generate(all_)[:1]):
        pytest.skip("this processor computes the same bits in any batch, so tiles change nothing")
    assert np.array_equal(tiled.generate(one), tiled.generate(all_)[:1])


def test_every_kernel_sees_full_tiles_of_float32():
    spec, config, networks = tiny_networks(classes=("a", "b"))
    inputs = []
    networks.generator.register_forward_pre_hook(
        lambda _network, args, kwargs: inputs.append((kwargs["z"], kwargs["labels"])),
        with_kwargs=True,
    )
    trainable = tiny_model().modality.trainable()
    engine = torch_engine(trainable, networks.generator, networks.discriminator, CPU, 16)
    requests = SeedRequests(range(21))
    samples = generate(engine, ImageCodec(spec, config), requests, ImageSampleConfig(batch=5))
    assert len(list(samples)) == 21
    assert all(z.shape == (16, 8) and z.dtype == torch.float32 for z, _ in inputs)
    assert all(label.shape == (16,) and label.dtype == torch.int64 for _, label in inputs)
    assert all(z.data_ptr() % 64 == 0 for z, _ in inputs)


def test_a_class_changes_the_picture_and_not_the_noise():
    model = tiny_model(classes=("cat", "dog"))
    cats = collect(model, n=3, seed=0, class_name="cat")
    dogs = collect(model, n=3, seed=0, class_name="1")
    drawn = samples_of(model, n=30, seed=0)
    assert all(cats[seed] != dogs[seed] for seed in cats)
    assert {sample.label for sample in drawn} == {0, 1}
    for sample in drawn[:3]:
        expected = (cats, dogs)[sample.label][sample.request.seed]
        assert sample.data.tobytes() == expected


def test_a_saved_model_makes_the_same(tmp_path):
    model = tiny_model(classes=("a", "b"))
    save(model, tmp_path / "model")
    assert collect(model, n=5, seed=3) == collect(load(tmp_path / "model"), n=5, seed=3)


def test_few_items_are_in_memory_and_progress_reaches_the_end():
    spec, config, networks = tiny_networks()
    chunks, reporter = [], Recorder()

    class Codec(ImageCodec):
        def inputs(self, requests, options):
            chunks.append(len(requests))
            return super().inputs(requests, options)

    trainable = tiny_model().modality.trainable()
    engine = torch_engine(trainable, networks.generator, networks.discriminator, CPU, 16)
    samples = generate(
        engine, Codec(spec, config), SeedRequests(range(100)), ImageSampleConfig(batch=33), None,
        reporter,
    )
    next(samples)
    assert chunks == [33]
    assert len(list(samples)) == 99 and chunks == [33, 33, 33, 1]
    assert reporter.progressed == [("Sampling", done, 100) for done in (33, 66, 99, 100)]


def test_millions_of_requests_take_no_memory():
    requests = SeedRequests(range(10**12))
    assert len(requests) == 10**12 and requests[7] == SampleRequest(7)
    assert list(requests[5:8]) == [SampleRequest(5), SampleRequest(6), SampleRequest(7)]


def test_threads_are_capped_while_sampling_and_given_back(monkeypatch):
    monkeypatch.setattr(processors, "physical_cores", lambda: 1)
    before, during = torch.get_num_threads(), []
    torch.set_num_threads(2)
    model = tiny_model()
    trainable = model.modality.trainable()

    def generator(network, inputs):
        during.append(torch.get_num_threads())
        return trainable.generate(network, inputs)

    spied = replace(model.modality, trainable=lambda: replace(trainable, generate=generator))
    try:
        collect(replace(model, modality=spied), seed=0, engine="torch")
        assert during == [1] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_missing_device_and_a_class_of_no_model_are_usage_errors(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError):
        collect(tiny_model(), seed=0, device="cuda")
    with pytest.raises(UsageError):
        collect(tiny_model(), seed=0, class_name="cat")
    with pytest.raises(UsageError):  # before any work
        sample_files(tiny_model(), seed=0, class_name="cat")


# Guided by the discriminator


def test_guided_samples_are_those_the_discriminator_prefers():
    model, reporter = tiny_model(Calibration(50.0, 0.0, 0.9)), Recorder()
    first = collect(model, n=3, seed=0)
    guided = samples_of(model, seed=0, n=3, guided=8)
    assert log_odds(model, seed=0, n=3) == [None, None, None]
    assert all(isinstance(sample.log_odds, float) for sample in guided)
    assert any(sample.data.tobytes() != first[sample.request.seed] for sample in guided)
    assert any(sample.request.candidate for sample in guided)
    sample_files(model, reporter, seed=0, n=3, guided=8, grid="plain")
    assert any("of 8 candidates" in note for note in reporter.notes)
    # The scale decides how much the discriminator is believed; at 0 all candidates are alike.
    indifferent = replace(model, calibration=Calibration(0.0, 0.0, 0.5))
    assert log_odds(indifferent, seed=0, n=3, guided=8) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("minibatch_stddev", [False, True])
def test_guided_bytes_depend_on_the_seed_alone(engine, minibatch_stddev):
    model = tiny_model(Calibration(3.0, 0.1, 0.9), minibatch_stddev=minibatch_stddev)

    def samples(**options):
        found = samples_of(model, guided=3, engine=engine, **options)
        return {each.request.seed: (each.data.tobytes(), each.log_odds) for each in found}

    together = samples(seed=0, n=20, batch=64)
    alone = samples(seeds="7,3", batch=1)
    assert alone == {seed: together[seed] for seed in (7, 3)}


def test_a_model_without_a_calibration_refuses_before_any_work():
    spec, config, networks = tiny_networks()
    with pytest.raises(GancliError, match="never calibrated"):
        generate(None, ImageCodec(spec, config), [], ImageSampleConfig(guided=2))
