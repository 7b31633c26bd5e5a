"""``gancli models``."""

import typer

from gancli.cli.flags import Json, Quiet, Verbose
from gancli.cli.invocation import speak
from gancli.cli.lines import columns
from gancli.storage import bundled

EXAMPLES = "gancli models"

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
        rows: list[tuple[str, ...]] = [
            (kind.removesuffix("s"), item["modality"], name, str(item.get("licence", "")),
             str(item.get("about", "")))
            for kind, items in entries.items() for name, item in items.items()
        ]
        output.data(*columns(rows))
        if not rows:
            output.warn("No models or sample data are bundled; install gancli from its wheel.")


def _path(kind: bundled.Kind, name: str) -> str | None:
    path = bundled.resolve(kind, name)
    return None if path is None else str(path)
