"""Decoded data on disk, so that a second training starts at once.

An entry is a folder named by its key: ``items.bin``, the raw bytes of one uint8 array (whatever
the modality keeps in it), and ``meta.json`` with its shape and a checksum. It is written to a
temporary folder and renamed; an entry that does not match its checksum counts as absent.
"""

import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gancli.data.cache_place import cache_place
from gancli.errors import GancliError
from gancli.reporting import Reporter
from gancli.storage.files import sync

VERSION = 1

# Up to this size all bytes are checked; beyond it, evenly spaced blocks that add up to it, since
# reading tens of gigabytes would delay every start by minutes.
_CHECKED_BYTES = 256 << 20
_BLOCK_BYTES = 1 << 20
_TOGETHER = 10_000  # items of a list that are text at a time


def cache_folder() -> Path:
    """Return the folder of the cache."""
    return cache_place().folder


def cache_size() -> int:
    """Return the size of the cache in bytes."""
    return sum(
        os.lstat(os.path.join(folder, name)).st_size
        for folder, _, names in os.walk(cache_folder())
        for name in names
    )


def memory_limit() -> int:
    """Return how many bytes of memory data may take: a quarter of the machine's."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
    except (AttributeError, ValueError, OSError):  # not on Windows
        return 2 << 30


def key(*parts: object) -> str:
    """Return the key of an entry that depends on these values (anything JSON can hold)."""
    digest = hashlib.sha256(f"[{VERSION}, [".encode())
    for place, part in enumerate(parts):
        digest.update(b", " if place else b"")
        for piece in _json(part):
            digest.update(piece.encode())
    digest.update(b"]]")
    return digest.hexdigest()


def _json(value: object) -> Iterator[str]:
    """Yield a value as JSON in pieces: a list may have a million items."""
    if not isinstance(value, list) or len(value) <= _TOGETHER:
        yield json.dumps(value)
        return
    for start in range(0, len(value), _TOGETHER):
        text = json.dumps(value[start : start + _TOGETHER])
        yield ("[" if start == 0 else ", ") + text[1:-1]
    yield "]"


def checksum(array: np.ndarray) -> str:
    """Return a hash of a uint8 array's shape and bytes; of a large array, of parts of it."""
    flat = np.ascontiguousarray(array).reshape(-1)
    digest = hashlib.sha256(repr(array.shape).encode())
    if flat.size <= _CHECKED_BYTES:
        digest.update(flat.data)
    else:
        blocks = _CHECKED_BYTES // _BLOCK_BYTES
        for start in np.linspace(0, flat.size - _BLOCK_BYTES, blocks).astype(np.int64):
            digest.update(flat[start : start + _BLOCK_BYTES].data)
    return digest.hexdigest()


def _seal(array: np.ndarray, extra: Mapping[str, object]) -> str:
    return key(checksum(array), extra)


def find(entry: str) -> tuple[np.ndarray, dict[str, Any]] | None:
    """Return an entry's array and what was stored with it, or None if absent or damaged.

    An array of more than :func:`memory_limit` bytes is mapped read-only instead of loaded.
    """
    folder = cache_folder() / entry
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        shape = tuple(int(length) for length in meta["shape"])
        path, size = folder / "items.bin", math.prod(shape)
        # Checked before anything is allocated.
        if min(shape) < 1 or path.stat().st_size != size:
            return None
        array: np.ndarray
        if size > memory_limit():
            array = np.memmap(path, np.uint8, "r", shape=shape)
        else:
            array = np.fromfile(path, np.uint8).reshape(shape)
        if meta["seal"] != _seal(array, meta["extra"]):
            return None
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return array, meta["extra"]


