"""A generator as ONNX, for engines other than torch."""

import tempfile
import warnings
from pathlib import Path

import torch

from gancli.artifacts.model import AnyModel
from gancli.artifacts.networks import load_networks
from gancli.errors import GancliError, UsageError
from gancli.sampling.request import SampleRequest
from gancli.storage.files import write_file


def export_onnx(model: AnyModel, path: Path, force: bool) -> None:
    """Write the generator with its inputs by name (for images ``z`` and ``labels``).

    The batch axis is free. The noise of a seed is :func:`gancli.sampling.seeds.normal`.

    Raises:
        UsageError: The file exists and ``force`` is off.
        GancliError: The packages of the onnx extra are missing.
    """
    if path.exists() and not force:
        raise UsageError(f"{path} exists already.", "Replace it with --force, or choose another.")
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise GancliError(
            "ONNX export needs packages that are not installed.",
            "Install them with: pip install 'gancli[onnx]'",
        ) from error
    codec = model.modality.codec()(model.spec, model.config)
    requests = [SampleRequest(0), SampleRequest(1)]
    arrays = codec.inputs(requests, model.modality.options_type()).named()
    inputs = {name: torch.from_numpy(array) for name, array in arrays.items()}
    batch = torch.export.Dim("batch")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own plans
        exported = Path(folder) / "model.onnx"
        torch.onnx.export(
            load_networks(model).generator, kwargs=inputs, f=str(exported), dynamo=True,
            verbose=False, input_names=list(inputs), output_names=["items"], external_data=False,
            dynamic_shapes={name: {0: batch} for name in inputs},
        )
        write_file(path, exported.read_bytes())
