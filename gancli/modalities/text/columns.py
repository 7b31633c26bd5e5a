"""Choosing which columns of a table hold the text and the class."""

from collections import Counter

from gancli.config.unicode import normalized
from gancli.data.labels import MAX_CLASSES
from gancli.errors import UsageError
from gancli.modalities.text.tables import Columns

MAX_LABEL_LENGTH = 255
_MAX_COLUMNS = 10_000
_TEXTS = frozenset(
    "text texts sentence content phrase caption comment review message quote body tweet".split()
)
_LABELS = frozenset("label labels class category sentiment target topic".split())


def choose_columns(
    rows: list[list[str]], heading: tuple[str, ...], text: str | None, label: str | None,
    labeled: bool = True,
) -> Columns:
    """Return the columns of a table.

    The label is a column that is named like one, or else the first, with 2 to 1000 distinct
    values that occur five times on average. The text is the longest of the others, or of those
    that are named like it.

    Args:
        rows: Some of its rows, without the heading.
        heading: The names of its columns, or none.
        text: Number or name of the column requested, or None to choose one.
        label: The same for the label.
        labeled: Whether to look for a label.

    Raises:
        UsageError: There is no such column, or both are the same.
    """
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else max(len(heading), 1)
    names = [normalized(name).casefold() for name in heading]
    text_column = _requested(text, heading, width)
    label_column = _requested(label, heading, width) if labeled else 0
    if text_column is not None and text_column == label_column:
        raise UsageError(
            f"Column {text} cannot be both text and label.",
            "Choose two columns with --text-column and --label-column.",
        )
    full = [row for row in rows if len(row) == width]

    def named(column: int, words: frozenset[str]) -> bool:
        return column <= len(names) and not words.isdisjoint(names[column - 1].split("_"))

    others = [column for column in range(1, width + 1) if column != text_column]
    if label_column is None:
        candidates = [at for at in others if _is_label([row[at - 1] for row in full])]
        candidates.sort(key=lambda at: not named(at, _LABELS))
        label_column = candidates[0] if candidates and width > 1 else 0
    if text_column is None:
        others = [column for column in others if column != label_column]
        preferred = [column for column in others if named(column, _TEXTS)] or others
        text_column = max(
            preferred, key=lambda at: sum(len(row[at - 1]) for row in full), default=1
        )
    return Columns(text_column, label_column)


def _requested(column: str | None, heading: tuple[str, ...], width: int) -> int | None:
    """Return the number of a column that is given by name or number."""
    if column is None:
        return None
    wanted = normalized(column).strip().casefold()
    names = [normalized(name).casefold() for name in heading]
    if wanted in names:
        return names.index(wanted) + 1
    if wanted.isdecimal() and 1 <= int(wanted[:9]) <= min(width, _MAX_COLUMNS):
        return int(wanted)
    shown = ", ".join(f"{number} ({name})" for number, name in enumerate(heading, 1))
    raise UsageError(
        f"There is no column {column!r}: the rows have {width}.",
        f"Choose one of {shown}." if shown else "Columns are counted from 1.",
    )


def _is_label(values: list[str]) -> bool:
    distinct = set(values)
    if any(not 0 < len(value) <= MAX_LABEL_LENGTH for value in distinct):
        return False
    return 2 <= len(distinct) <= min(MAX_CLASSES, len(values) / 5)