class _Entry:
    """An entry being written: a temporary folder that is renamed when it is complete."""

    def __init__(self, entry: str, reporter: Reporter) -> None:
        self._entry, self._reporter = entry, reporter
        self._folder: Path | None = None

    def _make_folder(self) -> Path:
        """Create the temporary folder, and remove those that killed runs have left."""
        parent, reason = cache_place()
        parent.mkdir(parents=True, exist_ok=True)
        if reason:
            self._reporter.note(
                f"Decoded data is kept in {str(parent)!r}, since {reason}; set GANCLI_CACHE to "
                "choose another place."
            )
        for old in parent.glob("*.partial"):
            if time.time() - old.lstat().st_mtime > 86_400:
                shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(".partial", self._entry[:16] + "-", parent))

    def _publish(self, array: np.ndarray, extra: Mapping[str, object]) -> None:
        assert self._folder is not None
        meta = {"shape": array.shape, "seal": _seal(array, extra), "extra": extra}
        with (self._folder / "meta.json").open("w", encoding="utf-8") as file:
            json.dump(meta, file)
            sync(file)
        target = cache_folder() / self._entry
        # An entry of this name was found damaged, or another run has just written the same.
        shutil.rmtree(target, ignore_errors=True)
        try:
            os.rename(self._folder, target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # as above, but just now
                raise
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def _warn_uncached(self, error: OSError) -> None:
        self._remove()
        self._reporter.warn(
            f"The decoded data could not be cached in {str(cache_folder())!r} "
            f"({error.strerror or error}); the next run will decode it again."
        )

    def _remove(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class Writer(_Entry):
    """Collects items at known positions, some of which may stay empty, and stores them.

    The items are held in memory or, where they exceed :func:`memory_limit`, in a file. Without a
    usable cache the former still works. A context manager; nothing is left behind on failure.

    Args:
        entry: The entry's key.
        count: Number of positions.
        shape: Shape of one item.
        reporter: Is warned if the cache cannot be written.

    Raises:
        GancliError: The data exceeds the memory limit and cannot be written to the cache.
    """

    def __init__(
        self, entry: str, count: int, shape: tuple[int, ...], reporter: Reporter
    ) -> None:
        super().__init__(entry, reporter)
        self._count, self._shape = count, shape
        self._item_bytes = math.prod(shape)
        self._filled = np.zeros(count, bool)
        self._array: np.ndarray | None = None
        if count * self._item_bytes <= memory_limit():
            self._array = np.empty((count, *shape), np.uint8)
            return
        try:
            self._folder = self._make_folder()
            self._file = (self._folder / "items.bin").open("w+b")
        except OSError as error:
            self._remove()
            raise self._cannot_store(error) from error

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        if self._array is None:
            self._close()
        self._remove()

    def put(self, position: int, item: np.ndarray) -> None:
        """Store an item, uint8, at a position below ``count``."""
        if self._array is not None:
            self._array[position] = item
        else:
            try:
                self._file.seek(position * self._item_bytes)
                self._file.write(item.tobytes())
            except OSError as error:
                raise self._cannot_store(error) from error
        self._filled[position] = True

    def finish(self, extra: Mapping[str, object]) -> np.ndarray:
        """Close the gaps, store the entry together with ``extra`` (JSON) and return its array.

        Returns:
            The items in the order of their positions, uint8, shape (items, *shape).
        """
        # The k-th item filled moves to position k.
        positions = np.flatnonzero(self._filled)
        moves = (pair for pair in enumerate(map(int, positions)) if pair[0] != pair[1])
        shape = (len(positions), *self._shape)
        if self._array is None:
            return self._finish_file(moves, shape, extra)
        for target, position in moves:
            self._array[target] = self._array[position]
        array = self._array[: len(positions)]
        try:
            self._folder = self._make_folder()
            with (self._folder / "items.bin").open("wb") as file:
                file.write(array.reshape(-1).data)
                sync(file)
            self._publish(array, extra)
        except OSError as error:
            self._warn_uncached(error)
        return array

    def _finish_file(
        self, moves: Iterable[tuple[int, int]], shape: tuple[int, ...], extra: Mapping[str, object]
    ) -> np.ndarray:
        size = self._item_bytes
        try:
            for target, position in moves:
                self._file.seek(position * size)
                item = self._file.read(size)
                self._file.seek(target * size)
                self._file.write(item)
            self._file.truncate(shape[0] * size)
            sync(self._file)
            self._file.close()
            assert self._folder is not None
            array = np.memmap(self._folder / "items.bin", np.uint8, "r", shape=shape)
            # The mapping stays valid when its file is renamed.
            self._publish(array, extra)
        except OSError as error:
            raise self._cannot_store(error) from error
        return array

    def _cannot_store(self, error: OSError) -> GancliError:
        need = self._count * self._item_bytes
        return _does_not_fit(error, f"{need / 1e9:.1f} GB", ", or choose a smaller size")

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # the buffered bytes may not fit on the disk either
            self._file.close()


class Appender(_Entry):
    """Collects bytes in a file, however many will come, and stores them.

    Without a usable cache they are held in memory, up to :func:`memory_limit`. A context manager;
    nothing is left behind on failure.

    Args:
        entry: The entry's key.
        reporter: Is warned if the cache cannot be written.
    """

    def __init__(self, entry: str, reporter: Reporter) -> None:
        super().__init__(entry, reporter)
        self._size = 0
        self._chunks: list[np.ndarray] = []
        self._error: OSError | None = None
        try:
            self._folder = self._make_folder()
            # Unbuffered, so that the bytes counted as written are in the file.
            self._file = (self._folder / "items.bin").open("w+b", buffering=0)
        except OSError as error:
            self._remove()
            self._error = error

    def __enter__(self) -> "Appender":
        return self

    def __exit__(self, *_: object) -> None:
        if self._error is None:
            self._file.close()
        self._remove()

    def append(self, array: np.ndarray) -> None:
        """Add the bytes of an array.

        Raises:
            GancliError: They fit neither into the cache nor into memory.
        """
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        if self._error is None:
            try:
                unwritten = data.data
                while len(unwritten):
                    unwritten = unwritten[self._file.write(unwritten):]
            except OSError as error:
                self._fall_back(error)
        if self._error is not None:
            self._keep_in_memory(data)
        self._size += data.size

    def _fall_back(self, error: OSError) -> None:
        """Move the bytes in the file to memory, and free the disk."""
        self._error = error
        if self._size <= memory_limit():
            self._file.seek(0)
            self._chunks.append(np.fromfile(self._file, np.uint8, self._size))
        self._file.close()
        self._remove()

    def _keep_in_memory(self, data: np.ndarray) -> None:
        assert self._error is not None
        if self._size + data.size > memory_limit():
            need = f"more than {memory_limit() / 1e9:.1f} GB"
            raise _does_not_fit(self._error, need, "") from self._error
        self._chunks.append(data.copy())

    def finish(self, extra: Mapping[str, object]) -> np.ndarray:
        """Store the entry with ``extra`` (JSON) and return its array: uint8, shape (bytes,)."""
        if self._error is None:
            assert self._folder is not None
            path = self._folder / "items.bin"
            array: np.ndarray
            try:
                sync(self._file)
                if self._size > memory_limit():
                    array = np.memmap(path, np.uint8, "r", shape=(self._size,))
                else:
                    array = np.fromfile(path, np.uint8)
                # A mapping stays valid when its file is renamed.
                self._publish(array, extra)
                return array
            except OSError as error:
                self._fall_back(error)
                if not self._chunks:
                    self._keep_in_memory(np.zeros(0, np.uint8))
        assert self._error is not None
        self._warn_uncached(self._error)
        return np.concatenate(self._chunks or [np.zeros(0, np.uint8)])


def _does_not_fit(error: OSError, need: str, otherwise: str) -> GancliError:
    return GancliError(
        f"The data does not fit into memory, and the cache {str(cache_folder())!r} "
        f"cannot hold it: {error.strerror or error}.",
        f"Set GANCLI_CACHE to a folder with {need} of free space{otherwise}.",
    )
