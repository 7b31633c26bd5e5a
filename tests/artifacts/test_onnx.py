"""ONNX gives the pictures that torch gives."""

import numpy as np
import onnxruntime
import pytest
import torch

from gancli import modalities
from gancli.artifacts.model import Model
from gancli.artifacts.onnx import export_onnx
from gancli.config import resolve
from gancli.errors import UsageError
from gancli.modalities.image.spec import ImageSpec


@pytest.mark.parametrize("classes", [(), ("a", "b")])
def test_onnx_agrees_with_torch_at_any_batch(classes, tmp_path):
    image = modalities.get("image")
    config, _ = resolve(image.config_type, command_line={"g_width": 4, "latent": 6})
    spec = ImageSpec(20, "RGB", "crop", classes, (1,) * len(classes), 2)
    networks = image.build(spec, config)
    for network in networks.values():
        network.eval()
    model = Model(image, spec, config, networks, None, {}, {})
    path = tmp_path / "model.onnx"
    export_onnx(model, path, force=False)
    session = onnxruntime.InferenceSession(path)
    for count in (1, 5):
        options = image.sample_config_type()
        generator_inputs = image.generator_inputs(list(range(count)), spec, config, options)
        (made,) = session.run(None, generator_inputs)
        inputs = {name: torch.from_numpy(values) for name, values in generator_inputs.items()}
        with torch.no_grad():
            wanted = networks["generator"](**inputs).numpy()
        assert made.shape == (count, 3, 20, 20)
        assert np.abs(made - wanted).max() < 1e-5
    with pytest.raises(UsageError, match="there already"):
        export_onnx(model, path, force=False)
