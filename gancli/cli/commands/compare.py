"""``gancli compare MODALITY``."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gancli.cli.console import Output
from gancli.cli.flags import Json, Quiet, Verbose, declare
from gancli.cli.invocation import invocation, speak
from gancli.cli.lines import columns
from gancli.config import TrainConfig
from gancli.errors import UsageError
from gancli.modalities.base import AnyModality
from gancli.runtime.launch import launch
from gancli.storage import bundled

if TYPE_CHECKING:
    from gancli.evaluation.comparison import Comparison, Outcome

HELP = "Train with several settings and say which is better."
EXAMPLES = "gancli compare image --vary g-norm=batch,none --seeds 3 --time 2m"

_PANEL = "Comparison"

_DataArgument = Annotated[str | None, typer.Argument(
    metavar="DATA", show_default=False,
    help="As for gancli train; by default the first bundled sample.",
)]
_VaryOption = Annotated[list[str] | None, typer.Option(
    "--vary", metavar="OPTION=A,B,...", rich_help_panel=_PANEL, show_default=False,
    help="An option of gancli train and its values; several --vary cross.",
)]
_CellOption = Annotated[list[str] | None, typer.Option(
    "--cell", metavar='"OPTION=A OPTION=B"', rich_help_panel=_PANEL, show_default=False,
    help="A single cell, beside those of --vary.",
)]
_SeedsOption = Annotated[int, typer.Option(
    "--seeds", metavar="N", min=1, max=1000, rich_help_panel=_PANEL,
    help="Trainings of each cell, with the seeds from --seed on; the same for all cells.",
)]
_FolderOption = Annotated[str | None, typer.Option(
    "-o", "--output", metavar="DIR", rich_help_panel=_PANEL, show_default=False,
    help="Directory of the comparison; one that is there goes on. [default: comparisons/NAME]",
)]
_HalveOption = Annotated[bool, typer.Option(
    "--halve", rich_help_panel=_PANEL,
    help="Drop the worse half of the cells at each quarter of the budget.",
)]


def examples(name: str) -> str:
    """Return command lines that show the use."""
    varied = {"image": "g-norm=batch,none", "text": "g-cell=lstm,gru,rnn"}.get(
        name, "g-cell=lstm,gru"
    )
    return (
        f"gancli compare {name} --vary {varied} --seeds 3 --time 2m\n"
        f"gancli compare {name} --vary {varied} --seeds 1 --steps 200 -o comparisons/quick"
    )


def command(modality: AnyModality) -> Callable[..., None]:
    """Return the command that compares trainings of a modality."""

    def compare(
        context: typer.Context,
        data: _DataArgument = None,
        vary: _VaryOption = None,
        cell: _CellOption = None,
        seeds: _SeedsOption = 3,
        folder: _FolderOption = None,
        halve: _HalveOption = False,
        json_: Json = False,
        quiet: Quiet = False,
        verbose: Verbose = False,
        **values: object,
    ) -> None:
        with speak(context, json_, quiet, verbose) as output:
            if launch().world > 1:
                raise UsageError(
                    "compare trains its cells in one process.", "Start it without torchrun."
                )
            from gancli.evaluation.cells import make_cells, parse_settings

            # A usage error should not wait for the data.
            settings = parse_settings(modality, vary or [], cell or [])
            cells = make_cells(modality, settings, values, os.environ)
            _compare(
                modality, cells, data, folder, seeds, halve, invocation(context).command, output
            )

    compare.__doc__ = (
        f"Train {modality.name} models with several settings, and say which is better.\n\n"
        "Every cell has the same budget, data and seeds. The same command goes on where it was "
        "stopped, and trains only what is new if a value is added."
    )
    return declare(compare, modality.config_type)


def _compare(
    modality: AnyModality, cells: list[Any], data: str | None, folder: str | None, seeds: int,
    halve: bool, command_line: str, output: Output,
) -> None:
    from gancli.data.source import open_source
    from gancli.evaluation.comparison import Comparer
    from gancli.evaluation.comparison_page import write_page

    if data is None:
        data = bundled.default("samples", modality.name)
        output.note(f"No DATA was given, so this compares on the bundled sample {data}.")
    if folder == "":
        raise UsageError("-o is empty.", "Name a directory, such as -o comparisons/norms.")
    source = open_source(data)
    place = Path(folder) if folder else Path("comparisons") / source.name
    comparer = Comparer(modality, source, place, output, command_line)
    first: TrainConfig = cells[0].config
    found = comparer.train(
        comparer.settled(cells), range(first.seed, first.seed + seeds), halve
    )
    page = write_page(found, place, modality, command_line)
    if output.mode == "json":
        output.result(as_table(found, place))
        return
    for line in lines(found):
        output.note(line)
    output.note(f"Pictures and figures side by side: {page}")
    output.data(str(place))


def as_table(found: "Comparison", folder: Path) -> dict[str, Any]:
    """Return a comparison as JSON has it."""
    from dataclasses import asdict

    return {
        "comparison": str(folder),
        "ranks": [asdict(each) for each in found.ranks],
        "cells": [
            {
                "name": outcome.cell.name, "hash": outcome.cell.digest,
                "dropped": outcome.dropped,
                "runs": [
                    {"seed": result.seed, "run": str(result.run), "problem": result.problem,
                     **result.metrics}
                    for result in outcome.results
                ],
            }
            for outcome in found.outcomes
        ],
    }


def lines(found: "Comparison") -> list[str]:
    """Return a comparison as a table for people, best first."""
    outcomes = {outcome.cell.name: outcome for outcome in found.outcomes}
    rows = [("cell", "score", "spread", "times the best", "steps", "seconds", "")]
    for place, each in enumerate(found.ranks):
        verdict = "best" if place == 0 else "within chance" if each.within_chance else "worse"
        ratio = (
            "" if place == 0
            else f"{each.ratio:.2f} ({each.ratio_low:.2f} to {each.ratio_high:.2f})"
        )
        rows.append((
            each.name, f"{each.median:.3g}", f"{each.low:.3g} to {each.high:.3g}", ratio,
            *_effort(outcomes.pop(each.name)), verdict,
        ))
    for name, outcome in outcomes.items():
        verdict = (
            "failed" if outcome.dropped is None
            else f"dropped at {outcome.dropped:.0%} of the budget"
        )
        scores = [f"{result.score:.3g}" for result in outcome.results if result.score is not None]
        rows.append((name, ", ".join(scores), "", "", *_effort(outcome), verdict))
    return columns(rows, right=frozenset({1, 4, 5}))


def _effort(outcome: "Outcome") -> tuple[str, str]:
    """Return the median steps and seconds of a cell's trainings."""
    from statistics import median

    def middle(name: str) -> str:
        values = [result.metrics[name] for result in outcome.results if name in result.metrics]
        return f"{median(values):,.0f}" if values else ""

    return middle("steps"), middle("seconds")
