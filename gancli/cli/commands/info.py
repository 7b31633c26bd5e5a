"""``gancli info``."""

import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gancli.cli import completion
from gancli.cli.figures import figure_lines
from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak
from gancli.cli.lines import clean, columns, layer_lines
from gancli.config.unicode import typed_path
from gancli.storage import bundled

if TYPE_CHECKING:
    from gancli.artifacts.evaluation import SavedEvaluation

EXAMPLES = """\
gancli info --layers        # of the first bundled model
gancli info --json"""

_SHOWN = 30  # members of a list, such as words of a vocabulary

_ModelArgument = Annotated[str | None, typer.Argument(
    metavar="MODEL|RUN", show_default=False, autocompletion=completion.models,
    help="Model folder, run, or a name that `gancli models` lists; by default the first of "
    "those.",
)]
_LayersOption = Annotated[bool, typer.Option(
    "--layers",
    help="Show each layer's kind, output shape, parameters and multiply-adds for one item.",
)]


def command(
    context: typer.Context,
    model: _ModelArgument = None,
    layers: _LayersOption = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show the data, options, figures and layers of a model or a run."""
    with speak(context, json_, quiet, verbose) as output:
        if model is None:
            model = bundled.default("models")
            output.note(f"No MODEL was given, so this shows {model}.")
        from gancli.artifacts.description import describe_model, describe_run
        from gancli.artifacts.evaluation import read_or_tell
        from gancli.artifacts.finding import model_folder, open_model
        from gancli.artifacts.run import is_run

        path, description = typed_path(model) or Path(model), {}
        if is_run(path):
            description = describe_run(path)
        # A run that has saved nothing yet has options and figures, but no networks.
        if layers or not description:
            facts = describe_model(open_model(model, None, output.warn), layers)
            for part in ("figures", "score"):  # a run's own log says more
                facts[part] |= description.get(part, {})
            description |= facts
        folder = path / "model" if is_run(path) else model_folder(model)
        evaluation = read_or_tell(folder, output.warn)
        if output.mode == "json":
            output.result(description | {"evaluation": evaluation and asdict(evaluation)})
        else:
            output.data(*_page(description), *_evaluation(evaluation))


def _page(description: dict[str, Any]) -> list[str]:
    """Return the description as lines: for each part a heading, then its facts."""
    lines: list[str] = []
    for heading, part in description.items():
        if not isinstance(part, dict):
            lines += columns([(heading, _text(part))])
            continue
        lines += ["", heading]
        if heading == "score":
            lines += [line for sentence in part.values() for line in textwrap.wrap(
                clean(sentence), 80, initial_indent="  ", subsequent_indent="  ")]
        elif heading == "layers":
            for name, rows in part.items():
                lines += [f"  {line}" for line in layer_lines(name, rows)]
        else:
            lines += [f"  {line}" for line in columns([(k, _text(v)) for k, v in part.items()])]
    return lines


def _evaluation(evaluation: "SavedEvaluation | None") -> list[str]:
    """Return the figures of ``gancli eval --save`` as a part of the page."""
    if evaluation is None:
        return []
    remark = [clean(evaluation.remark)] if evaluation.remark else []
    return ["", "evaluation", *(f"  {line}" for line in (
        clean(evaluation.heading), *remark, *figure_lines(evaluation.figures)
    ))]


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return "; ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        more = f" and {len(value) - _SHOWN:,} more" if len(value) > _SHOWN else ""
        return ", ".join(map(str, value[:_SHOWN])) + more
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
