"""The labels in a ``dataset.json``, as StyleGAN's and FFHQ's tools write it."""

import json
from typing import Any

from gancli.config.unicode import normalized
from gancli.data.member import BadMember
from gancli.data.source import Source

LABEL_FILE = "dataset.json"
_MAX_BYTES = 256 << 20


def file_labels(source: Source) -> tuple[dict[str, str] | None, str]:
    """Return the label of each file by its name in the source.

    Returns:
        The labels, or None; and what is wrong if there is such a file without usable labels.
    """
    found = [(member.name.count("/"), index) for index, member in enumerate(source.members)
             if member.name.rpartition("/")[2] == LABEL_FILE]
    if not found or len(source.members) == 1:
        return None, ""
    member = source.members[min(found)[1]]
    folder = member.name[: -len(LABEL_FILE)]
    try:
        table = json.loads(member.read(_MAX_BYTES))
        if not isinstance(table, dict) or "labels" not in table:
            return None, ""  # something else of this name
        entries = table["labels"]
        if entries is None:
            return None, f"{member.name} holds no labels"
        pairs = dict(entries).items()
        return {normalized(folder + _path(name)): _label(label) for name, label in pairs}, ""
    except (BadMember, ValueError, TypeError, RecursionError):
        return None, f"the labels in {member.name} cannot be read"


def _path(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError
    return name.replace("\\", "/").removeprefix("./")


def _label(value: Any) -> str:
    """Return the name of a class that is given by name, number or one-hot vector."""
    if isinstance(value, list) and sorted(value) == [0] * (len(value) - 1) + [1]:
        value = value.index(1)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError
    label = normalized(str(value))
    if not 0 < len(label) < 256:
        raise ValueError
    return label
