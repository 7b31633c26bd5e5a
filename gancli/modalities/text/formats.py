"""How samples are written in a file: found by its name and its beginning."""

from pathlib import PurePosixPath

from gancli.data.member import Member
from gancli.errors import UsageError
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.json_text import JsonFormat, JsonLines, JsonObject, find_json
from gancli.modalities.text.plain import (
    Plain,
    Separated,
    find_separator,
    separated_by,
    unescaped,
)
from gancli.modalities.text.tables import Table, find_table

PLAIN = (".txt", ".text")
JSON = (".jsonl", ".ndjson", ".json")
TABLES = (".csv", ".tsv", ".tab", ".psv")
FAMILIES = (PLAIN, JSON, TABLES)
SUFFIXES = PLAIN + JSON + TABLES

Format = Plain | Separated | JsonFormat | Table

# The beginning of a file that decides, in characters; a file's first block holds as much.
HEAD = 1 << 16
_DELIMITERS = {".tsv": "\t", ".tab": "\t", ".psv": "|"}


def suffix(member: Member) -> str:
    """Return the suffix of a file's name in lower case, with its dot."""
    return PurePosixPath(member.name).suffix.lower()


def _is_tabular(head: str, whole: bool, config: TextConfig) -> bool:
    """Return whether options that name columns or fields mean a table, whatever its name."""
    columns = config.text_column is not None or config.label_column is not None
    if not columns and config.field is None or find_json(head, whole, certain=False):
        return False
    return find_table(head, whole, None, certain=columns and config.field is None) is not None


def find_format(
    member: Member, head: str, whole: bool, split: str, config: TextConfig
) -> Format:
    """Return how the samples of a file are written.

    Args:
        member: The file.
        head: Its beginning, of at least HEAD characters if it has as many.
        whole: Whether that is all of it.
        split: ``lines``, ``paragraphs`` or ``stream``, for plain text.
        config: ``field``, ``text_column``, ``label_column`` and ``separator`` are used.

    Raises:
        UsageError: The separator does not fit a table.
    """
    whole, head = whole and len(head) <= HEAD, head[:HEAD]
    kind = suffix(member)
    separator = None if config.separator is None else unescaped(config.separator)
    if kind in TABLES or (kind not in JSON and _is_tabular(head, whole, config)):
        delimiter = separator
        if delimiter is None and _DELIMITERS.get(kind, "") in head:
            delimiter = _DELIMITERS.get(kind)
        if delimiter is not None and (len(delimiter) > 1 or delimiter in '\n"'):
            raise UsageError(
                f"The columns of {member.name!r} cannot be separated by {delimiter!r}.",
                "Give one character with --separator, such as ';' or '\\t'.",
            )
        table = find_table(head, whole, delimiter, certain=True)
        if table is not None:
            return table
    if separator is not None:
        return Plain("lines") if separator == "\n" else separated_by(separator)
    if kind in JSON or config.field is not None:
        found = find_json(head, whole, certain=True)
        if isinstance(found, JsonObject) and not whole and kind != ".json":
            return JsonLines()  # the first of which is long
        if found is not None:
            return found
    return (
        find_json(head, whole, certain=False)
        or find_table(head, whole, None, certain=False)
        or find_separator(head, rules=split == "lines")
        or Plain(split)
    )
