"""Files with one record per line: JSON Lines and tab-separated tables."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from gancli.data.labels import MAX_CLASSES
from gancli.errors import UsageError

_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?")
# Words that mark the first line of a table as names of the columns.
_HEADINGS = frozenset(
    "text sentence line content phrase caption title comment review message quote name label "
    "class category sentiment language topic target score id index".split()
)
_MAX_LABEL_LENGTH = 255


@dataclass(frozen=True)
class Columns:
    """Columns of a table, counted from 1 like those of ``cut``.

    Args:
        text: The column with the text.
        label: The column with the class, or 0 for none.
    """

    text: int
    label: int = 0


def parse_json(line: str) -> dict[str, Any] | None:
    """Return the JSON object in a line, or None if there is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def field_text(line: str, field: str) -> str | None:
    """Return a field of the JSON object in a line, or None if it is missing or not text."""
    value = (parse_json(line) or {}).get(field)
    if not isinstance(value, str):
        return None
    # JSON can contain halves of surrogate pairs, which cannot be encoded.
    return _LINE_ENDS.sub("\n", _SURROGATES.sub("\ufffd", value))


def choose_field(lines: list[str], requested: str | None) -> str:
    """Return the field that holds the text: the one requested, else ``text``.

    Raises:
        UsageError: No line has it.
    """
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(key for key, value in (parse_json(line) or {}).items() if type(value) is str)
    field = "text" if requested is None else requested
    if field in counts or not (counts or lines):
        return field
    fields = ", ".join(repr(name) for name, _ in counts.most_common(10))
    raise UsageError(
        f"The JSON lines have no field {field!r} with text.",
        f"Choose one with --field: {fields}." if fields else "Give one JSON object per line.",
    )


def choose_columns(
    lines: list[str], text: int | None, label: int | None, known: tuple[str, ...] = ()
) -> Columns:
    """Return the columns of a table.

    The label is the first column with 2 to 1000 distinct values that occur five times on average,
    the text the longest of the others.

    Args:
        lines: Some of its lines.
        text: The column requested, or None to choose one.
        label: The column requested, 0 for none, or None to choose one.
        known: Classes of a model; a column that contains no others is the label.

    Raises:
        UsageError: There is no such column, or both are the same.
    """
    rows = [line.split("\t") for line in lines]
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 1
    for requested in (text or 1, label or 1):
        if requested > width:
            raise UsageError(
                f"There is no column {requested}: the lines have {width}.",
                "Columns are counted from 1 and separated by tabs.",
            )
    if text is not None and text == label:
        raise UsageError(
            f"Column {text} cannot be both text and label.",
            "Choose two columns with --text-column and --label-column.",
        )
    full = [row for row in rows if len(row) == width]
    if len(full) > 1 and is_heading(full[0]):
        full = full[1:]
    columns = [column for column in range(1, width + 1) if column != text]
    if label is None:
        labels = (at for at in columns if _is_label([row[at - 1] for row in full], known))
        label = next(labels, 0) if width > 1 else 0
    if text is None:
        others = [column for column in columns if column != label]
        text = max(others, key=lambda at: sum(len(row[at - 1]) for row in full), default=1)
    return Columns(text, label)


def _is_label(values: list[str], known: tuple[str, ...]) -> bool:
    distinct = set(values)
    if any(not 0 < len(value) <= _MAX_LABEL_LENGTH for value in distinct):
        return False
    if known:
        return distinct <= set(known)
    return 2 <= len(distinct) <= min(MAX_CLASSES, len(values) / 5)


def is_heading(row: list[str]) -> bool:
    """Return whether the first row of a table names its columns."""
    return len(row) > 1 and any(cell.strip().casefold() in _HEADINGS for cell in row) and all(
        len(cell) < 40 and cell.strip() and not cell.strip().isdigit() for cell in row
    )


def text_and_label(line: str, columns: Columns) -> tuple[str, str] | None:
    """Return the text and label of a row, or None if it is too short or has no label."""
    row = line.split("\t")
    if len(row) < max(columns.text, columns.label):
        return None
    label = row[columns.label - 1] if columns.label else ""
    if columns.label and not 0 < len(label) <= _MAX_LABEL_LENGTH:
        return None
    return row[columns.text - 1], label
