"""What a DATA argument names: a folder, an archive, a file, standard input or a bundled sample."""

import difflib
import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from gancli.config.unicode import normalized, typed_path
from gancli.data.archive import archive_members, is_hidden
from gancli.data.cache import cache_folder
from gancli.data.member import BadMember, Member
from gancli.errors import GancliError, NothingPiped, UsageError
from gancli.storage import bundled
from gancli.storage.files import sync

__all__ = ["BadMember", "Member", "Source", "open_source"]

STDIN = "-"
_BLOCK_BYTES = 1 << 20
# How files begin whose suffix tells what they are, since standard input has no name.
_BEGINNINGS = (
    (rb"RIFF....WAVE", ".wav"), (rb"fLaC", ".flac"), (rb"OggS", ".ogg"), (rb"ID3", ".mp3"),
    (rb"\x89PNG", ".png"), (rb"\xff\xd8\xff", ".jpg"), (rb"GIF8", ".gif"),
    (rb"RIFF....WEBP", ".webp"),
)


@dataclass(frozen=True)
class Source:
    """Files to read data from.

    Args:
        name: Short and safe as part of a file name.
        path: The folder, archive or file.
        members: Its files, sorted by name.
        stamp: Changes when the archive is written again; empty for a folder.
    """

    name: str
    path: Path
    members: list[Member]
    stamp: str = ""

    def in_storage_order(self) -> list[Member]:
        """Return the files in the order of their storage.

        Reading them in this order takes a single pass over the source, even over a .tar.gz.
        """
        return sorted(self.members, key=lambda member: member.position)


def _walk(folder: Path) -> list[Member]:
    """Return the regular files below a folder; links are followed, into each folder once."""
    members: list[Member] = []
    visited: set[tuple[int, int]] = set()
    pending = [("", str(folder))]
    while pending:
        prefix, path = pending.pop()
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            entries = sorted(os.listdir(path), reverse=True)
        except OSError as error:
            raise GancliError(
                f"The folder {path!r} cannot be listed: {error.strerror}.",
                "Make it readable, or move it elsewhere.",
            ) from error
        if prefix and _is_ours(entries):
            continue
        for entry in entries:
            if is_hidden(entry):
                continue
            child = os.path.join(path, entry)
            try:
                status = os.stat(child)
            except OSError:  # a link to nothing, or to itself
                continue
            if stat.S_ISDIR(status.st_mode):
                pending.append((prefix + entry + "/", child))
            elif stat.S_ISREG(status.st_mode):
                members.append(_file(prefix + entry, child, status))
    return members


def _is_ours(entries: list[str]) -> bool:
    """Return whether a folder is a run, a comparison or a model, which holds no data."""
    return "comparison.json" in entries or any(
        name in entries and beside in entries
        for name, beside in (
            ("config.toml", "checkpoints"), ("config.toml", "metrics.jsonl"),
            ("config.json", "model.safetensors"),
        )
    )


def _file(name: str, path: str, status: os.stat_result) -> Member:
    return Member(name, status.st_size, status.st_mtime, partial(_open, path))


def _open(path: str) -> BinaryIO:
    return open(path, "rb")


def _find(data: str) -> Path:
    """Return the path that a DATA argument names."""
    if (path := typed_path(data)) is not None:
        return path
    if sample := bundled.resolve("samples", data):
        bundled.check("samples", data)
        return sample
    known = list(bundled.names("samples"))
    try:
        folder = os.path.dirname(data)
        names = sorted(os.listdir(folder or "."))[:10_000]
        siblings = [os.path.join(folder, name) for name in names]
    except (OSError, ValueError):
        siblings = []
    matches = difflib.get_close_matches(data, known + siblings, n=1)
    if matches:
        hint = f"Did you mean {matches[0]!r}?"
    else:
        hint = "Give a folder, a file, a .zip, .tar or .tar.gz"
        hint += f", or a bundled sample: {', '.join(known)}." if known else "."
    raise UsageError(f"{data!r} is neither an existing path nor a bundled sample.", hint)


def _save_stdin() -> Path:
    """Copy standard input to a file in the cache, named by its hash, and return the path.

    A run records this file, so it can be resumed.

    Raises:
        UsageError: Standard input is a terminal or closed.
        GancliError: It is empty, or cannot be read or saved.
    """
    stdin: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    if stdin is None or stdin.isatty():
        raise NothingPiped
    digest, size, suffix = hashlib.sha256(), 0, ".txt"
    folder: Path | None = None
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        # The cache removes folders of this name that a killed run has left.
        folder = Path(tempfile.mkdtemp(".partial", "stdin-", cache_folder()))
        with (folder / "data").open("wb") as file:
            while block := stdin.read(_BLOCK_BYTES):
                suffix = suffix if size else _suffix(block)
                file.write(block)
                digest.update(block)
                size += len(block)
            sync(file)
        if not size:
            raise GancliError(
                "Standard input is empty.", "Does the command before the pipe print anything?"
            )
        target = cache_folder() / f"stdin-{digest.hexdigest()[:16]}{suffix}"
        # The same data keeps its file and date, which are part of the key of its decoded data.
        if not (target.is_file() and target.stat().st_size == size):
            os.replace(folder / "data", target)
    except OSError as error:
        raise GancliError(
            f"Standard input cannot be saved in {str(cache_folder())!r}: "
            f"{error.strerror or error}.",
            "Set GANCLI_CACHE to a folder with space for it, or give the data as a file.",
        ) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return target


def _suffix(head: bytes) -> str:
    """Return the suffix of a file that begins like this: of text, if nothing else is known."""
    matches = (suffix for start, suffix in _BEGINNINGS if re.match(start, head, re.DOTALL))
    return next(matches, ".txt")


def open_source(data: str) -> Source:
    """Return the files that a DATA argument names.

    Args:
        data: A path, ``-`` for standard input, or the name of a bundled sample.

    Raises:
        UsageError: Nothing has this name, or standard input is a terminal.
        GancliError: It cannot be read, or a bundled sample is damaged.
    """
    path = _save_stdin() if data == STDIN else _find(data)
    archived = archive_members(path) if path.is_file() else None
    stamp = ""
    if archived is not None:
        members, status = archived, path.stat()
        stamp = f"{status.st_size} {status.st_mtime_ns}"
    elif path.is_dir():
        members = _walk(path)
    elif path.is_file():
        members = [_file(path.name, str(path), path.stat())]
    else:
        raise UsageError(f"{str(path)!r} is neither a folder nor a file.", "Give one of these.")
    members = sorted(_normalized(members), key=lambda member: member.name)
    if data == STDIN:
        return Source("stdin", path, members, stamp)
    stem = re.sub(r"\.(zip|tar|tgz|tar\.gz)$", "", path.resolve().name, flags=re.IGNORECASE)
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", stem)[:40].strip("-.")
    return Source(short or "data", path, members, stamp)


def _normalized(members: list[Member]) -> list[Member]:
    """Return the files with names in one Unicode form; of two that look the same, one keeps its."""
    taken = {member.name for member in members}
    renamed = []
    for member in members:
        if (name := normalized(member.name)) not in taken:
            taken.add(name)
            member = replace(member, name=name)
        renamed.append(member)
    return renamed
