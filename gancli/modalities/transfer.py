"""What all modalities say and name alike where a model starts a training on other data."""

from collections.abc import Sequence

_SHOWN = 5  # names in a sentence


def names(kind: str, count: int) -> list[str]:
    """Return names of so many things that differ by their place alone."""
    return [f"{kind} {index}" for index in range(count)]


def class_names(classes: Sequence[str]) -> list[str]:
    """Return names of classes as axes have them."""
    return [f"class {name}" for name in classes]


def inherited_labels(classes: Sequence[str]) -> dict[str, object]:
    """Return where classes come from: nowhere, if the model has none."""
    return {} if classes else {"labels": "none"}


def class_sentences(classes: Sequence[str], former: Sequence[str]) -> list[str]:
    """Return what becomes of a model's classes on other data."""
    if not classes and not former:
        return []
    if not former:
        return ["Classes: all are new, since the model has none."]
    if not classes:
        return ["Classes: the model's are dropped, since the data has none."]
    parts = {
        "kept": [name for name in classes if name in former],
        "new": [name for name in classes if name not in former],
        "dropped": [name for name in former if name not in classes],
    }
    return ["Classes: " + "; ".join(f"{part} {listed(own)}" for part, own in parts.items() if own)
            + "."]


def listed(names: Sequence[str]) -> str:
    """Return the first few of names."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
