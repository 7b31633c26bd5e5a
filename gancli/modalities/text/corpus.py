"""A source as samples of text, read in bounded memory."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Protocol

from gancli.data.member import READ_ERRORS
from gancli.data.source import BadMember, Member, Source
from gancli.errors import GancliError
from gancli.modalities.text.decode import (
    HEAD_BYTES,
    BadBytes,
    BadText,
    Decoder,
    check_encoding,
    refuse_binary,
    text_blocks,
)
from gancli.modalities.text.rows import Columns, cells, field_text, is_heading

SPLITS = ("lines", "paragraphs", "stream")
_PLAIN, _JSON, _TABLE = (".txt", ".text"), (".jsonl", ".ndjson"), (".tsv",)

# No more characters of a line or paragraph than this are kept.
LONGEST = 1 << 20
_BLANK, _LEADING = re.compile(r"\n(?:[^\S\n]*\n)+"), re.compile(r"(?:[^\S\n]*\n)+")

# How much is looked at: all of a small corpus, and of a large one windows all over it.
_WHOLE_BYTES = 16 << 20
_WINDOWS, _WINDOW_BYTES = 128, 64 << 10


class Layout(Protocol):
    """Where in the files the text is; a TextSpec is one.

    Args:
        split: ``lines``, ``paragraphs`` or ``stream``.
        field: Name of the field in JSON lines.
        text_column, label_column: Columns of a table from 1, 0 for none.
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
    """What was met on the way.

    Args:
        empty: Lines without text.
        bad: Bytes that the encoding does not allow.
        rows, bad_rows: Records, and those of them that hold no text.
        first_row: Where the first of these is.
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
        texts: The samples; of a stream one piece of it.
        labels: The label of each by its column; empty without.
    """

    member: Member
    texts: list[str]
    labels: list[str]


def text_files(source: Source) -> list[Member]:
    """Return the files that hold text: a single one whatever its name, else by suffix.

    Raises:
        GancliError: There are none.
    """
    members = list(source.members)
    if len(members) != 1:
        suffixes = (*_PLAIN, *_JSON, *_TABLE)
        members = [each for each in members if _suffix(each) in suffixes]
    if not members:
        raise GancliError(
            f"There is no text among the {len(source.members)} files of {str(source.path)!r}.",
            "Text is in files that end with .txt, .jsonl or .tsv; a single file may have any name.",
        )
    return members


def _suffix(member: Member) -> str:
    return PurePosixPath(member.name).suffix.lower()


def kind(member: Member, config: Any) -> str:
    """Return ``json``, ``table`` or ``plain``; a field or column asked for says it as well."""
    suffix = _suffix(member)
    if suffix in _JSON or (config.field is not None and suffix not in _TABLE):
        return "json"
    if suffix in _TABLE or config.text_column is not None or config.label_column is not None:
        return "table"
    return "plain"


