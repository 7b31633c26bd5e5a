"""``gancli report``."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli import console
from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak
from gancli.errors import UsageError

EXAMPLES = """\
gancli report runs/first --open
gancli report runs/first -o page.html"""

_RunArgument = Annotated[str, typer.Argument(
    metavar="RUN", show_default=False, help="Directory of a run, in training or not.",
)]
_OutputOption = Annotated[str | None, typer.Option(
    "-o", "--output", metavar="FILE.html|-", show_default=False,
    help="File to write, or - for standard output; by default report.html in the run.",
)]
_OpenOption = Annotated[bool, typer.Option("--open", help="Show it in the web browser.")]
_ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


def command(
    context: typer.Context,
    run: _RunArgument,
    output_path: _OutputOption = None,
    open_: _OpenOption = False,
    force: _ForceOption = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write a run's curves, samples, options and layers as one HTML file.

    The file needs no network and nothing beside it. Training writes the same one, with each
    preview.
    """
    with speak(context, json_, quiet, verbose) as output:
        if output_path == "-" and (open_ or json_):
            raise UsageError(
                f"-o - writes the page to standard output, which {'--open' if open_ else '--json'} "
                "does not go with.", "Name a file with -o.",
            )
        from gancli.artifacts.report import outcome, report_page
        from gancli.artifacts.run import REPORT, in_training, need_run
        from gancli.storage.files import write_file

        path = Path(run)
        need_run(path)
        target = Path(output_path or path / REPORT)
        if output_path not in (None, "-") and target.exists() and not force:
            raise UsageError(
                f"{target} exists already.", "Replace it with --force, or name another file."
            )
        page = report_page(path, *outcome(path), live=in_training(path))
        if output_path == "-":
            output.data(page.rstrip("\n"))
            return
        write_file(target, page.encode())
        if output.mode == "json":
            output.result({"file": str(target)})
        else:
            output.note(f"Wrote {target}.")
        if open_:
            _open(target, output)


def _open(path: Path, output: console.Output) -> None:
    import webbrowser

    if not webbrowser.open(path.absolute().as_uri()):
        output.warn(f"No web browser was found; open {path} in one.")
