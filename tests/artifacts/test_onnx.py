"""What is exported runs in onnxruntime, at any batch, and makes what the engine makes."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from helpers import tiny_model

from gancli.artifacts.arrays import load_arrays
from gancli.artifacts.model import Model, Weights
from gancli.artifacts.onnx import export_onnx
from gancli.layers import weights
from gancli.modalities import get
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.text.inference import draw
from gancli.modalities.text.spec import TextSpec
from gancli.sampling.engines.numpy import NumpyEngine
from gancli.sampling.request import SeedRequests

BATCHES = (1, 3, 16)
CLASSES = {"classes": ("a", "b"), "class_counts": (3, 4), "count": 7}


def model_of(modality, spec, **options):
    torch.manual_seed(0)
    kind = get(modality)
    config = kind.config_type(**options)
    networks = kind.trainable().build(spec, config).named()
    with torch.no_grad():
        for name, tensor in networks["generator"].named_buffers():
            if name.endswith((".shapes", ".deviation")):
                tensor.normal_(0.0, 0.3)
        for tensor in networks["generator"].parameters():
            tensor.mul_(2.0)
    arrays = Weights.of("m", weights.joined(networks))
    return Model(kind, spec, config, arrays, None, {}, {})


def exported(model, tmp_path, capfd):
    path = tmp_path / "model.onnx"
    path.write_bytes(export_onnx(model)[1])
    assert capfd.readouterr() == ("", "")  # the libraries' own chatter
    session = onnxruntime.InferenceSession(path)
    return session, session.get_modelmeta().custom_metadata_map


def inputs_of(model, count):
    codec = model.modality.codec()(model.spec, model.config)
    return codec.inputs(SeedRequests(range(count)), model.modality.options_type())


def check_whole(model, session):
    engine = NumpyEngine(load_arrays(model))
    for count in BATCHES:
        inputs = inputs_of(model, count)
        (items,) = session.run(None, inputs.named())
        expected = engine.generate(inputs)
        assert items.shape == expected.shape and np.ptp(expected) > 0
        assert np.abs(items - expected).max() < 1e-4


@pytest.mark.parametrize("classes", [(), ("a", "b")])
def test_pictures(classes, tmp_path, capfd):
    model = tiny_model(size=20, width=4, classes=classes)
    session, metadata = exported(model, tmp_path, capfd)
    check_whole(model, session)
    assert metadata["modality"] == "image" and json.loads(metadata["classes"]) == list(classes)
    assert "(n, 3, 20, 20), pictures of RGB in [-1, 1]" in metadata["usage"]


@pytest.mark.parametrize("cell", ["lstm", "gru", "transformer"])
def test_sounds(cell, tmp_path, capfd):
    spec = AudioSpec(8000, 1, 128, 512, 8, 12, True, True, (-1.0,) * 8, (0.7,) * 8, **CLASSES)
    model = model_of("audio", spec, g_cell=cell, g_width=12, d_width=8, latent=5, g_layers=2)
    session, metadata = exported(model, tmp_path, capfd)
    check_whole(model, session)
    assert "Hann windows of 512 samples, 128 apart, at 8000 Hz" in metadata["usage"]
    assert json.loads(metadata["spec"])["mean"] == [-1.0] * 8


@pytest.mark.parametrize(
    ("cell", "classes", "tied"),
    [("lstm", CLASSES, True), ("rnn", {**CLASSES, "classes": (), "class_counts": ()}, False),
     ("transformer", CLASSES, False)],
)
def test_texts_token_by_token(cell, classes, tied, tmp_path, capfd):
    spec = TextSpec("char", tuple("abcdefghé"), "", 9, "lines", "", 0, 0, **classes)
    model = model_of("text", spec, g_cell=cell, g_width=16, d_width=8, embedding=6, tied=tied,
                     g_layers=2)
    session, metadata = exported(model, tmp_path, capfd)
    assert metadata["end"] == "0" and metadata["length"] == "9"
    pieces = json.loads(metadata["pieces"])
    assert "".join(pieces).encode("latin-1").decode() == "abcdefghé"
    engine = NumpyEngine(load_arrays(model))
    for count in BATCHES:
        inputs = inputs_of(model, count)
        expected = engine.generate(inputs)
        token, running = np.full(count, -1), np.ones(count, bool)
        state = {
            each.name: np.zeros(
                [count if side == "batch" else 0 if side == "steps" else side
                 for side in each.shape], np.float32,
            )
            for each in session.get_inputs() if each.name.startswith("state")
        }
        labels = {} if inputs.labels is None else {"labels": inputs.labels}
        for step in range(9):
            logits, *parts = session.run(None, {"token": token, **labels, **state})
            state = dict(zip(state, parts, strict=True))
            token = draw(logits, inputs.arrays["noise"][:, step])
            assert (token == expected[:, step, 0])[running].all()
            chances = torch.from_numpy(logits).log_softmax(1).numpy()[np.arange(count), token]
            assert np.abs(chances - expected[:, step, 1])[running].max() < 1e-4
            running &= token != 0
            if not running.any():
                break
