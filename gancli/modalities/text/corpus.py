"""Reading samples of text from a source, in bounded memory."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

from gancli.data.member import READ_ERRORS
from gancli.data.source import BadMember, Member, Source
from gancli.data.survey import cannot_use, no_files
from gancli.errors import GancliError
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.decode import (
    HEAD_BYTES,
    BadBytes,
    BadText,
    Decoder,
    check_encoding,
    refuse_binary,
    text_blocks,
)
from gancli.modalities.text.rows import Columns, field_text, is_heading, text_and_label

_PLAIN, _JSON, _TABLE = (".txt", ".text"), (".jsonl", ".ndjson"), (".tsv",)

# A longer line or paragraph is cut to about this many characters.
MAX_CHARACTERS = 1 << 20
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_LEADING_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")

# A small corpus is examined as a whole, a larger one in windows spread over it.
_WHOLE_BYTES = 16 << 20
_WINDOWS, _WINDOW_BYTES = 128, 64 << 10


class Layout(Protocol):
    """Where the text is in the files; TextSpec is one implementation.

    Args:
        split: ``lines``, ``paragraphs`` or ``stream``.
        field: Name of the field in JSON lines.
        text_column, label_column: Columns of a table, from 1; 0 for none.
    """

    @property
    def split(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def text_column(self) -> int: ...
    @property
    def label_column(self) -> int: ...


@dataclass
class Tally:
    """What was skipped or replaced while reading; the cache stores it under these names.

    Args:
        empty: Number of lines without text.
        bad: Bytes that are invalid in the encoding.
        rows, bad_rows: Number of records, and of those without text.
        first_row: Where the first record without text is.
        broken: Name and problem of each file that could not be read.
    """

    empty: int = 0
    bad: BadBytes = field(default_factory=BadBytes)
    rows: int = 0
    bad_rows: int = 0
    first_row: str = ""
    broken: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Batch:
    """Some samples of a file.

    Args:
        member: The file.
        texts: The samples; of a stream, one piece of it.
        labels: The label of each from its column; empty without such a column.
    """

    member: Member
    texts: list[str]
    labels: list[str]


def text_files(source: Source) -> list[Member]:
    """Return the files with text: a single file whatever its name, else by suffix.

    Raises:
        GancliError: There are none.
    """
    members = list(source.members)
    if len(members) != 1:
        suffixes = (*_PLAIN, *_JSON, *_TABLE)
        members = [member for member in members if _suffix(member) in suffixes]
    if not members:
        hint = "Their names end with .txt, .jsonl or .tsv; a single file may have any name."
        raise no_files("text files", source, hint)
    return members


def _suffix(member: Member) -> str:
    return PurePosixPath(member.name).suffix.lower()


def file_format(member: Member, config: TextConfig) -> str:
    """Return ``json``, ``table`` or ``plain``, by suffix or by the field or column requested."""
    suffix = _suffix(member)
    if suffix in _JSON or (config.field is not None and suffix not in _TABLE):
        return "json"
    if suffix in _TABLE or config.text_column is not None or config.label_column is not None:
        return "table"
    return "plain"


def read(source: Source, layout: Layout, config: TextConfig, tally: Tally) -> Iterator[Batch]:
    """Read all samples, file by file in the order of the source.

    Args:
        source: The files.
        layout: Where the text is in them.
        config: Encoding, field and columns, and whether to be ``strict``.
        tally: Counts what was skipped or replaced.

    Raises:
        GancliError: With ``strict``, for anything that the tally would count except empty lines.
    """
    check_encoding(config.encoding)
    names = {member.name for member in text_files(source)}
    for member, _ in source.stream():
        if member.name not in names:
            continue
        try:
            blocks = text_blocks(member, config.encoding, tally.bad)
            for batch in parse(member, blocks, layout, config, tally):
                if config.strict:
                    _refuse_any_bad(tally)
                yield batch
        except BadMember as error:
            if config.strict:
                raise cannot_use(member.name, str(error)) from error
            tally.broken.append((member.name, str(error)))
    if config.strict:
        _refuse_any_bad(tally)


def _refuse_any_bad(tally: Tally) -> None:
    if tally.bad.count:
        raise GancliError(
            f"A byte is invalid in this encoding: {tally.bad.first}.",
            "Give the right --encoding, or leave out --strict to replace such bytes.",
        )
    if tally.bad_rows:
        raise GancliError(
            f"A line has no such text: {tally.first_row}.",
            "Correct it, or leave out --strict to skip such lines.",
        )


def parse(
    member: Member, blocks: Iterable[str], layout: Layout, config: TextConfig, tally: Tally
) -> Iterator[Batch]:
    """Cut the text of a file into samples, without empty ones."""
    kind = file_format(member, config)
    if kind != "plain":
        yield from _records(member, blocks, layout, kind, config, tally)
    elif layout.split == "stream":
        last = ""
        for block in whole_words(blocks):
            last = block[-1]
            yield Batch(member, [block], [])
        if last not in ("", "\n"):
            yield Batch(member, ["\n"], [])
    else:
        cut = lines if layout.split == "lines" else paragraphs
        for texts in cut(blocks):
            samples = [text for text in texts if text.strip()]
            if layout.split == "lines":
                tally.empty += len(texts) - len(samples)
            if samples:
                yield Batch(member, samples, [])


def _records(
    member: Member, blocks: Iterable[str], layout: Layout, kind: str, config: TextConfig,
    tally: Tally,
) -> Iterator[Batch]:
    columns = Columns(layout.text_column or config.text_column or 1, layout.label_column)
    field_name = layout.field or config.field or "text"
    parse_row: Callable[[str], tuple[str, str] | None]
    if kind == "table":
        def parse_row(line: str) -> tuple[str, str] | None:
            return text_and_label(line, columns)
    else:
        def parse_row(line: str) -> tuple[str, str] | None:
            text = field_text(line, field_name)
            return None if text is None else (text, "")
    number = 0
    for rows in lines(blocks):
        pairs = []
        for line in rows:
            number += 1
            if not line.strip():
                tally.empty += 1
                continue
            if number == 1 and kind == "table" and is_heading(line.split("\t")):
                continue
            tally.rows += 1
            row = parse_row(line)
            if row is None:
                tally.first_row = tally.first_row or f"{member.name!r}, line {number:,}"
                tally.bad_rows += 1
            elif row[0].strip():
                pairs.append(row)
            else:
                tally.empty += 1
        texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
        if layout.split == "stream" and texts:
            texts, labels = ["\n".join(texts) + "\n"], []
        if texts:
            yield Batch(member, texts, labels if kind == "table" and layout.label_column else [])


def lines(blocks: Iterable[str]) -> Iterator[list[str]]:
    """Cut text into lines, block by block; of an endless line the beginning is kept."""
    rest = ""
    for block in blocks:
        *whole, rest = (rest + block).split("\n")
        rest = rest[:MAX_CHARACTERS]
        if whole:
            yield whole
    if rest:
        yield [rest]


def paragraphs(blocks: Iterable[str]) -> Iterator[list[str]]:
    """Cut text at blank lines; line breaks within a paragraph stay."""
    rest = ""
    for block in blocks:
        *whole, rest = _BLANK_LINES.split(rest + block)
        rest = rest[: MAX_CHARACTERS + 1]
        if whole:
            yield [_trim(paragraph) for paragraph in whole]
    yield [_trim(rest)]


def _trim(text: str) -> str:
    """Return a paragraph without blank lines at its ends, which block boundaries may leave."""
    leading = _LEADING_BLANK_LINES.match(text)
    text = text[leading.end() :] if leading else text
    before, _, last = text.rpartition("\n")
    return text if last.strip() else before


def whole_words(blocks: Iterable[str]) -> Iterator[str]:
    """Cut a stream after line breaks, or else before spaces, so that no word is split."""
    rest = ""
    for block in blocks:
        text = rest + block
        cut = text.rfind("\n") + 1 or text.rfind(" ")
        if cut <= 0 and len(text) > MAX_CHARACTERS:
            cut = len(text)
        cut = max(cut, 0)
        rest = text[cut:]
        if cut:
            yield text[:cut]
    if rest:
        yield rest


def read_excerpts(
    source: Source, members: list[Member], encoding: str
) -> tuple[list[tuple[Member, str]], float, list[tuple[str, str]]]:
    """Read a small corpus as a whole, and of a larger one windows spread evenly over it.

    Args:
        source: The files.
        members: Those to read.
        encoding: Their encoding.

    Returns:
        Excerpts that begin and end with whole lines, each with its file; the fraction of the
        bytes that they make up; name and problem of each file that cannot be read.
    """
    check_encoding(encoding)
    windows = _windows(members)
    bytes_read = 0
    excerpts: list[tuple[Member, str]] = []
    broken: list[tuple[str, str]] = []
    for member, _ in source.stream():
        if member.name not in windows:
            continue
        try:
            for start, end in windows[member.name]:
                text, size = _read_window(member, start, end, encoding)
                excerpts.append((member, text))
                bytes_read += size
        except BadMember as error:
            broken.append((member.name, str(error)))
    total = sum(member.size for member in members)
    fraction = 1.0 if total <= _WHOLE_BYTES else max(bytes_read, 1) / total
    return excerpts, fraction, sorted(broken)


def _windows(members: list[Member]) -> dict[str, list[tuple[int, int]]]:
    """Return start and end of the windows to read of each file."""
    total = sum(member.size for member in members)
    if total <= _WHOLE_BYTES:
        return {member.name: [(0, member.size)] for member in members}
    windows: dict[str, list[tuple[int, int]]] = {}
    offset, number = 0, 0
    for member in members:
        while number < _WINDOWS and (place := number * total // _WINDOWS) < offset + member.size:
            # Units of UTF-16 and UTF-32 start at multiples of two and four bytes.
            start = (place - offset) // 4 * 4
            if member.size <= _WINDOW_BYTES:
                start = 0
            window = (start, min(start + _WINDOW_BYTES, member.size))
            if window not in windows.setdefault(member.name, []):
                windows[member.name].append(window)
            number += 1
        offset += member.size
    return windows


def _read_window(member: Member, start: int, end: int, encoding: str) -> tuple[str, int]:
    """Return the whole lines in a window of a file, and the number of bytes read."""
    if (start, end) == (0, member.size):
        return "".join(text_blocks(member, encoding, BadBytes())), member.size
    try:
        with member.open() as file:
            file.seek(start)
            data = file.read(end - start)
        if start == 0:
            refuse_binary(data[:HEAD_BYTES], encoding)
    except BadText:
        raise
    except READ_ERRORS as error:
        raise BadMember(f"it cannot be read ({error})") from error
    text = Decoder(member.name, encoding, BadBytes()).decode(data)
    first = text.find("\n") + 1 if start else 0
    last = text.rfind("\n") + 1 if end < member.size else len(text)
    # Inside a line longer than the window there are no whole lines.
    return (text[first:last] if last > first else text), len(data)
