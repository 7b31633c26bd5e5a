"""Bytes to text in blocks: what is no text is refused, bad bytes are replaced and located."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gancli.data.member import READ_ERRORS, BadMember, Member
from gancli.errors import UsageError

HEAD_BYTES = 64 << 10
_BLOCK_BYTES = 1 << 20
_HANDLER = "gancli.place"

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_CONTROL = 0.1
# Latin-1 read as UTF-8 is below this; Cyrillic or Chinese in an older encoding is far above.
_MAX_BAD = 0.25


class BadText(ValueError):
    """A file that is no text in this encoding."""


@dataclass
class BadBytes:
    """What could not be decoded.

    Args:
        count: Number of bytes.
        first: Where the first one is.
    """

    count: int = 0
    first: str = ""


def check_encoding(name: str) -> None:
    """Check that Python knows an encoding, and as one of text.

    Raises:
        UsageError: It does not.
    """
    try:
        bytes(4).decode(name)  # of no bytes at all it would not look at the name
        known = codecs.lookup(name).incrementaldecoder is not None
    except (LookupError, ValueError):
        known = False
    if not known:
        raise UsageError(
            f"There is no encoding {name!r}.",
            "Common ones are utf-8, utf-16, latin-1, cp1252, cp1251, gb18030, shift_jis, big5.",
        )


def refuse_binary(head: bytes, encoding: str) -> None:
    """Check that the first bytes of a file look like text.

    Raises:
        BadText: They hold many control characters, or much that the encoding does not allow.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and _is_utf8(encoding):
        raise BadText("it begins as UTF-16 does; give --encoding utf-16")
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    if len(_CONTROL.findall(text)) > _MAX_CONTROL * len(text):
        raise BadText("it is binary data")
    if text.count("\ufffd") > _MAX_BAD * len(text):
        raise BadText(
            f"it is no text in {encoding}; give its --encoding, such as cp1251 or gb18030"
        )


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


@dataclass
class Decoder:
    """Decodes one file; line ends become line feeds, and a byte order mark is dropped.

    Args:
        name: The file's, for messages.
        encoding: One that passes :func:`check_encoding`.
        bad: Counts what could not be decoded.
    """

    name: str
    encoding: str
    bad: BadBytes
    _fed: int = field(default=0, init=False)
    _lines: int = field(default=0, init=False)
    _begun: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._codec = codecs.getincrementaldecoder(self.encoding)(_HANDLER)
        self._newlines: Any = io.IncrementalNewlineDecoder(None, translate=True)

    def decode(self, data: bytes, final: bool = False) -> str:
        """Return the text of the next bytes; an unfinished character waits for more."""
        # The codec looks for the handler at its first error, so this is the one it finds.
        codecs.register_error(_HANDLER, self._replace)
        self._fed += len(data)
        text: str = self._newlines.decode(self._codec.decode(data, final), final)
        if text and not self._begun:
            self._begun = True
            text = text.removeprefix("\ufeff")
        self._lines += text.count("\n")
        return text

    def _replace(self, error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        if not self.bad.count:
            offset = self._fed - len(error.object) + error.start
            before = error.object[: error.start].replace(b"\r\n", b"\n")
            line = self._lines + before.count(b"\n") + 1
            self.bad.first = f"{self.name!r}, byte {offset:,}, line {line:,}"
        self.bad.count += error.end - error.start
        return "\ufffd", error.end


def text_blocks(member: Member, encoding: str, bad: BadBytes) -> Iterator[str]:
    """Decode a file in blocks.

    Raises:
        BadText: It is no text.
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
