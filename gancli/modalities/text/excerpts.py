"""Reading a small corpus as a whole, and of a larger one what is spread evenly over it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gancli.data.source import BadMember, Member, Source
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.decode import BadBytes, TextFile, check_encoding
from gancli.modalities.text.formats import Format, find_format

_WHOLE_BYTES = 16 << 20
_WINDOWS, _WINDOW_BYTES = 128, 64 << 10

_Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Excerpt:
    """Some records of a file.

    Args:
        member: The file.
        encoding: What it is decoded with.
        format: How its records are written.
        records: The records, as the format yields them.
    """

    member: Member
    encoding: str
    format: Format
    records: list[list[Any]]


def read_excerpts(
    source: Source, members: list[Member], config: TextConfig
) -> tuple[list[Excerpt], float, list[tuple[str, str]]]:
    """Read records that are spread evenly over a corpus.

    Lines are read from windows; where only what comes before tells what a line is, as in a table
    with line breaks in its cells, all are read, and every so many kept. No file is read twice or
    backwards, so that a .tar.gz is decompressed once.

    Args:
        source: The files.
        members: Those to read.
        config: Encoding, split and what else finds the format.

    Returns:
        Excerpts; the fraction of the bytes that they make up; name and problem of each file
        that cannot be read.
    """
    check_encoding(config.encoding)
    total = sum(member.size for member in members)
    spans = _spans(members, total)
    excerpts: list[Excerpt] = []
    broken: list[tuple[str, str]] = []
    bytes_read = 0.0
    for member in source.in_storage_order():
        if member.name not in spans:
            continue
        try:
            with TextFile(member, config.encoding, BadBytes()) as file:
                excerpt, size = _excerpt(member, file, spans[member.name], config)
        except BadMember as error:
            broken.append((member.name, str(error)))
        else:
            excerpts.append(excerpt)
            bytes_read += size
    fraction = 1.0 if total <= _WHOLE_BYTES else max(bytes_read, 1) / total
    return excerpts, fraction, sorted(broken)


def _spans(members: list[Member], total: int) -> dict[str, _Spans]:
    """Return start and end of the windows to read of each file."""
    if total <= _WHOLE_BYTES:
        return {member.name: [(0, member.size)] for member in members}
    spans: dict[str, _Spans] = {}
    offset, number = 0, 0
    for member in members:
        while number < _WINDOWS and (place := number * total // _WINDOWS) < offset + member.size:
            # Units of UTF-16 and UTF-32 start at multiples of two and four bytes.
            start = (place - offset) // 4 * 4
            if member.size <= _WINDOW_BYTES:
                start = 0
            span = (start, min(start + _WINDOW_BYTES, member.size))
            if span not in spans.setdefault(member.name, []):
                spans[member.name].append(span)
            number += 1
        offset += member.size
    return spans


def _excerpt(
    member: Member, file: TextFile, spans: _Spans, config: TextConfig
) -> tuple[Excerpt, float]:
    """Return some records of a file, and the number of bytes that they stand for."""
    size = sum(end - start for start, end in spans)
    whole = size >= member.size
    chosen = find_format(member, *file.head(), config.split, config)
    if whole or not chosen.windowed:
        every = 1 if whole else -(-member.size // size)
        records = list(_thinned(chosen.records(file.blocks()), every))
        return Excerpt(member, file.encoding, chosen, records), member.size / every
    records, bytes_read = [], 0
    for text, count in file.windows(spans, member.size):
        records += chosen.records([text])
        bytes_read += count
    return Excerpt(member, file.encoding, chosen, records), bytes_read


def _thinned(batches: Iterator[list[Any]], every: int) -> Iterator[list[Any]]:
    """Yield one record of every so many, at random places, the same each time."""
    places = random.Random(0)
    seen = kept = place = 0
    for batch in batches:
        chosen = []
        while place < seen + len(batch):
            chosen.append(batch[place - seen])
            kept += 1
            # Classes that take turns would else be one class.
            place = kept * every + places.randrange(every)
        seen += len(batch)
        yield chosen