def read(source: Source, layout: Layout, config: Any, tally: Tally) -> Iterator[Batch]:
    """Read all samples, file by file in the order in which they lie.

    Args:
        source: The files.
        layout: Where in them the text is.
        config: Has ``encoding``, ``field``, ``text_column``, ``label_column`` and ``strict``.
        tally: Counts what was skipped or replaced.

    Raises:
        GancliError: With ``strict``, whatever the tally would have counted but empty lines.
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
                    _stop_at_bad(tally)
                yield batch
        except (BadText, BadMember) as error:
            if config.strict:
                raise GancliError(
                    f"The file {member.name!r} cannot be read: {error}.",
                    "Mend or remove it, or leave --strict out to skip such files.",
                ) from error
            tally.broken.append((member.name, str(error)))
    if config.strict:
        _stop_at_bad(tally)


def _stop_at_bad(tally: Tally) -> None:
    if tally.bad.count:
        raise GancliError(
            f"A byte is not valid in this encoding: {tally.bad.first}.",
            "Give the right --encoding, or leave --strict out to replace such bytes.",
        )
    if tally.bad_rows:
        raise GancliError(
            f"A line holds no such text: {tally.first_row}.",
            "Mend it, or leave --strict out to skip such lines.",
        )


def parse(
    member: Member, blocks: Iterable[str], layout: Layout, config: Any, tally: Tally
) -> Iterator[Batch]:
    """Cut the text of a file into samples; empty ones are left out."""
    shape = kind(member, config)
    if shape != "plain":
        yield from _records(member, blocks, layout, shape, config, tally)
    elif layout.split == "stream":
        end = ""
        for block in whole_words(blocks):
            end = block[-1]
            yield Batch(member, [block], [])
        if end not in ("", "\n"):
            yield Batch(member, ["\n"], [])
    else:
        cut = lines if layout.split == "lines" else paragraphs
        for texts in cut(blocks):
            kept = [text for text in texts if text.strip()]
            if layout.split == "lines":
                tally.empty += len(texts) - len(kept)
            if kept:
                yield Batch(member, kept, [])


def _records(
    member: Member, blocks: Iterable[str], layout: Layout, shape: str, config: Any, tally: Tally
) -> Iterator[Batch]:
    columns = Columns(layout.text_column or config.text_column or 1, layout.label_column)
    field_name = layout.field or config.field or "text"
    parse_row: Callable[[str], tuple[str, str] | None]
    if shape == "table":
        def parse_row(line: str) -> tuple[str, str] | None:
            return cells(line, columns)
    else:
        def parse_row(line: str) -> tuple[str, str] | None:
            text = field_text(line, field_name)
            return None if text is None else (text, "")
    number = 0
    for rows in lines(blocks):
        found = []
        for line in rows:
            number += 1
            if not line.strip():
                tally.empty += 1
                continue
            if number == 1 and shape == "table" and is_heading(line.split("\t")):
                continue
            tally.rows += 1
            row = parse_row(line)
            if row is None:
                tally.first_row = tally.first_row or f"{member.name!r}, line {number:,}"
                tally.bad_rows += 1
            elif row[0].strip():
                found.append(row)
            else:
                tally.empty += 1
        texts, labels = [text for text, _ in found], [label for _, label in found]
        if layout.split == "stream" and texts:
            texts, labels = ["\n".join(texts) + "\n"], []
        if texts:
            yield Batch(member, texts, labels if shape == "table" and layout.label_column else [])


def lines(blocks: Iterable[str]) -> Iterator[list[str]]:
    """Cut text into lines, those of a block at once; an endless line keeps its beginning."""
    rest = ""
    for block in blocks:
        *whole, rest = (rest + block).split("\n")
        rest = rest[:LONGEST]
        if whole:
            yield whole
    if rest:
        yield [rest]


def paragraphs(blocks: Iterable[str]) -> Iterator[list[str]]:
    """Cut text at blank lines; line breaks inside of a paragraph stay."""
    rest = ""
    for block in blocks:
        *whole, rest = _BLANK.split(rest + block)
        rest = rest[: LONGEST + 1]
        if whole:
            yield [_trim(each) for each in whole]
    yield [_trim(rest)]


def _trim(text: str) -> str:
    """Return a paragraph without blank lines at its ends, which the end of a block may leave."""
    found = _LEADING.match(text)
    text = text[found.end() :] if found else text
    before, _, last = text.rpartition("\n")
    return text if last.strip() else before


def whole_words(blocks: Iterable[str]) -> Iterator[str]:
    """Cut a stream after line breaks, or else before spaces, so that no word is torn."""
    rest = ""
    for block in blocks:
        text = rest + block
        cut = text.rfind("\n") + 1 or text.rfind(" ")
        if cut <= 0 and len(text) > LONGEST:
            cut = len(text)
        cut = max(cut, 0)
        rest = text[cut:]
        if cut:
            yield text[:cut]
    if rest:
        yield rest


def sample(
    source: Source, members: list[Member], encoding: str
) -> tuple[list[tuple[Member, str]], float, list[tuple[str, str]]]:
    """Look at a corpus: at all of it if it is small, else at windows spread evenly over it.

    Args:
        source: The files.
        members: Those to look at.
        encoding: Theirs.

    Returns:
        Pieces of text that begin and end with whole lines, each with its file; the share of the
        bytes that they make up; name and problem of each file that cannot be read.
    """
    check_encoding(encoding)
    places = _windows(members)
    seen = 0
    pieces: list[tuple[Member, str]] = []
    broken: list[tuple[str, str]] = []
    for member, _ in source.stream():
        if member.name not in places:
            continue
        try:
            for start, end in places[member.name]:
                text, size = _window(member, start, end, encoding)
                pieces.append((member, text))
                seen += size
        except (BadText, BadMember) as error:
            broken.append((member.name, str(error)))
    total = sum(member.size for member in members)
    return pieces, (1.0 if total <= _WHOLE_BYTES else max(seen, 1) / total), sorted(broken)


def _windows(members: list[Member]) -> dict[str, list[tuple[int, int]]]:
    """Return the parts of each file to look at."""
    total = sum(member.size for member in members)
    if total <= _WHOLE_BYTES:
        return {member.name: [(0, member.size)] for member in members}
    found: dict[str, list[tuple[int, int]]] = {}
    reached, number = 0, 0
    for member in members:
        while number < _WINDOWS and (place := number * total // _WINDOWS) < reached + member.size:
            # UTF-16 and UTF-32 count in steps of two and four.
            start = (place - reached) // 4 * 4
            if member.size <= _WINDOW_BYTES:
                start = 0
            window = (start, min(start + _WINDOW_BYTES, member.size))
            if window not in found.setdefault(member.name, []):
                found[member.name].append(window)
            number += 1
        reached += member.size
    return found


def _window(member: Member, start: int, end: int, encoding: str) -> tuple[str, int]:
    """Return the whole lines in a part of a file, and the number of bytes read."""
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
    # Within a line longer than the window there is nothing whole to take.
    return (text[first:last] if last > first else text), len(data)
