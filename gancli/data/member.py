"""One file of a data source, in a folder or an archive, read within bounds."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO

_CHUNK = 1 << 20

# What the readers of files and archives raise, also on hostile bytes (found by fuzzing):
# RuntimeError for encryption; its subclass NotImplementedError for unknown compression.
READ_ERRORS = (
    OSError, EOFError, ValueError, RuntimeError, ArithmeticError, LookupError, MemoryError,
    lzma.LZMAError, zlib.error, zipfile.BadZipFile, tarfile.TarError,
)


class BadMember(ValueError):
    """A file that cannot be read: damaged, vanished, forbidden or larger than allowed."""


@dataclass(frozen=True, slots=True)  # there may be a million
class Member:
    """A file inside a folder or an archive.

    Args:
        name: Posix path inside the source; bytes that are not UTF-8 are surrogate escapes.
        size: Number of bytes that it claims to hold.
        mtime: Time of its last change in seconds since 1970, or 0 if unknown.
        open: Opens it for reading.
        position: Offset in its archive; reading in this order never seeks back.
    """

    name: str
    size: int
    mtime: float
    open: Callable[[], IO[bytes]] = field(repr=False, compare=False)
    position: int = 0

    def head(self, count: int) -> bytes:
        """Return the first bytes, at most ``count``.

        Raises:
            BadMember: It cannot be read.
        """
        chunks = []
        try:
            with self.open() as file:
                while count > 0 and (chunk := file.read(min(count, _CHUNK))):
                    chunks.append(chunk)
                    count -= len(chunk)
        except READ_ERRORS as error:
            raise BadMember(f"it cannot be read ({error})") from error
        return b"".join(chunks)

    def read(self, limit: int) -> bytes:
        """Return all bytes, having read no more than ``limit`` + 1 of them.

        Raises:
            BadMember: It cannot be read, or holds more than ``limit`` bytes.
        """
        data = self.head(limit + 1) if self.size <= limit else b""
        if max(self.size, len(data)) > limit:
            raise BadMember(f"it holds more than {limit:,} bytes")
        return data


def quoted(names: Sequence[str], count: int | None = None) -> str:
    """Return the first three of some names, for a message; ``count`` is that of all of them."""
    count = len(names) if count is None else count
    return ", ".join(map(repr, names[:3])) + (", ..." if count > 3 else "")


def first_names(broken: list[tuple[str, str]]) -> str:
    """Return the first three problems, each with the first three names, for a message."""
    names: dict[str, list[str]] = {}
    for name, problem in sorted(broken):
        names.setdefault(problem, []).append(name)
    shown = [f"{quoted(group)}: {problem}" for problem, group in list(names.items())[:3]]
    return "; ".join(shown) + ("; ..." if len(names) > 3 else "")
