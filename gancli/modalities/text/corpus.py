"""Reading samples of text from a source, in bounded memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Protocol

from gancli.config.unicode import normalized
from gancli.data.label_file import LABEL_FILE, file_labels
from gancli.data.source import BadMember, Member, Source
from gancli.data.survey import cannot_use, no_files
from gancli.errors import GancliError
from gancli.modalities.text.columns import MAX_LABEL_LENGTH
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.decode import BadBytes, TextFile, check_encoding
from gancli.modalities.text.formats import FAMILIES, Format, find_format, suffix
from gancli.modalities.text.json_text import JsonFormat, field_label, field_text
from gancli.modalities.text.plain import Plain
from gancli.modalities.text.tables import Columns, Table, cells


class Layout(Protocol):
    """Where the text is in the files; TextSpec is one implementation.

    Args:
        split: ``lines``, ``paragraphs`` or ``stream``.
        field: Name of the field in JSON.
        text_column, label_column: Columns of a table, from 1; 0 for none.
        label_field: Name of the field in JSON with the class, or empty.
    """

    @property
    def split(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def text_column(self) -> int: ...
    @property
    def label_column(self) -> int: ...
    @property
    def label_field(self) -> str: ...


@dataclass
class Tally:
    """What was skipped or replaced while reading; the cache stores it under these names.

    Args:
        empty: Number of lines or records without text.
        bad: Bytes that are invalid in the encoding.
        rows, bad_rows: Number of records, and of those that are damaged or lack text or class.
        first_row: Where the first of the latter is.
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
        texts: The samples, in one Unicode form; of a stream, one piece of it.
        labels: The label of each from its column or field; empty without such a one.
    """

    member: Member
    texts: list[str]
    labels: list[str]


def text_files(source: Source) -> list[Member]:
    """Return the files with text: a single file whatever its name, else those of one family.

    Plain text, JSON and tables are families; of several, the one with the most bytes is read,
    since a read-me beside a table, or a list of files beside a novel, is not a sample.

    Raises:
        GancliError: There are none.
    """
    members = list(source.members)
    if len(members) != 1:
        if any(file_labels(source)):
            members = [each for each in members if PurePosixPath(each.name).name != LABEL_FILE]
        families = [[member for member in members if suffix(member) in family]
                    for family in FAMILIES]
        members = max(families, key=lambda family: sum(member.size for member in family))
        members = members or max(families, key=len)
    if not members:
        hint = "Their names end with .txt, .csv, .tsv, .jsonl or .json; a single file may have "
        raise no_files("text files", source, hint + "any name.")
    return members


def has_labels(source: Source, layout: Layout, config: TextConfig) -> bool:
    """Return whether the first file that can be read has classes beside its texts."""
    for member in text_files(source):
        try:
            with TextFile(member, config.encoding, BadBytes()) as file:
                written = find_format(member, *file.head(), config.split, config)
                return _is_labeled(written, layout)
        except BadMember:
            continue
    return False


def _is_labeled(written: Format, layout: Layout) -> bool:
    """Return whether a class stands beside each text of a file."""
    if isinstance(written, Table):
        return layout.label_column > 0
    return isinstance(written, JsonFormat) and bool(layout.label_field)


def read(source: Source, layout: Layout, config: TextConfig, tally: Tally) -> Iterator[Batch]:
    """Read all samples, file by file in the order of the source.

    Args:
        source: The files.
        layout: Where the text is in them.
        config: Encoding and what else finds the format, and whether to be ``strict``.
        tally: Counts what was skipped or replaced.

    Raises:
        GancliError: With ``strict``, for anything that the tally would count except empty lines.
    """
    check_encoding(config.encoding)
    names = {member.name for member in text_files(source)}
    for member in source.in_storage_order():
        if member.name not in names:
            continue
        try:
            with TextFile(member, config.encoding, tally.bad) as file:
                written = find_format(member, *file.head(), layout.split, config)
                records = written.records(file.blocks())
                for batch in samples(member, written, records, layout, config, tally):
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
            f"A record has no such text: {tally.first_row}.",
            "Correct it, or leave out --strict to skip such records.",
        )


def samples(
    member: Member, written: Format, batches: Iterable[list[Any]], layout: Layout,
    config: TextConfig, tally: Tally,
) -> Iterator[Batch]:
    """Turn the records of a file into samples, without empty ones."""
    columns = Columns(layout.text_column or 1, layout.label_column)
    labeled = _is_labeled(written, layout) and layout.split != "stream"
    field_name = layout.field or config.field or "text"
    number = 0
    for records in batches:
        if isinstance(written, Plain):
            pairs = [(text, "") for text in records if written.split == "stream" or text.strip()]
            if written.split == "lines":
                tally.empty += len(records) - len(pairs)
        else:
            pairs = []
            for record in records:
                number += 1
                if record == "":
                    tally.empty += 1
                    continue
                tally.rows += 1
                if isinstance(written, Table):
                    pair = record and cells(record, columns, MAX_LABEL_LENGTH)
                else:
                    text = field_text(record, field_name)
                    label: str | None = ""
                    if labeled:
                        label = field_label(record, layout.label_field, MAX_LABEL_LENGTH)
                    pair = None if text is None or label is None else (text, label)
                if pair is None:
                    place = f"{member.name!r}, {written.place} {number:,}"
                    tally.first_row = tally.first_row or place
                    tally.bad_rows += 1
                elif pair[0].strip():
                    pairs.append(pair)
                else:
                    tally.empty += 1
        texts = [normalized(text) for text, _ in pairs]
        if layout.split == "stream" and texts and written != Plain("stream"):
            texts = ["\n".join(texts) + "\n"]
        if texts:
            yield Batch(member, texts, [label for _, label in pairs] if labeled else [])
