"""``gancli models``."""

import textwrap

import typer

from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak
from gancli.cli.lines import clean, columns
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
        if output.mode == "json":
            output.result({
                kind: [
                    {"name": name, "path": _path(kind, name),
                     **{key: item.get(key, "") for key in ("modality", "licence", "about")}}
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
        output.data(*(line for heading, item in zip(columns(names), items, strict=True)
                      for line in (heading, *_about(item))))
        if not names:
            output.warn("No models or sample data are bundled; install gancli from its wheel.")


def _about(item: bundled.Entry) -> list[str]:
    """Return what an item is and its licence, in lines of 80 columns at most."""
    parts = (item.get("about", ""), f"Licence: {item.get('licence', 'not stated')}")
    return [line for part in parts
            for line in textwrap.wrap(clean(part), 80, initial_indent=_INDENT,
                                      subsequent_indent=_INDENT)]


def _path(kind: bundled.Kind, name: str) -> str | None:
    path = bundled.resolve(kind, name)
    return None if path is None else str(path)
