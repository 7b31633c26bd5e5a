"""``gancli compare MODALITY``."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gancli.cli import completion
from gancli.cli.console import Output
from gancli.cli.flags import Json, Quiet, Verbose, declare
from gancli.cli.invocation import invocation, speak
from gancli.cli.lines import columns
from gancli.errors import UsageError
from gancli.modalities.base import AnyModality
from gancli.runtime.launch import launch
from gancli.storage import bundled

if TYPE_CHECKING:
    from gancli.evaluation.cells import Cell
    from gancli.evaluation.results import Comparison

HELP = "Train with several settings and say which is better."
EXAMPLES = "gancli compare image --vary g-norm=batch,none --seeds 3 --time 2m"

_PANEL = "Comparison"
_MAX_SEEDS = 1000

_DataArgument = Annotated[str | None, typer.Argument(
    metavar="DATA", show_default=False, autocompletion=completion.samples,
    help="As for gancli train; by default the first bundled sample.",
)]
_VaryOption = Annotated[list[str] | None, typer.Option(
    "--vary", metavar="OPTION=A,B,...", rich_help_panel=_PANEL, show_default=False,
    autocompletion=completion.settings,
    help="An option of gancli train and its values; with several --vary, every combination is a "
    "cell.",
)]
_CellOption = Annotated[list[str] | None, typer.Option(
    "--cell", metavar='"OPTION=A OPTION=B"', rich_help_panel=_PANEL, show_default=False,
    autocompletion=completion.settings,
    help="A single cell, beside those of --vary.",
)]
_SeedsOption = Annotated[str, typer.Option(
    "--seeds", metavar="N|A-B,C", rich_help_panel=_PANEL,
    help="Trainings of each cell, with the seeds from --seed on, or the seeds themselves, such as "
    "0-2,7; the same for all cells.",
)]
_FolderOption = Annotated[str | None, typer.Option(
    "-o", "--output", metavar="DIR", rich_help_panel=_PANEL, show_default=False,
    autocompletion=completion.comparisons,
    help="Directory of the comparison; an existing one is continued. [default: comparisons/NAME]",
)]
_HalveOption = Annotated[bool, typer.Option(
    "--halve", rich_help_panel=_PANEL,
    help="Drop the worse half of the cells at each quarter of the budget.",
)]
_DryOption = Annotated[bool, typer.Option(
    "--dry-run", rich_help_panel=_PANEL,
    help="Print the cells, the sizes of their networks and how much there is to train; write "
    "nothing.",
)]


def examples(name: str) -> str:
    """Return command lines that show the use."""
    varied = {"image": "g-norm=batch,none", "text": "g-cell=lstm,gru,rnn"}.get(
        name, "g-cell=lstm,gru"
    )
    return (
        f"gancli compare {name} --vary {varied} --seeds 3 --time 2m\n"
        f"gancli compare {name} --vary {varied} --seeds 1 --steps 200 -o comparisons/{name}"
    )


def command(modality: AnyModality) -> Callable[..., None]:
    """Return the command that compares trainings of a modality."""

    def compare(
        context: typer.Context,
        data: _DataArgument = None,
        vary: _VaryOption = None,
        cell: _CellOption = None,
        seeds: _SeedsOption = "3",
        folder: _FolderOption = None,
        halve: _HalveOption = False,
        dry_run: _DryOption = False,
        json_: Json = False,
        quiet: Quiet = False,
        verbose: Verbose = False,
        **values: object,
    ) -> None:
        with speak(context, json_, quiet, verbose, trains=True) as output:
            if launch().world > 1:
                raise UsageError(
                    "compare trains its cells in one process.", "Start it without torchrun."
                )
            from gancli.evaluation.cells import make_cells, parse_settings

            # A usage error should not wait for the data.
            settings = parse_settings(modality, vary or [], cell or [])
            cells = make_cells(modality, settings, values, os.environ)
            _compare(
                modality, cells, data, folder,
                _seeds(seeds, values["seed"], cells[0].config.seed), halve, dry_run,
                invocation(context).command, output,
            )

    compare.__doc__ = (
        f"Train {modality.name} models with several settings, and say which is better.\n\n"
        "Every cell has the same budget, data and seeds. The same command continues where it "
        "was stopped, and trains only what is new if a value is added."
    )
    return declare(compare, modality.config_type)


def _seeds(text: str, given: object, first: int) -> Sequence[int]:
    """Return as many seeds as a text such as ``3`` says, or those that one such as ``0-2,7`` names.

    Args:
        text: Of ``--seeds``.
        given: Of ``--seed``, or None.
        first: The first seed where the text says how many.

    Raises:
        UsageError: The text says neither, or too many, or it names seeds beside a ``--seed``.
    """
    from gancli.sampling.seeds import parse_seeds

    seeds: Sequence[int] = ()
    with suppress(UsageError):
        seeds = parse_seeds(text).distinct()
    if text.isdigit() and seeds:
        seeds = range(first, first + min(seeds[0], _MAX_SEEDS + 1))
    elif seeds and given is not None:
        raise UsageError(
            "--seeds names the seeds, but --seed is given, too.",
            "Leave --seed out, or say how many with --seeds 3.",
        )
    if not 1 <= len(seeds) <= _MAX_SEEDS:
        raise UsageError(
            f"--seeds cannot be {text!r}.",
            f"Say how many, such as 3, or which, such as 0-2,7; at most {_MAX_SEEDS:,}.",
        )
    return seeds


def _compare(
    modality: AnyModality, cells: "list[Cell]", data: str | None, folder: str | None,
    seeds: Sequence[int], halve: bool, dry_run: bool, command_line: str, output: Output,
) -> None:
    from gancli.data.source import open_source
    from gancli.evaluation.comparison import Comparer
    from gancli.evaluation.looking_ahead import look_ahead
    from gancli.evaluation.results import PAGE
    from gancli.storage.outputs import output_directory

    if data is None:
        data = bundled.default("samples", modality.name)
        output.note(f"No DATA was given, so this compares on the bundled sample {data}.")
    source = open_source(data)
    place = Path("comparisons") / source.name
    if folder is not None:
        place = output_directory(folder, "comparisons/norms")
    comparer = Comparer(modality, source, place, output, command_line)
    parameters = look_ahead(modality, cells, source)
    if dry_run:
        _dry_run(cells, parameters, comparer.sentence(cells, seeds, halve), place, output)
        return
    with comparer:
        found = comparer.train(comparer.settled(cells), seeds, halve)
    for line in lines(found):
        output.note(line)
    output.note(f"Curves, pictures and figures side by side: {place / PAGE}")
    if output.mode == "json":
        output.result(as_table(found))
    else:
        output.data(str(place))


def _dry_run(
    cells: "list[Cell]", parameters: list[dict[str, int]], sentence: str, place: Path,
    output: Output,
) -> None:
    """Print what a comparison would train, as a table or as one JSON object."""
    output.note(sentence)
    output.note(f"Directory: {place}")
    if not all(parameters):
        output.note("Sizes of networks that are left open are found as training starts, by this "
                    "machine's speed; --g-width and --d-width set them.")
    if output.mode == "json":
        output.result({"comparison": str(place), "budget": sentence, "cells": [
            {"name": cell.name, "parameters": counts}
            for cell, counts in zip(cells, parameters, strict=True)
        ]})
        return
    names = next((list(counts) for counts in parameters if counts), [])
    rows = [("cell", *names)] + [
        (cell.name, *(f"{counts[name]:,}" if counts else "" for name in names))
        for cell, counts in zip(cells, parameters, strict=True)
    ]
    output.data(*columns(rows, right=frozenset(range(1, 1 + len(names)))))


def as_table(found: "Comparison") -> dict[str, Any]:
    """Return a comparison as JSON has it."""
    from dataclasses import asdict

    return {
        "comparison": str(found.folder),
        "ranks": [
            # JSON has no NaN, which the ratio is where no seed is in common.
            {name: None if value != value else value for name, value in asdict(each).items()}
            | {"verdict": each.verdict} for each in found.ranks
        ],
        "cells": [
            {
                "name": outcome.name, "hash": outcome.digest, "dropped": outcome.dropped,
                "runs": [
                    {"seed": result.seed, "run": str(result.run), "state": result.state,
                     "problem": result.problem, "warnings": list(result.warnings),
                     **result.metrics}
                    for result in outcome.results
                ],
            }
            for outcome in found.outcomes
        ],
    }


def lines(found: "Comparison") -> list[str]:
    """Return a comparison as a table for people, best first."""
    ranks = {each.name: each for each in found.ranks}
    rows: list[tuple[str, ...]] = [
        ("cell", "score", "spread", "times the best", "steps", "seconds", "verdict")
    ]
    for outcome in found.ordered:
        effort = tuple(
            "" if (value := outcome.middle(name)) is None else f"{value:,.0f}"
            for name in ("steps", "seconds")
        )
        if (each := ranks.get(outcome.name)) is None:
            scores = [f"{each.score:.3g}" for each in outcome.results if each.score is not None]
            rows.append((outcome.name, ", ".join(scores), "", "", *effort, outcome.state))
            continue
        rows.append((
            each.name, f"{each.median:.3g}", f"{each.low:.3g} to {each.high:.3g}",
            each.told_ratio, *effort, ", ".join(filter(None, [each.verdict, outcome.state])),
        ))
    return columns(rows, right=frozenset({1, 4, 5}))
