"""A generator as ONNX, for programs without gancli."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import torch

import gancli
from gancli.artifacts.model import AnyModel
from gancli.artifacts.networks import load_networks
from gancli.errors import GancliError
from gancli.modalities.base import Graph, whole_generator
from gancli.sampling.request import SeedRequests

# Neither 1, of which exporters make a constant, nor a size that a network may have.
_EXAMPLES = 3


def export_onnx(model: AnyModel) -> tuple[Graph, bytes]:
    """Return what samples a generator, with any number of items at once, and its ONNX file.

    Pictures and sounds are made in one pass, texts a token at a time. The metadata of the file say
    how, under ``usage``. The noise of a seed is :func:`gancli.sampling.seeds.normal`.

    Raises:
        GancliError: The packages of the onnx extra are missing, or this torch cannot export the
            network.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise GancliError(
            "ONNX export needs packages that are not installed.",
            "Install them with: pip install 'gancli[onnx]'",
        ) from error
    graph = _graph(model)
    try:
        with _silent(), torch.no_grad():
            proto = _exported(graph)
    except Exception as error:  # of many kinds, none of them public
        raise GancliError(
            f"torch {torch.__version__} cannot export this network: {_first_line(error)}",
            "Try another version of torch; -v shows the whole error.",
        ) from error
    metadata = {
        "gancli": gancli.__version__, "modality": model.modality.name, **graph.metadata
    }
    for name, value in metadata.items():
        proto.metadata_props.add(key=name, value=value)
    return graph, proto.SerializeToString()


def _graph(model: AnyModel) -> Graph:
    trainable = model.modality.trainable()
    generator = load_networks(model).generator
    codec = model.modality.codec()(model.spec, model.config)
    arrays = codec.inputs(SeedRequests(range(_EXAMPLES)), model.modality.options_type()).named()
    inputs = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if trainable.graph is None:
        return whole_generator(generator, inputs, {})
    graph: Graph = trainable.graph(generator, model.spec, model.config, inputs)
    return graph


def _exported(graph: Graph) -> Any:
    """Return a graph as ONNX's protocol buffer."""
    names: dict[str, Any] = {}

    def free(axes: Any) -> Any:
        if isinstance(axes, list):
            return [free(each) for each in axes]
        return {
            axis: names.setdefault(name, torch.export.Dim(name)) for axis, name in axes.items()
        }

    program = torch.onnx.export(
        graph.module.eval(), kwargs=dict(graph.inputs), dynamo=True, verbose=False,
        input_names=graph.input_names, output_names=graph.output_names,
        dynamic_shapes={name: free(axes) for name, axes in graph.axes.items()},
    )
    assert program is not None
    return program.model_proto


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what the exporter says of itself from the terminal."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _first_line(error: BaseException) -> str:
    cause = error.__cause__ or error  # the exporter's own says which of its steps failed
    return next(iter(str(cause).splitlines()), type(cause).__name__)
