"""``gancli models``."""

import textwrap
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak
from gancli.cli.lines import clean, columns
from gancli.storage import bundled

if TYPE_CHECKING:
    from gancli.artifacts.evaluation import SavedEvaluation

EXAMPLES = "gancli models"

_INDENT = " " * 8

_KINDS: tuple[bundled.Kind, ...] = ("models", "samples")


def command(
    context: typer.Context, json_: Json = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """List the bundled models and sample data with their licences."""
    with speak(context, json_, quiet, verbose) as output:
        entries = [
            (kind, name, item, _measured(kind, name, output.warn))
            for kind in _KINDS for name, item in bundled.names(kind).items()
        ]
        if output.mode == "json":
            output.result({kind: [_table(*entry) for entry in entries if entry[0] == kind]
                           for kind in _KINDS})
            return
        names: list[tuple[str, ...]] = [
            (kind.removesuffix("s"), item["modality"], name) for kind, name, item, _ in entries
        ]
        for heading, (_, _, item, evaluation) in zip(columns(names), entries, strict=True):
            output.data(heading, *_about(item, evaluation))
        if not names:
            output.warn("No models or sample data are bundled; install gancli from its wheel.")


def _measured(
    kind: bundled.Kind, name: str, warn: Callable[[str], None]
) -> "SavedEvaluation | None":
    """Return what was measured of an item."""
    if kind != "models":
        return None
    from gancli.artifacts.evaluation import read_or_tell

    return read_or_tell(bundled.resolve(kind, name), warn)


def _about(item: bundled.Entry, evaluation: "SavedEvaluation | None") -> list[str]:
    """Return what an item is, its licence and figures, in lines of 80 columns at most."""
    parts = [item.get("about", ""), f"Licence: {item.get('licence', 'not stated')}"]
    if evaluation is not None:
        parts.append(f"Measured: {evaluation.summary}")
    return [line for part in parts
            for line in textwrap.wrap(clean(part), 80, initial_indent=_INDENT,
                                      subsequent_indent=_INDENT)]


def _table(
    kind: bundled.Kind, name: str, item: bundled.Entry, evaluation: "SavedEvaluation | None"
) -> dict[str, object]:
    """Return an item as JSON has it."""
    texts = {key: item.get(key, "") for key in ("modality", "licence", "about")}
    figures = {"evaluation": evaluation and asdict(evaluation)} if kind == "models" else {}
    return {"name": name, "path": _path(kind, name), **texts, **figures}


def _path(kind: bundled.Kind, name: str) -> str | None:
    path = bundled.resolve(kind, name)
    return None if path is None else str(path)
