"""Which engine samples a model, and that both make the same of the bundled ones."""

import numpy as np
import pytest
import torch
from helpers import samples_of, tiny_model

from gancli.artifacts.engine import _torch_device, open_engine
from gancli.artifacts.finding import open_model
from gancli.errors import UsageError
from gancli.modalities import get
from gancli.modalities.audio.inversion import mel_to_audio
from gancli.modalities.image.pixels import to_pixels
from gancli.runtime import devices, processors
from gancli.sampling.engines.numpy import NumpyEngine
from gancli.sampling.engines.torch import TorchEngine


@pytest.mark.parametrize(
    ("engine", "device", "signs", "there", "expected"),
    [
        ("auto", "cpu", True, ["cuda", "cpu"], None),
        ("auto", "auto", False, None, None),  # torch is not asked
        ("auto", "auto", True, ["cuda", "cpu"], "cuda"),
        ("auto", "auto", True, ["cpu"], None),  # a GPU that this torch cannot use
        ("auto", "cuda", False, ["cuda", "cpu"], "cuda"),
        ("numpy", "auto", True, None, None),
        ("torch", "cpu", False, ["cpu"], "cpu"),
        ("torch", "auto", False, ["cpu"], "cpu"),
        ("torch", "auto", False, ["mps", "cpu"], "mps"),
    ],
)
def test_numpy_computes_on_the_cpu_and_torch_elsewhere(
    monkeypatch, engine, device, signs, there, expected
):
    monkeypatch.setattr(processors, "may_have_gpu", lambda: signs)
    monkeypatch.setattr(devices, "available", lambda: there)
    image = get("image")
    found = _torch_device(image, image.options_type(engine=engine, device=device))
    assert (None if found is None else found.type) == expected


def test_an_engine_opens_on_the_cpu():
    model, options = tiny_model(), get("image").options_type
    for name, kind in (("auto", NumpyEngine), ("numpy", NumpyEngine), ("torch", TorchEngine)):
        with open_engine(model, options(device="cpu", engine=name)) as engine:
            assert type(engine) is kind


def test_numpy_has_no_gpu(ring):
    image = get("image")
    with pytest.raises(UsageError, match="on the CPU, not on cuda"):
        _torch_device(image, image.options_type(engine="numpy", device="cuda"))
    with pytest.raises(UsageError, match="no networks for ring"):
        _torch_device(ring, ring.options_type(engine="numpy"))
    assert _torch_device(ring, ring.options_type(device="cpu")) == torch.device("cpu")


def both(name, **options):
    model = open_model(name, None, pytest.fail)
    return model, *(samples_of(model, engine=engine, **options) for engine in ("numpy", "torch"))


@pytest.mark.parametrize(
    "options", [{}, {"top_p": 0.8}, {"top_k": 5, "temperature": 1.3}, {"prompt": "ma"}]
)
def test_no_text_differs(options):
    _, one, other = both("names", n=250, seed=0, jsonl=True, **options)
    for sample, again in zip(one, other, strict=True):
        assert np.array_equal(sample.data[:, 0], again.data[:, 0])
        assert np.abs(sample.data[:, 1] - again.data[:, 1]).max() < 1e-4
        assert abs(sample.log_odds - again.log_odds) < 1e-4


@pytest.mark.parametrize("name", ["fashion-mnist", "emoji"])
def test_pictures_differ_by_a_grey_level_at_most(name):
    _, one, other = both(name, n=32, seed=0, guided=2)
    levels = [to_pixels(np.stack([each.data for each in found])).astype(int)
              for found in (one, other)]
    assert [each.request for each in one] == [each.request for each in other]
    assert np.abs(levels[0] - levels[1]).max() <= 1
    assert (levels[0] != levels[1]).mean() < 1e-3 and levels[0].std() > 20


def test_sounds_differ_by_less_than_50_db():
    model, one, other = both("digits", n=6, seed=0)
    for sample, again in zip(one, other, strict=True):
        sound, expected = (mel_to_audio(each.data, model.spec, 0) for each in (sample, again))
        noise = np.square(sound - expected).sum() / np.square(expected).sum()
        assert sound.shape == expected.shape and 10 * np.log10(noise) < -50
