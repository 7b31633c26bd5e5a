"""Checks of what a spec's JSON form says, before anything is built from it."""

from typing import Any

from gancli.data.labels import MAX_CLASSES

_MAX_ITEMS = 10**12


def whole(value: object, low: int, high: int) -> bool:
    """Whether a value is a whole number within bounds; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def class_problem(classes: Any, counts: Any, count: Any) -> str:
    """Return what is wrong with classes and numbers of items, or nothing.

    Args:
        classes: Should be the names of the classes, a list.
        counts: Should be the number of items in each.
        count: Should be the number of all items.
    """
    if not isinstance(classes, (list, tuple)) or len(classes) > MAX_CLASSES:
        return f"the classes must be a list of at most {MAX_CLASSES}"
    if not all(isinstance(name, str) and 0 < len(name) < 256 for name in classes):
        return "each class must be a name of 1 to 255 characters"
    if len(set(classes)) != len(classes) or len(classes) == 1:
        return "the classes must be distinct, and two or more"
    if not isinstance(counts, (list, tuple)) or len(counts) != len(classes):
        return "there must be a count for each class"
    if not all(whole(each, 0, _MAX_ITEMS) for each in (*counts, count)):
        return "the counts must be whole numbers from 0 on"
    return ""
