r"""Each way in which texts leave: as lines, as records, or as a file each.

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
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from gancli.modalities.base import Stdout
from gancli.modalities.text.generated import Sample, TextItems
from gancli.sampling.target import refuse_existing
from gancli.storage.files import replacing, write_file

# Turns a seed and its sample into what is written of them, the end of the line included.
Record = Callable[[int, Sample], str]

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


def line(seed: int, sample: Sample) -> str:
    """Return a sample as a line."""
    return escape(sample.text) + "\n"


def terminated(seed: int, sample: Sample) -> str:
    """Return a sample as it is, ended by NUL; one inside it, which splits it, becomes U+FFFD."""
    return sample.text.replace("\0", "\ufffd") + "\0"


def as_json(label: Callable[[int], str | None]) -> Record:
    """Return what makes a sample a line of JSON.

    Args:
        label: Gives the name of a seed's class, or None where there are no classes.
    """

    def record(seed: int, sample: Sample) -> str:
        table: dict[str, Any] = {"seed": seed, "text": sample.text}
        if (name := label(seed)) is not None:
            table["class"] = name
        table["tokens"] = len(sample.tokens)
        table["log_likelihood"] = _number(sample.log_likelihood)
        table["score"] = _number(sample.score)
        return json.dumps(table, ensure_ascii=False).translate(_SEPARATORS) + "\n"

    return record


def _number(value: float | None) -> float | None:
    """Return a number as JSON can hold it; what is infinite or no number is null there."""
    return round(float(value), 6) if value is not None and math.isfinite(value) else None


def name_of(seed: int) -> str:
    """Return the file name of a seed's text; names sort as seeds do, up to a million."""
    return f"seed-{seed:06d}.txt"


class Writer(ABC):
    """Writes the texts of some seeds, in one way."""

    @abstractmethod
    def files(self, seeds: list[int]) -> list[Path]:
        """Return the files that will be written."""

    def write(self, items: TextItems, seeds: list[int], force: bool, stdout: Stdout) -> list[Path]:
        """Write the texts and return the files.

        Raises:
            GancliError: A file is there already or cannot be written.
        """
        files = self.files(seeds)
        refuse_existing(files, force)
        self._fill(items, seeds, stdout)
        return files

    @abstractmethod
    def _fill(self, items: TextItems, seeds: list[int], stdout: Stdout) -> None: ...


class Stream(Writer):
    """All texts one after the other, each sent on as soon as it is made.

    Args:
        path: File, or None for standard output.
        record: Makes what is written of a sample.
    """

    def __init__(self, path: Path | None, record: Record) -> None:
        self.path = path
        self.record = record

    def files(self, seeds: list[int]) -> list[Path]:
        return [] if self.path is None else [self.path]

    def _fill(self, items: TextItems, seeds: list[int], stdout: Stdout) -> None:
        with self._open(stdout) as stream:
            shown = self.path is None and stream.isatty()
            for seed, sample in items(seeds):
                text = self.record(seed, sample)
                stream.write(encoded(_CONTROL.sub(_visible, text) if shown else text))
                if self.path is None:
                    stream.flush()  # whoever reads may want no more than this one

    def _open(self, stdout: Stdout) -> AbstractContextManager[BinaryIO]:
        return nullcontext(stdout()) if self.path is None else replacing(self.path)


def _visible(found: re.Match[str]) -> str:
    """Return a control character as a person can see it, and no terminal obeys."""
    return f"\\x{ord(found[0]):02x}"


class Folder(Writer):
    """A directory with a file for each seed, which holds the text as it is and a newline.

    Args:
        path: The directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self, seeds: list[int]) -> list[Path]:
        return [self.path / name_of(seed) for seed in dict.fromkeys(seeds)]

    def _fill(self, items: TextItems, seeds: list[int], stdout: Stdout) -> None:
        for seed, sample in items(list(dict.fromkeys(seeds))):
            write_file(self.path / name_of(seed), encoded(sample.text + "\n"), durable=False)
