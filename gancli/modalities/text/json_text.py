"""JSON as samples: an object a line, an array of them, or objects over several lines."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gancli.config.unicode import normalized
from gancli.data.member import BadMember
from gancli.errors import UsageError
from gancli.modalities.text.plain import lines

_DECODER = json.JSONDecoder()
_ERRORS = (ValueError, RecursionError)
_MAX_VALUE, _MAX_OBJECT = 1 << 24, 1 << 26  # characters
_BATCH = 4096

_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?")
_BETWEEN = re.compile(r"[\s,]*")


@dataclass(frozen=True)
class JsonLines:
    """A JSON value on each line."""

    place = "line"
    windowed = True
    shown = "one object a line"

    def records(self, blocks: Iterable[str]) -> Iterator[list[Any]]:
        """Yield the values, None for what is not JSON and "" for blank lines."""
        for batch in lines(blocks):
            yield [_parse(line) if line.strip() else "" for line in batch]


@dataclass(frozen=True)
class JsonValues:
    """JSON values one after another or in arrays, however they are laid out.

    Args:
        start: Where the first of them starts in the text.
        again: What a record after a damaged one begins with, or empty if nothing tells.
        array: Whether the values are in an array.
    """

    start: int
    again: str
    array: bool
    place = "record"
    windowed = False

    @property
    def shown(self) -> str:
        return "an array" if self.array else "objects one after another"

    def records(self, blocks: Iterable[str]) -> Iterator[list[Any]]:
        """Yield the values, and None for a damaged one, some at a time.

        Raises:
            BadMember: One is damaged, and nothing tells where the next begins.
        """
        batch: list[Any] = []
        for value in self._values(iter(blocks)):
            batch.append(value)
            if len(batch) == _BATCH:
                yield batch
                batch = []
        yield batch

    def _values(self, blocks: Iterator[str]) -> Iterator[Any]:
        text, at, ended = "", self.start, False
        while True:
            between = _BETWEEN.match(text, min(at, len(text)))
            at = max(at, between.end()) if between else at
            if self.array and text[at : at + 1] == "]":
                following = re.compile(r"\s*,?\s*\[").match(text, at + 1)
                if following is None and (ended or text[at + 1 :].strip()):
                    return
                if following is not None:
                    at = following.end()
                    continue
            elif at < len(text):
                try:
                    value, end = _DECODER.raw_decode(text, at)
                except _ERRORS as error:
                    value, end = error, -1
                # The rest of a value may be in the next block.
                if (end >= 0 and (end < len(text) or ended)) or (
                    end < 0 and (ended or len(text) - at > _MAX_VALUE)
                ):
                    yield None if end < 0 else value
                    at = self._next(text, at, ended) if end < 0 else end
                    continue
            if ended:
                return
            text, at = text[min(at, len(text)) :], max(at - len(text), 0)
            wanted = 2 * len(text) + 1
            while len(text) < wanted and not ended:
                block = next(blocks, None)
                ended = block is None
                text += block or ""

    def _next(self, text: str, at: int, ended: bool) -> int:
        """Return where the record after a damaged one begins."""
        place = text.find(self.again, at + 1) if self.again else -1
        if place >= 0:
            return place + len(self.again) - 1
        if ended and self.again:
            return len(text)
        raise BadMember("its JSON is damaged")


@dataclass(frozen=True)
class JsonObject:
    """One object around all records, which is read as a whole."""

    place = "record"
    windowed = False
    shown = "records within one object"

    def records(self, blocks: Iterable[str]) -> Iterator[list[Any]]:
        """Yield the records at once.

        Raises:
            BadMember: It is damaged, or too large.
        """
        text = ""
        for block in blocks:
            text += block
            if len(text) > _MAX_OBJECT:
                raise BadMember("it is one JSON object that is too large; give JSON lines")
        try:
            yield list(_inside(json.loads(text)))
        except _ERRORS as error:
            raise BadMember(f"its JSON is damaged ({error})") from error


def _inside(value: Any) -> Iterator[Any]:
    """Yield the records in a JSON value: texts in lists, and objects with a text."""
    if isinstance(value, list):
        for each in value:
            if isinstance(each, str):
                yield each
            else:
                yield from _inside(each)
    elif isinstance(value, dict):
        columns = [list(each.values()) if isinstance(each, dict) and all(map(str.isdigit, each))
                   else each for each in value.values()]
        lengths = {len(each) if isinstance(each, list) else -1 for each in columns}
        if _is_record(value):
            yield value
        # A list, or an object of numbers, for each column.
        elif len(lengths) == 1 and -1 not in lengths and all(
            not isinstance(cell, (list, dict)) for each in columns for cell in each
        ):
            for row in zip(*columns, strict=True):
                yield dict(zip(value, row, strict=True))
        else:
            for each in value.values():
                yield from _inside(each)


def _is_record(value: Any) -> bool:
    """Return whether an object has a text, and no list of objects that could be the records."""
    return isinstance(value, dict) and any(isinstance(each, str) for each in value.values()) and (
        not any(isinstance(each, list) and each and isinstance(each[0], dict)
                for each in value.values())
    )


JsonFormat = JsonLines | JsonValues | JsonObject


def find_json(head: str, whole: bool, certain: bool) -> JsonFormat | None:
    """Return the format of JSON.

    Args:
        head: The beginning of the file.
        whole: Whether it is all of it.
        certain: Whether it is known to be JSON; if not, None is returned where it is not.
    """
    start = len(head) - len(head.lstrip())
    rows = [line for line in head.split("\n")[: None if whole else -1] if line.strip()]
    objects = [value for value in map(_parse, rows) if isinstance(value, dict)]
    if objects and len(objects) >= 0.9 * len(rows) and (len(rows) > 1 or _is_record(objects[0])):
        return JsonLines()
    opening = head[start : start + 1]
    if opening == "[":
        first = _BETWEEN.match(head, start + 1)
        inside = first.end() if first else start + 1
        value = _value(head, inside)
        if (certain or _goes_on(head, start)) and (
            isinstance(value, (dict, str)) or (value is None and head[inside : inside + 1] == "{")
        ):
            return JsonValues(start + 1, _again(head, inside), True)
    elif opening == "{":
        try:
            _, end = _DECODER.raw_decode(head, start)
        except _ERRORS:
            # One object of which this is the beginning, or lines of which the first is damaged.
            wrapping = not whole and not objects and '"' in head and (certain or _goes_on(head, 0))
            return JsonObject() if wrapping else JsonLines() if certain else None
        following = head[end:].lstrip(" \r\n\t,")[:1]
        if following == "{":
            return JsonLines() if objects else JsonValues(start, _again(head, start), False)
        if not following and not objects or len(rows) == 1:
            return JsonObject() if whole else None
    return JsonLines() if certain else None


def _goes_on(head: str, start: int) -> bool:
    """Return whether a value goes on behind a beginning, or is followed by nothing but another."""
    try:
        _, end = _DECODER.raw_decode(head, start)
    except json.JSONDecodeError as error:
        return error.pos > len(head) // 2
    except _ERRORS:
        return False
    return head[end:].lstrip(" \r\n\t,")[:1] in ("", "[")


def _again(head: str, at: int) -> str:
    """Return the line break and the indentation before a record, with its first character."""
    line = head.rfind("\n", 0, at)
    indent = head[line + 1 : at]
    return "\n" + indent + head[at : at + 1] if not indent.strip() else ""


def _value(text: str, at: int) -> Any:
    """Return the JSON value at a place in a text, or None if there is none."""
    try:
        return _DECODER.raw_decode(text, at)[0]
    except _ERRORS:
        return None


def _parse(line: str) -> Any:
    """Return the JSON value that a text is, or None."""
    try:
        return json.loads(line)
    except _ERRORS:
        return None


def field_text(record: Any, field: str) -> str | None:
    """Return a record that is text, or the field of one that is an object; None without text."""
    value = record.get(field) if isinstance(record, dict) else record
    if not isinstance(value, str):
        return None
    # JSON can contain halves of surrogate pairs, which cannot be encoded.
    return _LINE_ENDS.sub("\n", _SURROGATES.sub("\ufffd", value))


def field_label(record: Any, field: str, max_length: int) -> str | None:
    """Return the class that a field of a record holds, or None if it holds none."""
    value = record.get(field) if isinstance(record, dict) else None
    label = value if isinstance(value, str) else json.dumps(value) if _is_plain(value) else ""
    label = normalized(_SURROGATES.sub("\ufffd", label))
    return label if 0 < len(label) <= max_length else None


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def choose_label_field(records: list[Any], requested: str) -> str:
    """Return the field that is requested for the class.

    Raises:
        UsageError: No record has it.
    """
    counts: Counter[str] = Counter(
        key for record in records if isinstance(record, dict)
        for key, value in record.items() if _is_plain(value)
    )
    for name in counts:
        if normalized(name) == normalized(requested):
            return name
    fields = ", ".join(repr(name) for name, _ in counts.most_common(10))
    raise UsageError(
        f"The JSON has no field {requested!r} with classes.",
        f"Choose one with --label-column: {fields}." if fields else "Leave out --label-column.",
    )


def choose_field(records: list[Any], requested: str | None) -> str:
    """Return the field that holds the text: the one requested, else ``text``, else the only one.

    Raises:
        UsageError: No record has it.
    """
    counts: Counter[str] = Counter()
    for record in records:
        if isinstance(record, dict):
            counts.update(key for key, value in record.items() if type(value) is str)
    field = "text" if requested is None else requested
    same = [name for name in counts if normalized(name) == normalized(field)]
    field = field if field in counts or not same else same[0]
    if field in counts or not records or any(type(record) is str and record for record in records):
        return field
    if requested is None and len(counts) == 1:
        return next(iter(counts))
    if not counts:
        raise UsageError(
            "The JSON is damaged, or has no text.", "Give objects with text, or a list of texts."
        )
    fields = ", ".join(repr(name) for name, _ in counts.most_common(10))
    raise UsageError(
        f"The JSON has no field {field!r} with text.", f"Choose one with --field: {fields}."
    )
