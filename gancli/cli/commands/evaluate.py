"""``gancli eval``."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gancli.cli.figures import figure_lines
from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import invocation, speak
from gancli.cli.lines import clean, columns
from gancli.errors import UsageError
from gancli.storage import bundled

if TYPE_CHECKING:
    from gancli.evaluation.evaluate import Evaluation

EXAMPLES = """\
gancli eval fashion-mnist -n 500                     # a bundled model against its own data
gancli eval names -n 500 --json | head -c 300
gancli sample text -n 300 | gancli eval --samples - --data names"""

_SAMPLES = 2_000
_TEXT_WIDTH = 40  # characters of a text that a line shows

_ModelArgument = Annotated[str | None, typer.Argument(
    metavar="MODEL|RUN", show_default=False,
    help="Model folder, run, or a name that `gancli models` lists; by default the first of those.",
)]
_DataArgument = Annotated[str | None, typer.Argument(
    metavar="DATA", show_default=False,
    help="What to compare with; by default what the model was trained on, or the bundled part of "
    "that.",
)]
_SamplesOption = Annotated[str | None, typer.Option(
    "--samples", metavar="DIR|FILE|-", show_default=False,
    help="Measure these samples, of any origin, instead of a model's; needs --data. Files or an "
    "archive of pictures or sounds, or lines, JSON or a table of texts.",
)]
_RealOption = Annotated[str | None, typer.Option(
    "--data", metavar="DATA", show_default=False,
    help="Real pictures, texts or sounds for --samples.",
)]
_CountOption = Annotated[int | None, typer.Option(
    "-n", min=6, max=50_000, show_default=False,
    help="How many samples. [default: 2000 of a model, all of --samples]",
)]
_SeedOption = Annotated[int | None, typer.Option(
    "--seed", min=0, max=2**62, show_default=False,
    help="Seed of the first sample. [default: seeds that no training looks at]",
)]
_GuidedOption = Annotated[int, typer.Option(
    "--guided", min=1, max=256, help="As for gancli sample."
)]
_FeaturesOption = Annotated[Path | None, typer.Option(
    "--features", metavar="FILE.onnx", show_default=False,
    help="Network that turns pictures into features. The distance is not called FID, since "
    "nothing proves that a file is FID's own Inception. [default: gancli's own]",
)]
_OutputOption = Annotated[Path | None, typer.Option(
    "-o", "--output", metavar="FILE", show_default=False,
    help="Write the samples nearest to training items beside these: a .html page with all "
    "figures, or a picture or text by the modality.",
)]
_DeviceOption = Annotated[str, typer.Option(
    "--device", metavar="auto|cpu|cuda|mps", help="Where to compute."
)]
_SaveOption = Annotated[bool, typer.Option(
    "--save",
    help="Keep the figures with the model: evaluation.json, its card, gancli info and the run's "
    "report show them.",
)]
_ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]


def command(
    context: typer.Context,
    model: _ModelArgument = None,
    data: _DataArgument = None,
    samples: _SamplesOption = None,
    real: _RealOption = None,
    n: _CountOption = None,
    seed: _SeedOption = None,
    guided: _GuidedOption = 1,
    features: _FeaturesOption = None,
    output_path: _OutputOption = None,
    device: _DeviceOption = "auto",
    save: _SaveOption = False,
    force: _ForceOption = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Measure how near samples are to held-out real items.

    No training has seen these. Each figure comes with its 95% interval and its floor: what as many
    real items get.
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
        if samples is not None:
            _refuse_of_a_model({"--seed": seed is not None, "--guided": guided > 1, "--save": save})
        if samples == "-" and real == "-":
            raise UsageError(
                "--samples and --data cannot both be standard input.", "Name a file for one."
            )
        if output_path is not None:
            _check_output(output_path, force)
        from gancli.evaluation import opening, saving
        from gancli.evaluation.evaluate import evaluate
        from gancli.evaluation.onnx_features import open_features
        from gancli.evaluation.page import nearest_texts, write_nearest

        keep, extract = None, None if features is None else open_features(features)
        if samples is not None and real is not None:
            opened: Any = nullcontext(opening.of_files(samples, real, n, output, output_path))
        else:
            if model is None:
                model = bundled.default("models")
                output.note(f"No MODEL was given, so this measures {model}.")
            keep = saving.place(model) if save else None
            opened = opening.of_model(
                model, data, n or _SAMPLES, seed, {"device": device, "guided": guided}, output,
                output_path,
            )
        with opened as what:
            found = evaluate(
                what.subject, what.dataset, what.spec, what.config, what.modality.trainable(),
                extract, output, unseen=what.unseen,
            )
            names = {
                "samples": what.subject.name, "data": what.data, "n": what.subject.count,
                "held_out": found.held_out,
                "features": "gancli" if features is None else str(features),
                "remark": what.remark,
            }
            texts = nearest_texts(found, what)
            if output_path is not None:
                for path in write_nearest(found, what, names, output_path):
                    output.note(f"Wrote {path}.")
        if keep is not None:
            for path in saving.save(keep, found, names, invocation(context).command):
                output.note(f"Wrote {path}.")
        if output.mode == "json":
            output.result(names | as_table(found, texts))
        else:
            output.data(*lines(found, texts))


def _check_output(path: Path, force: bool) -> None:
    from gancli.storage.outputs import check_file

    if str(path) == "-":
        raise UsageError(
            "The figures go to standard output without -o.",
            "Name a file such as nearest.html for the samples nearest to training items.",
        )
    check_file(path, force)


def _refuse_of_a_model(given: dict[str, bool]) -> None:
    for flag, is_given in given.items():
        if is_given:
            raise UsageError(
                f"{flag} is for samples of a model, but --samples are made already.",
                f"Leave {flag} out, or name a model: gancli eval MODEL {flag} ...",
            )


def as_table(found: "Evaluation", texts: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return an evaluation as JSON has it.

    Args:
        found: The evaluation.
        texts: Those of the nearest samples and items, or none where they are not texts.
    """
    from dataclasses import asdict

    return {
        "figures": [asdict(figure) for figure in found.figures],
        "classes": {
            name: [asdict(figure) for figure in figures] for name, figures in found.by_class.items()
        },
        "confusion": None if found.confusion is None else asdict(found.confusion),
        "nearest": [
            asdict(near) | (
                dict(zip(("text", "item_text"), texts[place], strict=True)) if texts else {}
            )
            for place, near in enumerate(found.nearest)
        ],
    }


def lines(found: "Evaluation", texts: Sequence[tuple[str, str]]) -> list[str]:
    """Return an evaluation as lines for people; its arguments are those of :func:`as_table`."""
    from gancli.artifacts.evaluation import short

    text = figure_lines(found.figures)
    if found.by_class:
        shown = ("frechet", "kernel", "auc", "coverage")
        heading = ("class", *(part for name in shown for part in (name, "floor")))
        table = [heading]
        for name, figures in found.by_class.items():
            named = {figure.name: figure for figure in figures}
            table.append((name, *(
                short(number) for each in shown
                for number in (named[each].value, named[each].floor)
            )))
        text += ["", *columns(table, right=frozenset(range(1, len(heading))))]
    if found.confusion is not None:
        text += ["", *_confusion(found)]
    text += ["", f"nearest to a {found.known.name} item:"]
    text += columns([
        (f"  {near.name}", near.item_name, f"distance {near.distance:.3g}",
         *(shorten(clean(each), _TEXT_WIDTH) for each in (texts[place] if texts else ())))
        for place, near in enumerate(found.nearest)
    ])
    return text


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
