"""The kinds of things that can be generated: one folder each, found by looking."""

import importlib
import pkgutil

from gancli.errors import GancliError, suggest
from gancli.modalities.base import AnyModality


def names() -> list[str]:
    """Return the names of all modalities: the folders beside this file."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__) if found.ispkg)


def get(name: str) -> AnyModality:
    """Return a modality by name.

    Raises:
        GancliError: There is none of that name.
    """
    if name not in names():
        raise GancliError(f"There is no modality {name!r}.", suggest(name, names()))
    modality: AnyModality = importlib.import_module(f"{__name__}.{name}").MODALITY
    return modality
