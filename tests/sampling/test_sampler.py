"""The same seed gives the same bytes, whatever comes with it."""

import io

import numpy as np
import pytest
import torch

from gancli.artifacts.model import Model, load, save
from gancli.errors import GancliError, UsageError
from gancli.modalities import get
from gancli.modalities.image.config import ImageConfig, ImageSampleConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.reporting import Silent
from gancli.sampling import sampler
from gancli.sampling.guidance import Calibration
from gancli.sampling.sampler import compute, sample
from gancli.sampling.seeds import normal

CPU = torch.device("cpu")


def model(size=28, width=8, classes=(), **options):
    torch.manual_seed(0)
    spec = ImageSpec(size, "RGB", "crop", classes, tuple(range(1, len(classes) + 1)), 100)
    config = ImageConfig(g_width=width, d_width=4, latent=8, **options)
    networks = get("image").build(spec, config)
    generator = networks["generator"].train()
    with torch.no_grad():  # fills the running statistics of batch norm
        generator(torch.randn(8, 8), torch.zeros(8, dtype=torch.int64) if classes else None)
    for network in networks.values():
        network.eval().requires_grad_(False)
    return Model(get("image"), spec, config, networks, None, {}, {})


class Ear(Silent):
    def __init__(self):
        self.notes, self.steps = [], []

    def note(self, text):
        self.notes.append(text)

    def progress(self, what, done, total):
        self.steps.append((done, total))


def collect(made, reporter=None, scores=None, calibration=None, **options):
    """Return each key with the bytes of its item, as the modality's writer would get them."""
    found = {}
    scores = {} if scores is None else scores

    class Modality:
        tile = 16
        generator_inputs = staticmethod(made.modality.generator_inputs)

        @staticmethod
        def write(items, seeds, spec, options, reporter, stdout):
            for key, item, score in items(seeds):
                scores[key] = score
                assert item.dtype == np.float32
                found[key] = item.tobytes()
            return []

    fake = Model(Modality(), made.spec, made.config, made.networks, calibration, {}, {})
    sample(fake, ImageSampleConfig(**options), reporter or Silent(), io.BytesIO)
    return found


