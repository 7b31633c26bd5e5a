"""``gancli models``."""

import textwrap
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import typer

from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak
from gancli.cli.lines import clean, columns
from gancli.errors import GancliError
from gancli.storage import bundled

EXAMPLES = "gancli models"

_INDENT = " " * 8

_KINDS: tuple[bundled.Kind, ...] = ("models", "samples")


def command(
    context: typer.Context, json_: Json = False, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """List the bundled models and sample data with their licences."""
    with speak(context, json_, quiet, verbose) as output:
        entries = {kind: bundled.names(kind) for kind in _KINDS}
        figures = {name: _figures(name) for name in entries["models"]}
        if output.mode == "json":
            output.result({
                kind: [
                    {"name": name, "path": _path(kind, name),
                     **{key: item.get(key, "") for key in ("modality", "licence", "about")},
                     **({key: figures[name].get(key) for key in ("score", "floor")}
                        if kind == "models" else {})}
                    for name, item in items.items()
                ]
                for kind, items in entries.items()
            })
            return
        names: list[tuple[str, ...]] = [
            (kind.removesuffix("s"), item["modality"], name)
            for kind, items in entries.items() for name, item in items.items()
        ]
        items = [item for items in entries.values() for item in items.values()]
        for heading, (kind, _, name), item in zip(columns(names), names, items, strict=True):
            output.data(heading, *_about(item, figures.get(name, {}) if kind == "model" else {}))
        if any("score" in each for each in figures.values()):
            output.note(
                "A score is a distance from real data held out, and the floor is what real data "
                "gets: smaller is better. What is compared: gancli info MODEL."
            )
        if not names:
            output.warn("No models or sample data are bundled; install gancli from its wheel.")


def _about(item: bundled.Entry, figures: Mapping[str, Any]) -> list[str]:
    """Return what an item is, its score and its licence, in lines of 80 columns at most."""
    parts = [item.get("about", ""), f"Licence: {item.get('licence', 'not stated')}"]
    if "score" in figures:
        from gancli.artifacts.outlook import Outlook

        parts.append(Outlook.of_figures(figures).summary)
    return [line for part in parts
            for line in textwrap.wrap(clean(part), 80, initial_indent=_INDENT,
                                      subsequent_indent=_INDENT)]


def _figures(name: str) -> dict[str, Any]:
    """Return a model's figures; one that cannot be read says so where it is used."""
    from gancli.artifacts.model import read_figures

    folder = bundled.resolve("models", name)
    with suppress(GancliError):
        return {} if folder is None else read_figures(folder)
    return {}


def _path(kind: bundled.Kind, name: str) -> str | None:
    path = bundled.resolve(kind, name)
    return None if path is None else str(path)
