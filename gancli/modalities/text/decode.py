"""Decoding text forwards: binary data is refused, invalid bytes are replaced and located."""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from gancli.data.member import READ_ERRORS, BadMember, Member
from gancli.errors import UsageError
from gancli.modalities.text.encodings import find_encoding

HEAD_BYTES = 256 << 10
_BLOCK_BYTES = 1 << 20
_HANDLER = "gancli.locate"

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_CONTROL = 0.1
# Programs for the shell end items with single zeros.
_ZERO = re.compile(r"(?<!\x00)\x00(?!\x00)")
_MAX_ZEROS = 1 / 3
# Latin-1 read as UTF-8 has fewer invalid bytes; Cyrillic or Chinese in an older encoding far more.
_MAX_INVALID = 0.25


class BadText(BadMember):
    """A file that is not text in this encoding."""


@dataclass
class BadBytes:
    """Bytes that could not be decoded.

    Args:
        count: Their number.
        first: Where the first one is.
    """

    count: int = 0
    first: str = ""


def check_encoding(name: str) -> None:
    """Check that Python knows an encoding of text.

    Raises:
        UsageError: It does not.
    """
    try:
        bytes(4).decode(name)  # decoding no bytes would not look up the name
        known = codecs.lookup(name).incrementaldecoder is not None
    except (LookupError, ValueError):
        known = False
    if not known:
        raise UsageError(
            f"The encoding {name!r} is unknown.",
            "Common ones are utf-8, utf-16, latin-1, cp1252, cp1251, gb18030, shift_jis, big5.",
        )


def refuse_binary(head: bytes, encoding: str) -> None:
    """Check that the first bytes of a file look like text.

    Raises:
        BadText: Many are control characters or invalid in this encoding.
    """
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    zeros = len(_ZERO.findall(text))
    control = len(_CONTROL.findall(text)) - (zeros if zeros <= _MAX_ZEROS * len(text) else 0)
    if control > _MAX_CONTROL * len(text):
        raise BadText("it is binary data")
    if text.count("\ufffd") > _MAX_INVALID * len(text):
        raise BadText(
            f"it is not text in {encoding}; give its --encoding, such as cp1251 or gb18030"
        )


@dataclass
class Decoder:
    """Decodes one file; line endings become line feeds, and a byte order mark is dropped.

    Args:
        name: Name of the file, for messages.
        encoding: One that passes :func:`check_encoding`.
        bad: Counts the bytes that could not be decoded.
    """

    name: str
    encoding: str
    bad: BadBytes
    _bytes: int = field(default=0, init=False)
    _lines: int = field(default=0, init=False)
    _started: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._codec = codecs.getincrementaldecoder(self.encoding)(_HANDLER)
        self._newlines = io.IncrementalNewlineDecoder(None, translate=True)

    def decode(self, data: bytes, final: bool = False) -> str:
        """Return the text of the next bytes; an incomplete character waits for more."""
        # The codec looks up the handler at its first error, so it gets this one.
        codecs.register_error(_HANDLER, self._replace)
        self._bytes += len(data)
        text: str = self._newlines.decode(self._codec.decode(data, final), final)
        if text and not self._started:
            self._started = True
            text = text.removeprefix("\ufeff")
        self._lines += text.count("\n")
        return text

    def _replace(self, error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        if not self.bad.count:
            offset = self._bytes - len(error.object) + error.start
            before = error.object[: error.start].replace(b"\r\n", b"\n")
            line = self._lines + before.count(b"\n") + 1
            self.bad.first = f"{self.name!r}, byte {offset:,}, line {line:,}"
        self.bad.count += error.end - error.start
        return "\ufffd", error.end


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except BadMember:
        raise
    except READ_ERRORS as error:
        raise BadMember(f"it cannot be read ({error})") from error


class TextFile:
    """A file that is decoded from its beginning to its end; a context manager.

    It is read forwards, since going back in a .tar.gz means decompressing it again.

    Args:
        member: The file.
        encoding: What applies unless its first bytes say otherwise.
        bad: Counts the bytes that could not be decoded.

    Raises:
        BadText: It is not text.
        BadMember: It cannot be read; so may the methods raise.
    """

    def __init__(self, member: Member, encoding: str, bad: BadBytes) -> None:
        self._name, self._bad = member.name, bad
        with _reading():
            self._file: IO[bytes] = member.open()
        try:
            with _reading():
                self._head = self._file.read(HEAD_BYTES)
            self.encoding = find_encoding(self._head, encoding)
            refuse_binary(self._head, self.encoding)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "TextFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def head(self) -> tuple[str, bool]:
        """Return the text of the first bytes, and whether they are all of the file."""
        whole = len(self._head) < HEAD_BYTES
        return Decoder(self._name, self.encoding, BadBytes()).decode(self._head, whole), whole

    def blocks(self) -> Iterator[str]:
        """Yield the text of the whole file in blocks."""
        decoder = Decoder(self._name, self.encoding, self._bad)
        block = self._head
        while block:
            yield decoder.decode(block)
            with _reading():
                block = self._file.read(_BLOCK_BYTES)
        yield decoder.decode(b"", True)

    def windows(self, spans: list[tuple[int, int]], size: int) -> Iterator[tuple[str, int]]:
        """Yield the whole lines within spans of bytes, and how many bytes were read for them.

        Args:
            spans: Start and end of each, ascending, without overlaps; starts are multiples of 4.
            size: Number of bytes in the file.
        """
        position = len(self._head)
        for start, end in spans:
            data = self._head[start:end]
            if end > position:
                with _reading():
                    self._skip(max(start - position, 0))
                    data += self._file.read(end - max(start, position))
                position = end
            text = Decoder(self._name, self.encoding, BadBytes()).decode(data)
            first = text.find("\n") + 1 if start else 0
            last = text.rfind("\n") + 1 if end < size else len(text)
            # Inside a line longer than the window there are no whole lines.
            yield (text[first:last] if last > first else text), len(data)

    def _skip(self, count: int) -> None:
        if count and self._file.seekable():
            self._file.seek(count, 1)
            return
        while count > 0 and (block := self._file.read(min(count, _BLOCK_BYTES))):
            count -= len(block)
