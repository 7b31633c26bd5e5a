r"""Each way of writing texts: as lines, as records, or as a file each.

A sample is one line, whatever it holds. Its newlines become ``\n`` and its carriage returns ``\r``;
backslashes that stand before such an escape, or before a letter n or r, are doubled, so that it can
be read back; any other text stays as it is:

    a newline           \n          C:\new          C:\\new
    C:\temp, 5 \times   as it is    a\ + newline    a\\\n

To read it back: backslashes before an n or r stand for half as many, and the one left over, if
their number is odd, makes the letter a newline or a carriage return.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO

from gancli.modalities.text.generated import Decode, GeneratedText
from gancli.sampling.request import Sample, SeedRequests
from gancli.sampling.target import Target
from gancli.sampling.writer import FolderWriter, StreamWriter
from gancli.storage.files import write_file

# Turns a text into what is written of it, the end of the line included.
Record = Callable[[GeneratedText], str]

_BREAK = re.compile(r"(\\*)([\n\r])|(\\+)(?=[nr])")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f]")  # a tab, a newline and NUL harm no terminal
# JSON may hold these as they are, but some programs end a line there.
_SEPARATORS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def escape(text: str) -> str:
    """Return a text as one line that can be read back; see above."""
    return _BREAK.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    slashes, end, before_letter = found.groups()
    if before_letter is not None:
        return str(before_letter) * 2
    return slashes * 2 + ("\\n" if end == "\n" else "\\r")


def encoded(text: str) -> bytes:
    """Return a text as UTF-8; halves of characters, which have none, become U+FFFD."""
    return _SURROGATE.sub("\ufffd", text).encode()


def line(text: GeneratedText) -> str:
    """Return a text as a line."""
    return escape(text.text) + "\n"


def terminated(text: GeneratedText) -> str:
    """Return a text as it is, ended by NUL; one inside it, which splits it, becomes U+FFFD."""
    return text.text.replace("\0", "\ufffd") + "\0"


def as_json(classes: tuple[str, ...], model: str) -> Record:
    """Return what makes a text a line of JSON, with the name of its class if there are any."""
    model = _SURROGATE.sub("\ufffd", model)  # of a folder whose name is not UTF-8

    def record(text: GeneratedText) -> str:
        sample = text.sample
        table: dict[str, object] = {"seed": sample.request.seed, "text": text.text}
        if sample.label is not None:
            table["class"] = classes[sample.label]
        table["tokens"] = len(text.tokens)
        table["log_likelihood"] = _number(text.log_likelihood)
        table["score"] = _number(sample.log_odds)
        table["model"] = model
        return json.dumps(table, ensure_ascii=False).translate(_SEPARATORS) + "\n"

    return record


def _number(value: float | None) -> float | None:
    """Return a number as JSON can hold it; what is infinite or no number is null there."""
    return round(float(value), 6) if value is not None and math.isfinite(value) else None


class Lines(StreamWriter):
    """All texts one after the other, each sent on as soon as it is made.

    Args:
        seeds: Of the texts.
        target: A file or standard output.
        decode: Turns ids into text.
        record: Makes what is written of a text.
    """

    def __init__(
        self, seeds: Sequence[int], target: Target, decode: Decode, record: Record
    ) -> None:
        super().__init__(SeedRequests(seeds), target)
        self.decode, self.record = decode, record

    def open(self) -> AbstractContextManager[BinaryIO]:
        return nullcontext(self.target.stdout()) if self.target.path is None else super().open()

    def write(self, sample: Sample) -> None:
        text = self.record(GeneratedText.read(sample, self.decode))
        to_stdout = self.target.path is None
        if to_stdout and self.stream.isatty():
            text = _CONTROL.sub(_visible, text)
        self.stream.write(encoded(text))
        if to_stdout:
            self.stream.flush()  # whoever reads may want no more than this one


def _visible(match: re.Match[str]) -> str:
    """Return a control character as a person can see it, and no terminal obeys."""
    return f"\\x{ord(match[0]):02x}"


class Folder(FolderWriter):
    """A directory with a file for each seed, which holds the text as it is and a newline.

    Args:
        seeds: Of the texts.
        target: The directory.
        decode: Turns ids into text.
    """

    def __init__(self, seeds: Sequence[int], target: Target, decode: Decode) -> None:
        super().__init__(seeds, target, ".txt")
        self.decode = decode

    def write(self, sample: Sample) -> None:
        text = GeneratedText.read(sample, self.decode).text
        write_file(self.file_of(sample.request.seed), encoded(text + "\n"), durable=False)
