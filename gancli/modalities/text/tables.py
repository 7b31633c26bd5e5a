"""Tables as samples: rows as spreadsheets write them, with any separator of columns."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gancli.config.unicode import normalized
from gancli.modalities.text.plain import MAX_CHARACTERS, lines

_BATCH = 4096
_DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "vertical bars"}
_ALONE = "\x1f"  # separates the columns of a table that has one
_EXCEL = re.compile(r"(?i)sep=(.)\s*")

_MIN_SHARE, _MIN_SHARE_UNCERTAIN = 0.6, 0.98
_MIN_ROWS_UNCERTAIN = 3
_MAX_REMARKS = 5
_SLOPPY = 0.02  # what broken quoting costs against a reading without it

# Words in the names of columns.
_HEADINGS = frozenset(
    "text texts sentence line content phrase caption title comment review message quote name label "
    "class category sentiment language topic target score id index body tweet date url author "
    "user rating question answer summary headline texto texte titel bewertung nachricht".split()
)
_WORD = re.compile(r"[^\W\d_]+")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBER = re.compile(r"[-+]?[\d.,:/ -]*\d[\d.,:/ %-]*")
_NAME = re.compile(r"[^\W\d][\w .\-/]*")
_MAX_NAME_LENGTH = 40


@dataclass(frozen=True)
class Dialect:
    """How the rows of a table are written.

    Args:
        delimiter: What separates columns.
        quoted: Whether cells may stand in double quotes, and then span lines.
        escaped: Whether a quote within a cell follows a backslash, not another quote.
        spaced: Whether a space follows each delimiter.
        strict: Whether to refuse rows that break these rules.
    """

    delimiter: str
    quoted: bool = True
    escaped: bool = False
    spaced: bool = False
    strict: bool = False

    def reader(self, rows: Iterable[str]) -> Any:
        """Return a csv.reader of lines that end with a line break."""
        csv.field_size_limit(MAX_CHARACTERS)
        return csv.reader(
            rows, delimiter=self.delimiter, doublequote=not self.escaped, strict=self.strict,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            escapechar="\\" if self.escaped else None, skipinitialspace=self.spaced,
        )


@dataclass(frozen=True)
class Table:
    """Rows of a table.

    Args:
        dialect: How they are written.
        heading: The names of the columns, or empty if the first row has none.
        skipped: Number of lines before the rows, and of rows before the heading or the first.
    """

    dialect: Dialect
    heading: tuple[str, ...] = ()
    skipped: tuple[int, int] = (0, 0)
    place = "row"
    windowed = False

    @property
    def shown(self) -> str:
        """What separates its columns."""
        delimiter = self.dialect.delimiter
        return _DELIMITERS.get(delimiter, "" if delimiter == _ALONE else repr(delimiter))

    def records(self, blocks: Iterable[str]) -> Iterator[list[Any]]:
        """Yield the rows below the heading, some at a time: None if damaged, "" if blank."""
        physical = (line + "\n" for batch in lines(blocks) for line in batch)
        for _ in range(self.skipped[0]):
            next(physical, None)
        rows = self.dialect.reader(physical)
        batch: list[Any] = []
        ahead = self.skipped[1] + bool(self.heading)
        while True:
            try:
                row = next(rows)
            except StopIteration:
                break
            except csv.Error:
                row = None
            if ahead and row:
                ahead -= 1
                continue
            batch.append("" if row == [] else row)
            if len(batch) == _BATCH:
                yield batch
                batch = []
        yield batch


def find_table(head: str, whole: bool, delimiter: str | None, certain: bool) -> Table | None:
    """Return the format of a table.

    Args:
        head: The beginning of the file.
        whole: Whether it is all of it.
        delimiter: What separates the columns, if it is known.
        certain: Whether it is known to be a table; if not, None is returned where it does not
            look like one.
    """
    physical = head.split("\n")
    if not whole:
        del physical[-1]
    excel = _EXCEL.fullmatch(physical[0]) if physical else None
    if excel:
        delimiter = delimiter or excel[1]
        del physical[0]
    dialect, rows, share = _best(physical, whole, [delimiter] if delimiter else [*_DELIMITERS])
    remarks = _remarks(rows)
    rows = rows[remarks:]
    heading = tuple(cell.strip() for cell in rows[0]) if rows and is_heading(
        rows[0], rows[1:], certain) else ()
    if not certain and not (
        share >= _MIN_SHARE_UNCERTAIN and len(rows) >= _MIN_ROWS_UNCERTAIN
        and dialect.delimiter != _ALONE
        and (heading or (dialect.delimiter == "\t" and _filled(rows)))
    ):
        return None
    return Table(dialect, heading, (int(excel is not None), remarks))


def _filled(rows: list[list[str]]) -> bool:
    """Return whether all rows have the same columns, and none of these is empty."""
    return len(set(map(len, rows))) == 1 and all(
        any(map(str.strip, column)) for column in zip(*rows, strict=True)
    )


def _best(
    physical: list[str], whole: bool, delimiters: list[str]
) -> tuple[Dialect, list[list[str]], float]:
    """Return the dialect that gives the most regular rows, these, and the share of regular ones."""
    text = "\n".join(physical)
    best: tuple[float, int, Dialect, list[list[str]]] | None = None
    for delimiter in [*delimiters, _ALONE]:
        spaced = f'{delimiter} "' in text
        for dialect in (
            Dialect(delimiter, spaced=spaced, strict=True),
            Dialect(delimiter, escaped=True, spaced=spaced, strict=True),
            Dialect(delimiter, quoted=False),
            Dialect(delimiter, spaced=spaced),
        ):
            if dialect.escaped and '\\"' not in text:
                continue
            rows = _rows(dialect, physical, whole)
            if not rows:
                continue
            widths = Counter(map(len, rows))
            width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
            remarks = _remarks(rows)
            share = count / max(len(rows) - remarks, 1) - _SLOPPY * (remarks > 0)
            score = _MIN_SHARE if width == 1 else share
            if not dialect.quoted:
                score -= sum(map(_is_torn, rows)) / len(rows)
            elif not dialect.strict:
                score -= _SLOPPY
            score = round(score, 2)
            one_column = delimiter == _ALONE
            if (width == 1) == one_column and (best is None or (score, width) > best[:2]):
                best = (score, width, dialect, rows)
            if dialect.strict:
                break  # these rules hold, so that no others do
    if best is None:
        return Dialect(_ALONE), [], 0.0
    score, _, dialect, rows = best
    return Dialect(dialect.delimiter, dialect.quoted, dialect.escaped, dialect.spaced), rows, score


def _remarks(rows: list[list[str]]) -> int:
    """Return how many rows before those of the usual width are no rows, such as a title."""
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    count = 0
    while count < _MAX_REMARKS and len(rows) > count + 2 and len(rows[count]) == 1 != width:
        count += 1
    return count


def _is_torn(row: list[str]) -> bool:
    """Return whether a row that is read without quoting has cut a quoted cell in two."""
    opened = [at for at, cell in enumerate(row) if cell.lstrip().startswith('"')]
    closed = [at for at, cell in enumerate(row) if cell.rstrip().endswith('"')]
    return bool(opened and closed) and opened[0] < closed[-1]


def _rows(dialect: Dialect, physical: list[str], whole: bool) -> list[list[str]]:
    """Return the rows that are not blank, or none if the lines break the rules of a dialect."""
    rows: list[list[str]] = []
    reader = dialect.reader(line + "\n" for line in physical)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            # A cell may go on behind the beginning of the file.
            if dialect.strict and (whole or reader.line_num < len(physical)):
                return []
        else:
            rows += [row] if row else []
    if not whole and not dialect.strict and len(rows) > 1:
        del rows[-1]
    return rows


def _numeric(cell: str) -> bool:
    return _NUMBER.fullmatch(cell.strip()) is not None


def is_heading(first: list[str], rest: list[list[str]], certain: bool = True) -> bool:
    """Return whether the first row of a table names its columns.

    Args:
        first: The first row.
        rest: Rows below it.
        certain: Whether these are rows of a table; if not, only known words count.
    """
    cells = [cell.strip() for cell in first]
    names = [cell for cell in cells if cell]
    if not names or len(set(names)) < len(names) or any(
        len(name) > _MAX_NAME_LENGTH or _numeric(name) for name in names
    ):
        return False
    columns = [[row[at].strip() for row in rest if len(row) > at and row[at].strip()]
               for at in range(len(cells))]
    if any(cell and cell in column for cell, column in zip(cells, columns, strict=True)):
        return False
    words = {word.casefold() for name in names for word in _WORD.findall(_CAPITAL.sub(" ", name))}
    known = bool(words & _HEADINGS)
    plausible = all(_NAME.fullmatch(name) and len(name.split()) <= 4 for name in names)
    if not certain or not plausible:
        return known and (plausible or certain and len(names) > 1)
    for cell, column in zip(cells, columns, strict=True):
        if not cell or not column:
            continue
        mean = sum(map(len, column)) / len(column)
        few_values = len(set(column)) <= len(column) / 5
        if all(map(_numeric, column)) or (len(column) > 9 and few_values) or mean > 3 * len(cell):
            return True
    return known


@dataclass(frozen=True)
class Columns:
    """Columns of a table, counted from 1 like those of ``cut``.

    Args:
        text: The column with the text.
        label: The column with the class, or 0 for none.
    """

    text: int
    label: int = 0


def cells(row: list[str], columns: Columns, max_label: int) -> tuple[str, str] | None:
    """Return the text and label of a row, or None if it is too short or has no label."""
    if len(row) < max(columns.text, columns.label):
        return None
    label = normalized(row[columns.label - 1]) if columns.label else ""
    if columns.label and not 0 < len(label) <= max_label:
        return None
    return row[columns.text - 1], label
