"""A generator as ONNX, for engines other than torch."""

import tempfile
import warnings
from pathlib import Path

import torch

from gancli.artifacts.model import Model
from gancli.errors import GancliError, UsageError
from gancli.storage.files import write_file


def export_onnx(model: Model, path: Path, force: bool) -> None:
    """Write the generator with its inputs by name (for images ``z`` and ``labels``).

    The batch axis is free. The noise of a seed is :func:`gancli.sampling.seeds.normal`.

    Raises:
        UsageError: The file is there and ``force`` is off.
        GancliError: The packages of the onnx extra are missing.
    """
    if path.exists() and not force:
        raise UsageError(f"{path} is there already.", "Replace it with --force, or choose another.")
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise GancliError(
            "ONNX export needs packages that are not installed.",
            "Install them with: pip install 'gancli[onnx]'",
        ) from error
    options = model.modality.sample_config_type()
    arrays = model.modality.generator_inputs([0, 1], model.spec, model.config, options)
    inputs = {name: torch.from_numpy(values) for name, values in arrays.items()}
    batch = torch.export.Dim("batch")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own plans
        made = Path(folder) / "model.onnx"
        torch.onnx.export(
            model.networks["generator"], kwargs=inputs, f=str(made), dynamo=True, verbose=False,
            input_names=list(inputs), output_names=["items"], external_data=False,
            dynamic_shapes={name: {0: batch} for name in inputs},
        )
        write_file(path, made.read_bytes())
