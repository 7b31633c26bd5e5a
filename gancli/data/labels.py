"""Folders of the data, taken as classes."""

import re
from collections import Counter
from collections.abc import Collection
from typing import Literal

import numpy as np

from gancli.errors import UsageError

MAX_CLASSES = 1000

# Folders that hold a part of the data each are no classes, whatever lies in them.
_PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev"})


def natural_key(name: str) -> tuple[str, ...]:
    """Return a key that sorts "2" before "10"."""
    pieces = re.split(r"([0-9]+)", name)
    for place in range(0, len(pieces), 2):
        pieces[place] = pieces[place].casefold()
    for place in range(1, len(pieces), 2):
        # Its length goes first, which orders numbers; int() would refuse thousands of digits.
        number = pieces[place].lstrip("0")
        pieces[place] = f"{len(number):08}{number}"
    return (*pieces, name)


def _folders(names: list[str], known: Collection[str] = ()) -> list[str]:
    """Return the folder that each item would be a class of, "" for an item outside of any.

    Folders that wrap everything, or split it into parts such as train/ and test/, are looked
    through, unless they are a known class.
    """
    rests = names
    while True:
        found = {rest.partition("/")[0] if "/" in rest else "" for rest in rests}
        wraps = len(found) == 1 or found <= _PARTS
        if not found or "" in found or not wraps or not found.isdisjoint(known):
            return [rest.partition("/")[0] if "/" in rest else "" for rest in rests]
        rests = [rest.partition("/")[2] for rest in rests]


def find_labels(
    names: list[str], mode: Literal["none", "folders", "auto"]
) -> tuple[tuple[str, ...], np.ndarray | None, str]:
    """Return the classes, each item's label, and a sentence on why.

    Args:
        names: Posix paths of the items.
        mode: ``folders`` takes the first folders that tell items apart as classes, ``auto`` does
            if they look like classes (2 to 1000, nothing outside of them, at least 2 items in
            each and 5 on average), ``none`` never.

    Returns:
        Classes in natural order; labels, int64, shape (items,), or None without classes.

    Raises:
        UsageError: Mode ``folders``, and there are no such folders.
    """
    if mode == "none":
        return (), None, "Classes: none, as asked."
    folders = _folders(names)
    counts = Counter(folders)
    classes = tuple(sorted(counts, key=natural_key))
    if len(counts) < 2:
        problem = "the files do not lie in folders that tell them apart"
    elif "" in counts:
        problem = f"{counts['']} of {len(names)} files lie outside of the folders"
    elif len(counts) > MAX_CLASSES or max(map(len, classes)) > 255:
        problem = f"{len(counts)} folders are too many, or their names too long"
    elif mode == "auto" and min(counts.values()) < 2:
        problem = f"the folder {min(counts, key=counts.__getitem__)!r} holds a single file"
    elif mode == "auto" and len(names) < 5 * len(counts):
        problem = "the folders hold fewer than 5 files on average"
    else:
        index = {name: label for label, name in enumerate(classes)}
        labels = np.array([index[folder] for folder in folders], np.int64)
        shown = ", ".join(classes[:3]) + (", ..." if len(classes) > 3 else "")
        return classes, labels, f"Classes: {len(classes)}, after the folders ({shown})."
    if mode == "folders":
        raise UsageError(
            f"There are no classes to take from the folders: {problem}.",
            "Put the files of each class into a folder of its own, or give --labels none.",
        )
    return (), None, f"Classes: none, since {problem}."


def known_labels(names: list[str], classes: tuple[str, ...]) -> np.ndarray | None:
    """Return the label of each item in classes fixed before, or None if none is in a folder.

    Raises:
        UsageError: A folder is none of the classes.
    """
    folders = _folders(names, classes)
    if set(folders) <= {""}:
        return None
    index = {name: label for label, name in enumerate(classes)}
    if unknown := sorted(set(folders) - set(index), key=natural_key):
        raise UsageError(
            f"The data holds {unknown[0] or 'files outside of folders'!r}, "
            "which is none of the classes.",
            "The classes are " + ", ".join(classes[:20]) + ".",
        )
    return np.array([index[folder] for folder in folders], np.int64)
