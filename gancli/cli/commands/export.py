"""``gancli export``."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli import completion
from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak

EXAMPLES = "gancli export fashion-mnist -o garments.onnx"

_ModelArgument = Annotated[str, typer.Argument(
    metavar="MODEL|RUN", show_default=False, autocompletion=completion.models,
    help="Model folder, run, or a name that `gancli models` lists.",
)]
_OutputOption = Annotated[str, typer.Option(
    "-o", "--output", metavar="FILE.onnx", show_default=False, help="File to write.",
)]
_ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]


def command(
    context: typer.Context,
    model: _ModelArgument,
    output_path: _OutputOption,
    force: _ForceOption = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write a generator as ONNX; needs gancli[onnx].

    Programs without gancli can run it: pictures and sounds (as mel frames) are made in one pass,
    texts a token at a time. The file's metadata say how it is used.
    """
    with speak(context, json_, quiet, verbose) as output:
        from gancli.artifacts.finding import open_model
        from gancli.artifacts.onnx import export_onnx

        path = Path(output_path)
        graph = export_onnx(open_model(model, None, output.warn), path, force)
        if output.mode == "json":
            output.result({
                "file": str(path), "inputs": graph.input_names, "outputs": graph.output_names,
            })
        else:
            output.note(
                f"Wrote {path}: {', '.join(graph.input_names)} to "
                f"{', '.join(graph.output_names)}. Its metadata say under \"usage\" what they are."
            )
