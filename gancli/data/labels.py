"""Class labels from the folders of the data."""

import re
from collections import Counter
from collections.abc import Collection

import numpy as np

from gancli.errors import UsageError

MAX_CLASSES = 1000

# Folders that each hold a part of the data are not classes, whatever is in them.
_PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev"})


def natural_key(name: str) -> tuple[str, ...]:
    """Return a key that sorts "2" before "10"."""
    pieces = re.split(r"([0-9]+)", name)
    for index in range(0, len(pieces), 2):
        pieces[index] = pieces[index].casefold()
    for index in range(1, len(pieces), 2):
        # Its length goes first, which orders numbers; int() refuses thousands of digits.
        number = pieces[index].lstrip("0")
        pieces[index] = f"{len(number):08}{number}"
    return (*pieces, name)


def _folders(names: list[str], known: Collection[str] = ()) -> list[str]:
    """Return the folder that would be each item's class, "" for an item outside of any.

    Folders that wrap everything, or split it into parts such as train/ and test/, are skipped,
    unless they are a known class.
    """
    paths = names
    while True:
        folders = {path.partition("/")[0] if "/" in path else "" for path in paths}
        wrapping = len(folders) == 1 or folders <= _PARTS
        if not folders or "" in folders or not wrapping or not folders.isdisjoint(known):
            return [path.partition("/")[0] if "/" in path else "" for path in paths]
        paths = [path.partition("/")[2] for path in paths]


def find_labels(names: list[str], mode: str) -> tuple[tuple[str, ...], np.ndarray | None, str]:
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
        problem = "the files are not in folders that tell them apart"
    elif "" in counts:
        problem = f"{counts['']} of {len(names)} files are outside of the folders"
    elif len(counts) > MAX_CLASSES or max(map(len, classes)) > 255:
        problem = f"{len(counts)} folders are too many, or a name is too long"
    elif mode == "auto" and min(counts.values()) < 2:
        problem = f"the folder {min(counts, key=counts.__getitem__)!r} holds only one file"
    elif mode == "auto" and len(names) < 5 * len(counts):
        problem = "the folders hold fewer than 5 files on average"
    else:
        index = {name: label for label, name in enumerate(classes)}
        labels = np.array([index[folder] for folder in folders], np.int64)
        shown = ", ".join(classes[:3]) + (", ..." if len(classes) > 3 else "")
        return classes, labels, f"Classes: {len(classes)}, from the folders ({shown})."
    if mode == "folders":
        raise UsageError(
            f"There are no classes in the folders: {problem}.",
            "Put the files of each class into a folder of its own, or choose --labels none.",
        )
    return (), None, f"Classes: none, since {problem}."


def known_labels(names: list[str], classes: tuple[str, ...]) -> np.ndarray | None:
    """Return the label of each item in known classes, or None if no item is in a folder.

    Raises:
        UsageError: A folder is not one of the classes.
    """
    folders = _folders(names, classes)
    if set(folders) <= {""}:
        return None
    index = {name: label for label, name in enumerate(classes)}
    if unknown := sorted(set(folders) - set(index), key=natural_key):
        raise UsageError(
            f"The data holds {unknown[0] or 'files outside of folders'!r}, "
            "which is not one of the classes.",
            "The classes are " + ", ".join(classes[:20]) + ".",
        )
    return np.array([index[folder] for folder in folders], np.int64)