@pytest.mark.parametrize(
    ("size", "width", "options"),
    [(28, 8, {}), (32, 12, {"up": "nearest", "g_norm": "group"}), (36, 5, {"up": "shuffle"})],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_bytes_depend_on_the_seed_alone(size, width, options, threads):
    made = model(size, width, **options)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        expected = collect(made, seeds="0-69")
        for batch in (1, 3, 7, 64):
            order = np.random.default_rng(batch).permutation(70)[: 40 + batch % 7]
            found = collect(made, seeds=",".join(map(str, order)), batch=batch)
            assert list(found) == order.tolist()
            assert all(found[seed] == expected[seed] for seed in found), batch
        assert collect(made, seed=69) == {69: expected[69]}
    finally:
        torch.set_num_threads(before)


def test_a_plain_batch_would_not_do():
    # If this ever fails, tiles are no longer needed (and if it is skipped, nothing is shown).
    network = model().networks["generator"]
    z = torch.from_numpy(np.stack([normal(seed, 8) for seed in range(16)]))
    if torch.equal(network(z[:1]), network(z)[:1]):
        pytest.skip("this machine rounds alike in batches of any size")
    alone = compute(network, {"z": z[:1].numpy()}, CPU, 16)
    assert np.array_equal(alone, compute(network, {"z": z.numpy()}, CPU, 16)[:1])


def test_every_kernel_sees_full_tiles_of_float32():
    made, seen = model(classes=("a", "b")), []
    made.networks["generator"].register_forward_pre_hook(
        lambda _network, args, kwargs: seen.append((kwargs["z"], kwargs["labels"])),
        with_kwargs=True,
    )
    assert len(collect(made, seeds="0-20", batch=5)) == 21
    assert all(z.shape == (16, 8) and z.dtype == torch.float32 for z, _ in seen)
    assert all(label.shape == (16,) and label.dtype == torch.int64 for _, label in seen)
    assert all(z.data_ptr() % 64 == 0 for z, _ in seen)


def test_a_class_changes_the_picture_and_not_the_noise():
    made = model(classes=("cat", "dog"))
    cats, dogs = collect(made, n=3, seed=0, class_name="cat"), collect(made, n=3, seed=0,
                                                                       class_name="1")
    drawn = collect(made, n=3, seed=0)
    assert all(cats[seed] != dogs[seed] for seed in cats)
    assert all(drawn[seed] in (cats[seed], dogs[seed]) for seed in drawn)


def test_a_saved_model_makes_the_same(tmp_path):
    made = model(classes=("a", "b"))
    save(made, tmp_path / "model")
    assert collect(made, n=5, seed=3) == collect(load(tmp_path / "model"), n=5, seed=3)


def test_a_random_seed_is_said_and_a_given_one_is_not():
    ear = Ear()
    found = collect(model(), ear, n=3)
    assert f"--seed {min(found)} -n 3" in ear.notes[0]
    collect(model(), quiet := Ear(), seed=1)
    assert quiet.notes == []


def test_few_items_are_in_memory_and_progress_reaches_the_end():
    made, ear, largest = model(), Ear(), []

    def generator_inputs(keys, *rest):
        largest.append(len(keys))
        return get("image").generator_inputs(keys, *rest)

    class Modality:
        tile = 16
        write = staticmethod(lambda items, seeds, *rest: [None for _ in items(seeds)])

    fake = Model(Modality(), made.spec, made.config, made.networks, None, {}, {})
    Modality.generator_inputs = staticmethod(generator_inputs)
    sample(fake, ImageSampleConfig(n=100, seed=0, batch=33), ear, io.BytesIO)
    assert max(largest) == 48  # 33 in whole tiles
    assert ear.steps == [(48, 100), (96, 100), (100, 100)]


def test_threads_are_capped_while_sampling_and_given_back(monkeypatch):
    monkeypatch.setattr(sampler.devices, "physical_cores", lambda: 1)
    before, during = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        made = model()
        made.networks["generator"].register_forward_hook(
            lambda *_: during.append(torch.get_num_threads())
        )
        collect(made, seed=0)
        assert during == [1] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_missing_device_and_a_class_of_no_model_are_usage_errors(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError):
        collect(model(), seed=0, device="cuda")
    with pytest.raises(UsageError):
        collect(model(), seed=0, class_name="cat")


# Guided by the discriminator


def test_guided_samples_are_those_the_discriminator_prefers():
    made, calibration = model(), Calibration(50.0, 0.0, 0.9)
    plain, guided, ear = {}, {}, Ear()
    known = [collect(made, calibration=calibration, seeds=f"{seed}") for seed in range(3)]
    collect(made, calibration=calibration, scores=plain, seed=0, n=3)
    picked = collect(made, ear, calibration=calibration, scores=guided, seed=0, n=3, guided=8)
    assert set(plain.values()) == {None}
    assert all(isinstance(score, float) for score in guided.values())
    assert any(picked[seed] != known[seed][seed] for seed in range(3))
    assert any("of 8 candidates" in note for note in ear.notes)
    # The scale decides how much the discriminator is believed: none of it is the first draw.
    free = {}
    collect(made, calibration=Calibration(0.0, 0.0, 0.5), scores=free, seed=0, n=3, guided=8)
    assert set(free.values()) == {0.0}


def test_guided_bytes_depend_on_the_seed_alone():
    made, calibration = model(), Calibration(3.0, 0.1, 0.9)
    together = collect(made, calibration=calibration, seed=0, n=20, guided=3, batch=64)
    alone = collect(made, calibration=calibration, seeds="7", guided=3, batch=1)
    assert together[7] == alone[7]


def test_a_model_without_a_guide_refuses():
    with pytest.raises(GancliError, match="never calibrated"):
        collect(model(), seed=0, guided=2)
