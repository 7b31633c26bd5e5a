"""``gancli report``."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gancli.cli import completion, console
from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak
from gancli.config.unicode import typed_path
from gancli.errors import UsageError, suggest

EXAMPLES = """\
gancli report runs/image --open
gancli report runs/image -o page.html
gancli report comparisons/image"""

_RunArgument = Annotated[str, typer.Argument(
    metavar="RUN|COMPARISON", show_default=False, autocompletion=completion.reported,
    help="Directory of a run or of a comparison, in training or not.",
)]
_OutputOption = Annotated[str | None, typer.Option(
    "-o", "--output", metavar="FILE.html|-", show_default=False,
    help="File to write, or - for standard output; by default report.html in the run, or "
    "index.html in the comparison.",
)]
_OpenOption = Annotated[bool, typer.Option("--open", help="Show it in the web browser.")]
_ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]


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
    """Write a run or a comparison as one HTML file.

    It shows the curves, samples, options and layers of a run, or the ranks, curves and samples of
    all cells of a comparison. It needs no network and no other file. Training writes the same page
    with each preview, and a comparison after each training.
    """
    with speak(context, json_, quiet, verbose) as output:
        if output_path == "-" and (open_ or json_):
            raise UsageError(
                f"-o - writes the page to standard output, so {'--open' if open_ else '--json'} "
                "cannot be combined with it.", "Name a file with -o.",
            )
        from gancli.storage.files import write_file
        from gancli.storage.outputs import check_file, check_suffix

        path = typed_path(run) or Path(run)
        name, render = _page(path)
        target = Path(output_path or path / name)
        if output_path not in (None, "-"):
            check_suffix(target, [".html", ".htm"])
            check_file(target, force)
        page = render()
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


def _page(path: Path) -> tuple[str, Callable[[], str]]:
    """Return what the page of a directory is called, and what makes it."""
    from gancli.evaluation.results import FILE, PAGE, is_comparison, read_comparison
    from gancli.storage.lock import is_held

    if is_comparison(path):
        from gancli.evaluation.comparison_page import comparison_page

        return PAGE, lambda: comparison_page(read_comparison(path), live=is_held(path))
    from gancli.artifacts.record import CONFIG
    from gancli.artifacts.report import outcome, report_page
    from gancli.artifacts.run import REPORT, is_run, siblings

    if not is_run(path):
        raise UsageError(
            f"{path} is neither a run nor a comparison: it has no {CONFIG} and no {FILE}.",
            suggest(str(path), siblings(path, CONFIG, FILE))
            or "Name a directory that gancli train or gancli compare has made.",
        )
    return REPORT, lambda: report_page(path, *outcome(path), live=is_held(path))


def _open(path: Path, output: console.Output) -> None:
    import webbrowser

    if not webbrowser.open(path.absolute().as_uri()):
        output.warn(f"No web browser was found; open {path} in one.")
