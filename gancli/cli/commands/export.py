"""``gancli export``."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli import completion
from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak

EXAMPLES = """\
gancli export fashion-mnist -o garments.onnx
gancli export names -o - | wc -c"""

_ModelArgument = Annotated[str, typer.Argument(
    metavar="MODEL|RUN", show_default=False, autocompletion=completion.models,
    help="Model folder, run, or a name that `gancli models` lists.",
)]
_OutputOption = Annotated[str, typer.Option(
    "-o", "--output", metavar="FILE.onnx|-", show_default=False,
    help="File to write, or - for standard output.",
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
        path, stdout = Path(output_path), None
        if output_path == "-":
            stdout = output.binary_stdout()  # refuses a terminal
        else:
            from gancli.storage.outputs import check_file, check_suffix

            check_suffix(path, [".onnx"])
            check_file(path, force)
        from gancli.artifacts.finding import open_model
        from gancli.artifacts.onnx import export_onnx
        from gancli.storage.files import write_file

        graph, data = export_onnx(open_model(model, None, output.warn))
        if stdout is None:
            write_file(path, data)
        else:
            stdout.write(data)
            stdout.flush()
        if output.mode == "json":
            names = {"inputs": graph.input_names, "outputs": graph.output_names}
            output.result({"file": output_path, **names}, to_stderr=stdout is not None)
        else:
            output.note(
                f"Wrote {path if stdout is None else 'standard output'}: "
                f"{', '.join(graph.input_names)} to {', '.join(graph.output_names)}. Its metadata "
                "say under \"usage\" what they are."
            )
