"""Decoding text in blocks: binary data is refused, invalid bytes are replaced and located."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gancli.data.member import READ_ERRORS, BadMember, Member
from gancli.errors import UsageError

HEAD_BYTES = 64 << 10
_BLOCK_BYTES = 1 << 20
_HANDLER = "gancli.locate"

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_CONTROL = 0.1
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
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and _is_utf8(encoding):
        raise BadText("it starts like UTF-16; give --encoding utf-16")
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    if len(_CONTROL.findall(text)) > _MAX_CONTROL * len(text):
        raise BadText("it is binary data")
    if text.count("\ufffd") > _MAX_INVALID * len(text):
        raise BadText(
            f"it is not text in {encoding}; give its --encoding, such as cp1251 or gb18030"
        )


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


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


def text_blocks(member: Member, encoding: str, bad: BadBytes) -> Iterator[str]:
    """Decode a file in blocks.

    Raises:
        BadText: It is not text.
        BadMember: It cannot be read.
    """
    decoder = Decoder(member.name, encoding, bad)
    try:
        with member.open() as file:
            block = file.read(_BLOCK_BYTES)
            refuse_binary(block[:HEAD_BYTES], encoding)
            while block:
                yield decoder.decode(block)
                block = file.read(_BLOCK_BYTES)
            yield decoder.decode(b"", True)
    except BadText:
        raise
    except READ_ERRORS as error:
        raise BadMember(f"it cannot be read ({error})") from error
