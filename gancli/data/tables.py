"""Checks of a spec's JSON form, before anything is built from it."""

from gancli.data.labels import MAX_CLASSES
from gancli.errors import GancliError

_MAX_ITEMS = 10**12


def whole(value: object, low: int, high: int) -> bool:
    """Return whether a value is a whole number within bounds; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def class_problem(classes: object, counts: object, count: object) -> str:
    """Return what is wrong with classes and numbers of items, or an empty string.

    Args:
        classes: Should be a list of the names of the classes.
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
    if not all(whole(number, 0, _MAX_ITEMS) for number in (*counts, count)):
        return "the counts must be whole numbers of at least 0"
    return ""


def damaged(noun: str, problem: str) -> GancliError:
    """Return the error of a description that a model or run holds of its data.

    Args:
        noun: What the data consists of, such as ``pictures``.
        problem: What is wrong with the description, as the rest of a sentence.
    """
    return GancliError(
        f"The description of the {noun} is damaged: {problem}.",
        "Get an intact copy of the model or run.",
    )
