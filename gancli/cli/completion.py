"""What the shell completes: names of models, runs, data and classes. Nothing heavy is imported.

Where nothing is returned, the shell offers files.
"""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from gancli.errors import GancliError
from gancli.storage import bundled

_RUN, _MODEL, _COMPARISON = "config.toml", "config.json", "comparison.json"


def models(context: typer.Context, incomplete: str) -> list[str]:
    """Return bundled models of the command's modality, and runs and models that lie here."""
    return [*_bundled("models", context, incomplete), *_folders(incomplete, (_RUN, _MODEL))]


def runs(context: typer.Context, incomplete: str) -> list[str]:
    """Return runs that lie here."""
    return _folders(incomplete, (_RUN,))


def comparisons(context: typer.Context, incomplete: str) -> list[str]:
    """Return comparisons that lie here."""
    return _folders(incomplete, (_COMPARISON,))


def reported(context: typer.Context, incomplete: str) -> list[str]:
    """Return runs and comparisons that lie here."""
    return _folders(incomplete, (_RUN, _COMPARISON))


def settings(context: typer.Context, incomplete: str) -> list[str]:
    """Return options of the command's modality as ``name=``, then their choices, comma by comma."""
    from gancli import modalities
    from gancli.config import options
    from gancli.evaluation.cells import NOT_VARIED

    declared = {
        option.flag.lstrip("-"): option
        for option in options(modalities.get(_modality(context)).config_type)
        if option.name not in NOT_VARIED
    }
    before, space, setting = incomplete.rpartition(" ")  # a --cell names several
    name, equals, values = setting.partition("=")
    if not equals:
        return [before + space + each for each in _begun((f"{key}=" for key in declared), name)]
    if name not in declared:
        return []
    done, comma, value = values.rpartition(",")
    known = ("on", "off") if declared[name].type is bool else declared[name].choices
    choices = [each for each in known if each not in done.split(",")]
    return [f"{before}{space}{name}={done}{comma}{each}" for each in _begun(choices, value)]


def samples(context: typer.Context, incomplete: str) -> list[str]:
    """Return bundled data of the command's modality, once its name is begun."""
    return _bundled("samples", context, incomplete) if incomplete else []


def modality_names(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the modalities."""
    from gancli import modalities

    return _begun(modalities.names(), incomplete)


def classes(context: typer.Context, incomplete: str) -> list[str]:
    """Return the classes of the model that the command line names, or of the default one."""
    try:
        # The parser stops at the option that lacks its value, so that MODEL has no place yet.
        given = [context.params.get("model"), *context.args]
        name = next(filter(None, given), None) or bundled.default("models", _modality(context))
        spec = _spec(Path(name)) or _spec(bundled.resolve("models", name) or Path())
        return _begun(map(str, spec.get("classes", ())), incomplete)
    except (GancliError, OSError, ValueError, TypeError, AttributeError):
        return []  # the command itself says what is wrong


def _spec(folder: Path) -> dict[str, Any]:
    """Return what a run or a model says of its data; empty if the folder is neither."""
    if (folder / _RUN).is_file():
        return dict(tomllib.loads((folder / _RUN).read_text("utf-8")).get("spec", {}))
    if (folder / _MODEL).is_file():
        return dict(json.loads((folder / _MODEL).read_bytes()).get("spec", {}))
    return {}


def _modality(context: typer.Context) -> str:
    """Return the modality of a command such as ``gancli sample image``, else nothing."""
    return str(context.info_name)


def _bundled(kind: bundled.Kind, context: typer.Context, incomplete: str) -> list[str]:
    try:
        entries = bundled.names(kind)
    except GancliError:
        return []
    wanted = _modality(context)
    of_modality = [name for name, entry in entries.items() if entry["modality"] == wanted]
    # Commands such as info take models of all modalities.
    any_modality = wanted not in {entry["modality"] for entry in entries.values()}
    return _begun(entries if any_modality else of_modality, incomplete)


def _folders(incomplete: str, files: tuple[str, ...]) -> list[str]:
    """Return the folders that begin so and hold one of the files.

    Those below ``runs`` and ``comparisons`` are among them.
    """
    parent = Path(incomplete if incomplete.endswith("/") else incomplete.rpartition("/")[0] or ".")
    parents = [parent] if "/" in incomplete else [parent, Path("runs"), Path("comparisons")]
    found = []
    for folder in parents:
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            continue
        found += [
            str(entry) for entry in entries if any((entry / name).is_file() for name in files)
        ]
    return _begun(found, incomplete)


def _begun(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
