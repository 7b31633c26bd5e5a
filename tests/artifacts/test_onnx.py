"""ONNX gives the pictures that torch gives."""

import numpy as np
import onnxruntime
import pytest
from helpers import tiny_model

from gancli.artifacts.networks import open_engine
from gancli.artifacts.onnx import export_onnx
from gancli.errors import UsageError
from gancli.sampling.request import SeedRequests


@pytest.mark.parametrize("classes", [(), ("a", "b")])
def test_onnx_agrees_with_torch_at_any_batch(classes, tmp_path):
    model, path = tiny_model(size=20, width=4, classes=classes), tmp_path / "model.onnx"
    export_onnx(model, path, force=False)
    session = onnxruntime.InferenceSession(path)
    codec, options = model.modality.codec()(model.spec, model.config), model.modality.options_type()
    for count in (1, 5):
        inputs = codec.inputs(SeedRequests(range(count)), options)
        (exported,) = session.run(None, inputs.named())
        with open_engine(model, "cpu") as engine:
            items = engine.generate(inputs)
        assert exported.shape == (count, 3, 20, 20)
        assert np.abs(exported - items).max() < 1e-5
    with pytest.raises(UsageError, match="exists already"):
        export_onnx(model, path, force=False)
