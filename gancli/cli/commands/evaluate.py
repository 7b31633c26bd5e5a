"""``gancli eval``."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak
from gancli.cli.lines import columns
from gancli.errors import UsageError

if TYPE_CHECKING:
    from gancli.evaluation.evaluate import Evaluation
    from gancli.metrics.figures import Figure

EXAMPLES = """\
gancli eval fashion-mnist -n 500                     # a bundled model against its own data
gancli eval names -n 500 --json | head -c 300"""

_ModelArgument = Annotated[str | None, typer.Argument(
    metavar="MODEL|RUN", show_default=False,
    help="Model folder, run, or a name that `gancli models` lists; by default the first of those.",
)]
_DataArgument = Annotated[str | None, typer.Argument(
    metavar="DATA", show_default=False,
    help="What to compare with; by default what the model was trained on.",
)]
_SamplesOption = Annotated[str | None, typer.Option(
    "--samples", metavar="DIR|FILE|-", show_default=False,
    help="Measure these samples, of any origin, instead of a model's; needs --data.",
)]
_RealOption = Annotated[str | None, typer.Option(
    "--data", metavar="DATA", show_default=False,
    help="Real pictures, texts or sounds for --samples.",
)]
_CountOption = Annotated[int, typer.Option(
    "-n", min=6, max=50_000, help="How many samples of the model."
)]
_SeedOption = Annotated[int | None, typer.Option(
    "--seed", min=0, max=2**62, show_default=False,
    help="Seed of the first sample. [default: seeds that no training looks at]",
)]
_GuidedOption = Annotated[int, typer.Option(
    "--guided", min=1, max=256, help="As gancli sample takes it."
)]
_FeaturesOption = Annotated[Path | None, typer.Option(
    "--features", metavar="FILE.onnx", show_default=False,
    help="Network that turns pictures into features. [default: the tool's own]",
)]
_OutputOption = Annotated[Path | None, typer.Option(
    "-o", "--output", metavar="FILE", show_default=False,
    help="Write the samples nearest to training items beside these: a .html page with all "
    "figures, or a picture or text by the modality.",
)]
_DeviceOption = Annotated[str, typer.Option(
    "--device", metavar="auto|cpu|cuda|mps", help="Where to compute."
)]
_ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


def command(
    context: typer.Context,
    model: _ModelArgument = None,
    data: _DataArgument = None,
    samples: _SamplesOption = None,
    real: _RealOption = None,
    n: _CountOption = 2_000,
    seed: _SeedOption = None,
    guided: _GuidedOption = 1,
    features: _FeaturesOption = None,
    output_path: _OutputOption = None,
    device: _DeviceOption = "auto",
    force: _ForceOption = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Measure how near samples are to real items that no training has seen.

    Each figure comes with its 95% interval and its floor: what as many real items get.
    """
    with speak(context, json_, quiet, verbose) as output:
        if samples is not None and (real is None or model is not None):
            raise UsageError(
                "--samples are compared with --data, and no model is named with them.",
                "Use: gancli eval --samples DIR --data DATA",
            )
        if samples is None and real is not None:
            raise UsageError(
                "--data belongs to --samples.", "Use: gancli eval MODEL DATA"
            )
        if output_path is not None and output_path.exists() and not force:
            raise UsageError(
                f"{output_path} exists already.", "Replace it with --force, or choose another -o."
            )
        from gancli.evaluation import opening
        from gancli.evaluation.evaluate import evaluate
        from gancli.evaluation.onnx_features import open_features
        from gancli.evaluation.page import write_nearest

        if samples is not None and real is not None:
            opened: Any = nullcontext(opening.of_files(samples, real, output))
        else:
            if model is None:
                from gancli.storage import bundled

                model = next(iter(bundled.names("models")), None)
                output.note(f"No MODEL was given, so this measures {model}.")
            opened = opening.of_model(
                model, data, n, seed, {"device": device, "guided": guided}, output
            )
        extract = None if features is None else open_features(features)
        with opened as what:
            found = evaluate(
                what.subject, what.dataset, what.spec, what.modality.trainable(), extract, output
            )
            names = {
                "samples": what.subject.name, "data": what.data, "n": what.subject.count,
                "features": "gancli" if features is None else str(features),
            }
            if output_path is not None:
                for path in write_nearest(found, what, names, output_path):
                    output.note(f"Wrote {path}.")
        if output.mode == "json":
            output.result(names | as_table(found))
        else:
            output.data(*lines(found))


def as_table(found: "Evaluation") -> dict[str, Any]:
    """Return an evaluation as JSON has it."""
    from dataclasses import asdict

    return {
        "figures": [asdict(figure) for figure in found.figures],
        "classes": {
            name: [asdict(figure) for figure in figures] for name, figures in found.by_class.items()
        },
        "confusion": None if found.confusion is None else asdict(found.confusion),
        "nearest": [asdict(neighbor) for neighbor in found.nearest],
    }


def lines(found: "Evaluation") -> list[str]:
    """Return an evaluation as lines for people."""
    rows: list[tuple[str, ...]] = [("figure", "value", "95% interval", "floor", "n", "")]
    rows += [_row(figure) for figure in found.figures]
    text = columns(rows, right=frozenset({1, 3, 4}))
    if found.by_class:
        shown = ("frechet", "kernel", "auc", "coverage")
        heading = ("class", *(part for name in shown for part in (name, "floor")))
        table = [heading]
        for name, figures in found.by_class.items():
            named = {figure.name: figure for figure in figures}
            table.append((name, *(
                _number(number) for each in shown
                for number in (named[each].value, named[each].floor)
            )))
        text += ["", *columns(table, right=frozenset(range(1, len(heading))))]
    if found.confusion is not None:
        text += ["", *_confusion(found)]
    text += ["", "nearest to a training item:"]
    text += columns([
        (f"  {near.name}", f"training {near.item_name}", f"distance {near.distance:.3g}")
        for near in found.nearest
    ])
    return text


def _row(figure: "Figure") -> tuple[str, ...]:
    return (
        figure.name, _number(figure.value), f"{_number(figure.low)} to {_number(figure.high)}",
        _number(figure.floor), f"{figure.n:,}", figure.about,
    )


def _confusion(found: "Evaluation") -> list[str]:
    """Return each class with what its samples, and real items, are taken for."""
    confusion = found.confusion
    assert confusion is not None
    rows = [("class", "read as itself", "real items", "else most often as")]
    for place, name in enumerate(confusion.classes):
        row = confusion.samples[place]
        others = [(share, other) for other, share in enumerate(row) if other != place]
        share, other = max(others)
        rows.append((
            name, f"{row[place]:.0%}", f"{confusion.real[place][place]:.0%}",
            f"{confusion.classes[other]} ({share:.0%})" if share > 0 else "",
        ))
    return columns(rows, right=frozenset({1, 2}))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
