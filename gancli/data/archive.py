"""The files inside a .zip or .tar, listed and read in memory; nothing is ever extracted."""

import calendar
import contextlib
import gzip
import io
import stat
import tarfile
import weakref
import zipfile
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, cast

from gancli.data.member import READ_ERRORS, Member
from gancli.errors import GancliError

# tarfile reads an extended header in one piece, however long it claims to be.
_MAX_READ_BYTES = 8 << 20

_GZIP = b"\x1f\x8b"
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # in place of each file's, once a member's mtime says it

_Opened = tuple[zipfile.ZipFile | tarfile.TarFile, list[Member]]


# Folders that systems keep beside a person's files: of macOS, Synology, QNAP and Windows.
_SYSTEM = frozenset({
    "__macosx", "@eadir", "#recycle", "@recycle", "@recently-snapshot", "#snapshot", "@tmp",
    "$recycle.bin", "system volume information", "lost+found", "__pycache__",
    "thumbs.db", "desktop.ini",
})


def is_hidden(part: str) -> bool:
    """Return whether a file or folder is hidden, or the system's own."""
    return part.startswith(".") or part.casefold() in _SYSTEM


def archive_members(path: Path) -> list[Member] | None:
    """Return the files in an archive, or None if the path is not an archive.

    Links, devices and hidden files are left out; ``../`` and a leading ``/`` are removed from
    the names. If two entries share a name the later one counts, as it would when unpacking.

    Raises:
        GancliError: The archive is damaged or encrypted.
    """
    name = path.name.lower()
    try:
        with path.open("rb") as file:
            head = file.read(512)
        if name.endswith(".zip") or head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            members = _list(path, path.open("rb"), _zip)
        elif name.endswith((".tar", ".tar.gz", ".tgz")) or _is_tar(head) or _is_gzipped_tar(path):
            # Seeking back in a gzip stream decompresses it again from its start: reading members
            # by position takes a single pass, which is why Source.in_storage_order exists.
            gzipped = head.startswith(_GZIP)
            stream = gzip.open(path, "rb") if gzipped else path.open("rb")
            members = _list(path, cast("IO[bytes]", stream), _tar)
        else:
            return None
    except READ_ERRORS as error:
        raise GancliError(
            f"The archive {str(path)!r} is damaged: {error}.",
            "Download or pack it again, or unpack what is left of it and give that folder.",
        ) from error
    return list({member.name: member for member in members if member.name}.values())


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _is_gzipped_tar(path: Path) -> bool:
    """Return whether a file is a compressed tar, whatever its name."""
    try:
        with gzip.open(path) as file:
            return _is_tar(file.read(512))
    except READ_ERRORS:
        return False


def _list(
    path: Path, file: IO[bytes], open_archive: Callable[[Path, IO[bytes]], _Opened]
) -> list[Member]:
    """List an open archive, which stays open for as long as any of its members is in use."""
    try:
        archive, members = open_archive(path, file)
    except BaseException:
        file.close()
        raise
    weakref.finalize(archive, file.close)
    return members


def _clean(name: str) -> str:
    """Return a relative posix path without ``..``, or an empty string for a hidden file."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    if any(map(is_hidden, parts)):
        return ""
    clean = "/".join(parts)
    return name if clean == name else clean  # one string serves both


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; without the UTF-8 flag zipfile has decoded it as code page 437."""
    name = info.filename
    if not info.flag_bits & 0x800 and not name.isascii():
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    # Some Windows programs write backslashes as separators.
    return name.replace("\\", "/") if info.create_system == 0 else name


@lru_cache(4096)  # files that were packed together share theirs
def _zip_time(date: tuple[int, int, int, int, int, int]) -> float:
    try:
        return float(calendar.timegm((*date, 0, 0, 0)))
    except (ValueError, OverflowError):
        return 0.0


def _zip(path: Path, file: IO[bytes]) -> tuple[zipfile.ZipFile, list[Member]]:
    archive = zipfile.ZipFile(file)
    members, open_member = [], archive.open
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.is_dir() or kind not in (0, stat.S_IFREG):
            continue
        if info.flag_bits & 1:
            raise GancliError(
                f"The archive {str(path)!r} is encrypted.", "Unpack it and give that folder."
            )
        members.append(
            Member(
                _clean(_zip_name(info)), info.file_size, _zip_time(info.date_time),
                partial(open_member, info), info.header_offset,
            )
        )
        info.date_time = _NO_DATE
    # Members are opened by what describes them, so that no name is looked up.
    archive.NameToInfo.clear()
    archive.filelist.clear()
    return archive, members


class _Bounded(io.BufferedIOBase):
    """A file that refuses to read large pieces at once."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _MAX_READ_BYTES:
            raise tarfile.ReadError("a header is larger than any real one")
        return self._raw.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()


def _tar(_: Path, raw: IO[bytes]) -> tuple[tarfile.TarFile, list[Member]]:
    file = _Bounded(raw)
    archive = tarfile.open(fileobj=file, mode="r:")
    members: list[Member] = []
    last_offset = -1
    for info in archive:
        # A negative size makes older versions of tarfile loop forever (CVE-2025-8194).
        if info.size < 0 or info.offset <= last_offset:
            raise tarfile.ReadError("a header points backwards")
        last_offset = info.offset
        if info.isreg():
            open_member = cast("Callable[[], IO[bytes]]", partial(archive.extractfile, info))
            members.append(
                Member(_clean(info.name), info.size, float(info.mtime), open_member, info.offset)
            )
            info.uname = info.gname = ""
    # tarfile ends its listing silently at a header that it cannot parse.
    file.seek(archive.offset)
    if any(file.read(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError(f"a header in the middle, at byte {archive.offset}, is invalid")
    return archive, members
