"""The engine that samples a model: on the CPU numpy, which needs no torch, elsewhere torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gancli.artifacts.arrays import load_arrays
from gancli.artifacts.model import AnyModel
from gancli.errors import UsageError
from gancli.modalities.base import AnyModality
from gancli.runtime import blas, processors
from gancli.sampling.config import SampleConfig
from gancli.sampling.engines import Engine
from gancli.sampling.engines.numpy import NumpyEngine

if TYPE_CHECKING:
    import torch


@contextmanager
def open_engine(model: AnyModel, options: SampleConfig) -> Iterator[Engine]:
    """Give the engine of a model, which makes the same bytes of a seed again and again.

    Args:
        model: What to run.
        options: ``engine`` and ``device`` are used.

    Raises:
        UsageError: There is no such device here, or the engine cannot use it.
        GancliError: The model is damaged.
    """
    device = _torch_device(model.modality, options)
    if device is None:
        workers = processors.physical_cores() if blas.has_one_thread() else 1
        yield NumpyEngine(load_arrays(model), workers)
        return
    from gancli.artifacts.networks import open_torch_engine  # importing torch takes seconds

    with open_torch_engine(model, device) as engine:
        yield engine


def _torch_device(modality: AnyModality, options: SampleConfig) -> "torch.device | None":
    """Return where torch is to compute, or None if numpy is to."""
    wanted, able = options.engine, modality.inference is not None
    if wanted == "numpy":
        if options.device not in ("auto", "cpu"):
            raise UsageError(
                f"--engine numpy computes on the CPU, not on {options.device}.",
                "Leave --engine or --device out.",
            )
        if not able:
            raise UsageError(
                f"--engine numpy has no networks for {modality.name}.", "Leave --engine out."
            )
        return None
    on_cpu = options.device == "cpu" or (
        options.device == "auto" and not processors.may_have_gpu()
    )
    if wanted == "auto" and able and on_cpu:
        return None
    from gancli.runtime import devices

    device = devices.choose(options.device)
    return None if wanted == "auto" and able and device.type == "cpu" else device
