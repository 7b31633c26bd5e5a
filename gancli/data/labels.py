"""Class labels, from a ``dataset.json`` or the folders of the data."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from textwrap import shorten

import numpy as np

from gancli.config.unicode import normalized
from gancli.data.folders import not_classes
from gancli.data.label_file import LABEL_FILE, file_labels
from gancli.data.source import Source
from gancli.errors import UsageError

MAX_CLASSES = 1000


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


@dataclass(frozen=True)
class _Level:
    """Folders beside each other.

    Args:
        folders: The folder of each file, "" for a file outside of them.
        passed: What the folders above are if they are not classes, with their names.
    """

    folders: list[str]
    passed: str = ""


def _depths(paths: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the folder of each file and the paths from there, down to where a file is in none."""
    paths = list(map(normalized, paths))  # a source leaves names apart that would be the same
    while paths:
        folders = [path.partition("/")[0] if "/" in path else "" for path in paths]
        yield folders, paths
        if "" in folders:
            return
        paths = [path.partition("/")[2] for path in paths]


def _first_level(names: list[str], through: bool) -> _Level:
    """Return the first folders that tell files apart.

    Args:
        names: Posix paths of the files.
        through: Whether to look through what :func:`not_classes` recognizes.
    """
    passed, below_dates = "", False
    level = _Level([])
    for folders, paths in _depths(names):
        distinct = set(folders)
        level = _Level(folders, passed)
        if "" in distinct or len(distinct) < 2:
            continue
        kind = not_classes(distinct, paths, below_dates) if through else ""
        if not kind:
            break
        passed = f"the folders {some_names(sorted(distinct, key=natural_key))} are {kind}"
        below_dates = kind == "dates"
    return level


def some_names(names: Collection[str]) -> str:
    """Return the first three of names, each on one line and not too long, for a sentence."""
    shown = (shorten(name, 40, placeholder="...") or repr(name) for name in list(names)[:3])
    return ", ".join(shown) + (", ..." if len(names) > 3 else "")


def _problem(labels: list[str], strict: bool, min_files: int) -> str:
    """Return why labels are not classes, or an empty string."""
    counts = Counter(labels)
    if "" in counts and len(counts) > 1:
        return f"{counts['']} of {len(labels)} files are outside of the folders"
    if len(counts) < 2:
        return "the files are not in folders that tell them apart"
    if len(counts) > MAX_CLASSES or max(map(len, counts)) > 255:
        return f"{len(counts)} folders are too many, or a name is too long"
    if strict and min(counts.values()) < min(2, min_files):
        return f"the folder {min(counts, key=counts.__getitem__)!r} holds only one file"
    if strict and len(labels) < min_files * len(counts):
        return f"the folders hold fewer than {min_files} files on average"
    return ""


def find_labels(
    source: Source, names: list[str], mode: str, min_files: int = 5
) -> tuple[tuple[str, ...], np.ndarray | None, str]:
    """Return the classes, each item's label, and a sentence on why.

    Args:
        source: Where the items are from.
        names: Posix paths of the items.
        mode: ``folders`` takes the first folders that tell items apart as classes, ``auto`` takes
            the labels of a ``dataset.json``, or else folders if they look like classes (2 to
            1000, nothing outside of them, at least 2 items in each and ``min_files`` on
            average, and not parts of the data such as train and test), ``none`` never.
        min_files: See ``mode``; 1 where a file holds many items.

    Returns:
        Classes in natural order; labels, int64, shape (items,), or None without classes.

    Raises:
        UsageError: Mode ``folders``, and there are no such folders.
    """
    if mode == "none":
        return (), None, "Classes: none (--labels none)."
    file_problem = ""
    if mode == "auto":
        given, file_problem = file_labels(source)
        if given is not None:
            labels = [given.get(normalized(name), "") for name in names]
            count = len(set(labels))
            if missing := labels.count(""):
                file_problem = f"{missing} of {len(names)} files have no label in {LABEL_FILE}"
            elif not 2 <= count <= MAX_CLASSES:
                file_problem = f"{LABEL_FILE} labels {count:,} classes, not 2 to {MAX_CLASSES:,}"
            else:
                return _numbered(labels, LABEL_FILE, "--labels folders or none changes that")
    level = _first_level(names, through=True)
    problem = _problem(level.folders, mode == "auto", min_files)
    if mode == "folders" and problem:
        # Whoever asks for folders means those that there are.
        level = _first_level(names, through=False)
        problem = _problem(level.folders, False, min_files)
    if not problem:
        origin = "the folders" + (f" below, since {level.passed}" if level.passed else "")
        return _numbered(level.folders, origin, "--labels none ignores them")
    if mode == "folders":
        raise UsageError(
            f"There are no classes in the folders: {problem}.",
            "Put the files of each class into a folder of its own, or choose --labels none.",
        )
    reasons = [reason for reason in (file_problem, level.passed) if reason] or [problem]
    advice = "; --labels folders makes them classes" if level.passed else ""
    return (), None, f"Classes: none, since {' and '.join(reasons)}{advice}."


def _numbered(
    labels: list[str], origin: str, advice: str
) -> tuple[tuple[str, ...], np.ndarray, str]:
    classes = tuple(sorted(set(labels), key=natural_key))
    index = {name: label for label, name in enumerate(classes)}
    numbers = np.array([index[label] for label in labels], np.int64)
    why = f"Classes: {len(classes)} ({some_names(classes)}), from {origin}; {advice}."
    return classes, numbers, why


def known_labels(
    source: Source, names: list[str], classes: tuple[str, ...], mode: str
) -> np.ndarray | None:
    """Return the label of each item in known classes, or None if no item has a class.

    Args:
        source, names, mode: As for :func:`find_labels`.
        classes: The classes.

    Raises:
        UsageError: A folder is not one of the classes, or a file is in none.
    """
    index = {normalized(name): label for label, name in enumerate(classes)}
    given = file_labels(source)[0] if mode == "auto" else None
    if given is not None:
        labels = [given.get(normalized(name), "") for name in names]
        if index.keys() >= set(labels):
            return np.array([index[label] for label in labels], np.int64)
    folders = next(
        (folders for folders, _ in _depths(names) if not index.keys().isdisjoint(folders)),
        _first_level(names, through=True).folders,
    )
    if set(folders) <= {""}:
        return None
    known = ", ".join(classes[:20])
    if unknown := sorted(set(folders) - set(index) - {""}, key=natural_key):
        raise UsageError(
            f"The data holds {unknown[0]!r}, which is not one of the classes.",
            f"The classes are {known}.",
        )
    if "" in folders:
        raise UsageError(
            "Some files lie outside the class folders.",
            f"Move each, such as {names[folders.index('')]!r}, into the folder of its class, or "
            f"leave it out. The classes are {known}.",
        )
    return np.array([index[folder] for folder in folders], np.int64)
