"""Files with a record a line: JSON Lines and tab-separated columns."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from gancli.data.labels import MAX_CLASSES
from gancli.errors import UsageError

_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?")
# What the first line of a table says if it names the columns.
_HEADINGS = frozenset(
    "text sentence line content phrase caption title comment review message quote name label "
    "class category sentiment language topic target score id index".split()
)
_LONGEST_LABEL = 255


@dataclass(frozen=True)
class Columns:
    """Columns of a table, counted from 1 as ``cut`` does.

    Args:
        text: The one that holds the text.
        label: The one that holds the class, or 0 without.
    """

    text: int
    label: int = 0


def parse_json(line: str) -> dict[str, Any] | None:
    """Return the object in a line, or None if there is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def field_text(line: str, field: str) -> str | None:
    """Return a field of the object in a line, or None if it holds no text of that name."""
    value = (parse_json(line) or {}).get(field)
    if not isinstance(value, str):
        return None
    # JSON can spell halves of surrogate pairs, which no encoding holds.
    return _LINE_ENDS.sub("\n", _SURROGATES.sub("\ufffd", value))


def choose_field(lines: list[str], given: str | None) -> str:
    """Return the field that holds the text: the one asked for, else ``text``.

    Raises:
        UsageError: No line has it.
    """
    seen: Counter[str] = Counter()
    for line in lines:
        seen.update(key for key, value in (parse_json(line) or {}).items() if type(value) is str)
    field = "text" if given is None else given
    if field in seen or not (seen or lines):
        return field
    fields = ", ".join(repr(name) for name, _ in seen.most_common(10))
    raise UsageError(
        f"There is no text in a field {field!r} of the JSON lines.",
        f"Choose one with --field: {fields}." if fields else "Give a JSON object a line.",
    )


def choose_columns(
    lines: list[str], text: int | None, label: int | None, known: tuple[str, ...] = ()
) -> Columns:
    """Return the columns of a table.

    The label is in the first column with 2 to 1000 values that come up five times on average,
    the text in the longest of the others.

    Args:
        lines: Some of its lines.
        text: The column asked for, or None to look.
        label: The column asked for, 0 for none, or None to look.
        known: Classes fixed before; a column that holds no others is the label's.

    Raises:
        UsageError: There is no such column, or both are one.
    """
    rows = [line.split("\t") for line in lines]
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 1
    for asked in (text or 1, label or 1):
        if asked > width:
            raise UsageError(
                f"There is no column {asked}: the lines have {width}.",
                "Columns are counted from 1 and separated by tabs.",
            )
    if text is not None and text == label:
        raise UsageError(
            f"Column {text} cannot be both text and label.", "Choose two with --text-column "
            "and --label-column.",
        )
    full = [row for row in rows if len(row) == width]
    if len(full) > 1 and is_heading(full[0]):
        full = full[1:]
    columns = [column for column in range(1, width + 1) if column != text]
    if label is None:
        found = (each for each in columns if _is_label([row[each - 1] for row in full], known))
        label = next(found, 0) if width > 1 else 0
    if text is None:
        rest = [column for column in columns if column != label]
        text = max(rest, key=lambda each: sum(len(row[each - 1]) for row in full), default=1)
    return Columns(text, label)


def _is_label(values: list[str], known: tuple[str, ...]) -> bool:
    distinct = set(values)
    if any(not 0 < len(value) <= _LONGEST_LABEL for value in distinct):
        return False
    if known:
        return distinct <= set(known)
    return 2 <= len(distinct) <= min(MAX_CLASSES, len(values) / 5)


def is_heading(row: list[str]) -> bool:
    """Return whether the first row of a table names its columns."""
    return len(row) > 1 and any(cell.strip().casefold() in _HEADINGS for cell in row) and all(
        len(cell) < 40 and cell.strip() and not cell.strip().isdigit() for cell in row
    )


def cells(line: str, columns: Columns) -> tuple[str, str] | None:
    """Return text and label of a row, or None if it is too short or has no label."""
    row = line.split("\t")
    if len(row) < max(columns.text, columns.label):
        return None
    label = row[columns.label - 1] if columns.label else ""
    if columns.label and not 0 < len(label) <= _LONGEST_LABEL:
        return None
    return row[columns.text - 1], label
