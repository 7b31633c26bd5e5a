"""Writing decoded data to the cache: items at known places, or arrays that grow."""

import contextlib
import errno
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path

import numpy as np

from gancli.data import cache
from gancli.data.cache_place import cache_place
from gancli.errors import GancliError
from gancli.reporting import Reporter
from gancli.storage.files import sync

ITEMS = "items"  # the array that a Writer writes
_ABANDONED = 86_400  # seconds without a write, after which a temporary folder is removed


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
            with contextlib.suppress(OSError):  # another process has just finished or removed it
                last = max(each.lstat().st_mtime for each in (old, *old.iterdir()))
                if time.time() - last > _ABANDONED:
                    shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(".partial", self._entry[:16] + "-", parent))

    def _publish(self, arrays: Mapping[str, np.ndarray], extra: Mapping[str, object]) -> None:
        assert self._folder is not None
        with (self._folder / cache.META).open("w", encoding="utf-8") as file:
            json.dump(cache.meta(arrays, extra), file)
            sync(file)
        target = cache.cache_folder() / self._entry
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
            f"The decoded data could not be cached in {str(cache.cache_folder())!r} "
            f"({error.strerror or error}); the next run will decode it again."
        )

    def _remove(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class Writer(_Entry):
    """Collects items at known positions, some of which may stay empty, and stores them as ITEMS.

    The items are held in memory or, where they exceed the limit of :mod:`gancli.data.cache`, in a
    file. Without a usable cache the former still works. A context manager; nothing is left behind
    on failure.

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
        if count * self._item_bytes <= cache.memory_limit():
            self._array = np.empty((count, *shape), np.uint8)
            return
        try:
            self._folder = self._make_folder()
            self._file = cache.path_of(self._folder, ITEMS).open("w+b")
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
            with cache.path_of(self._folder, ITEMS).open("wb") as file:
                file.write(array.reshape(-1).data)
                sync(file)
            self._publish({ITEMS: array}, extra)
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
            array = np.memmap(cache.path_of(self._folder, ITEMS), np.uint8, "r", shape=shape)
            # The mapping stays valid when its file is renamed.
            self._publish({ITEMS: array}, extra)
        except OSError as error:
            raise self._cannot_store(error) from error
        return array

    def _cannot_store(self, error: OSError) -> GancliError:
        need = self._count * self._item_bytes
        return _does_not_fit(error, f"{need / 1e9:.1f} GB", ", or choose a smaller size")

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # the buffered bytes may not fit on the disk either
            self._file.close()


class _Part:
    """An array that grows by rows, in a file or, if there is none, in memory.

    Args:
        like: Has the type and the row shape of all that comes.
    """

    def __init__(self, like: np.ndarray) -> None:
        self.dtype, self.row = like.dtype, like.shape[1:]
        self.rows = 0
        self.chunks: list[np.ndarray] = []
        self.file: FileIO | None = None

    @property
    def form(self) -> cache.Form:
        return self.dtype, (self.rows, *self.row)

    def append(self, array: np.ndarray) -> None:
        if self.file is None:
            self.chunks.append(cache.bytes_of(array).copy())
        else:
            unwritten = cache.bytes_of(array).data
            while len(unwritten):
                unwritten = unwritten[self.file.write(unwritten):]
        self.rows += len(array)

    def to_memory(self) -> None:
        """Read what the file holds of whole appends, and close it."""
        if self.file is not None:
            self.file.seek(0)
            size = self.rows * math.prod(self.row) * self.dtype.itemsize
            self.chunks = [np.fromfile(self.file, np.uint8, size)]
            self.close()

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None

    def array(self) -> np.ndarray:
        """Return what is in memory."""
        return np.concatenate(self.chunks).view(self.dtype).reshape(self.form[1])


class Appender(_Entry):
    """Collects arrays by rows, however many will come, in files, and stores them.

    Without a usable cache they are held in memory, up to the limit of :mod:`gancli.data.cache`. A
    context manager; nothing is left behind on failure.

    Args:
        entry: The entry's key.
        reporter: Is warned if the cache cannot be written.
    """

    def __init__(self, entry: str, reporter: Reporter) -> None:
        super().__init__(entry, reporter)
        self._size = 0
        self._parts: dict[str, _Part] = {}
        self._error: OSError | None = None
        try:
            self._folder = self._make_folder()
        except OSError as error:
            self._remove()
            self._error = error

    def __enter__(self) -> "Appender":
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._parts.values():
            part.close()
        self._remove()

    def append(self, name: str, array: np.ndarray) -> None:
        """Add the rows of an array to the one of this name, whose type and row shape it has.

        Raises:
            GancliError: They fit neither into the cache nor into memory.
        """
        if not len(array):
            return
        try:
            if name not in self._parts:
                self._parts[name] = self._begin(name, array)
            self._parts[name].append(array)
        except OSError as error:
            self._fall_back(error)
            self._parts.setdefault(name, _Part(array)).append(array)
        self._size += array.nbytes
        if self._error is not None:
            self._check_memory()

    def _begin(self, name: str, like: np.ndarray) -> _Part:
        part = _Part(like)
        if self._folder is not None:
            # Unbuffered, so that the rows counted as written are in the file.
            part.file = cache.path_of(self._folder, name).open("w+b", buffering=0)
        return part

    def _fall_back(self, error: OSError) -> None:
        """Move what is in the files to memory, and free the disk."""
        self._error = error
        self._check_memory()
        for part in self._parts.values():
            part.to_memory()
        self._remove()

    def _check_memory(self) -> None:
        assert self._error is not None
        if self._size > cache.memory_limit():
            need = f"more than {cache.memory_limit() / 1e9:.1f} GB"
            raise _does_not_fit(self._error, need, "") from self._error

    def finish(self, extra: Mapping[str, object]) -> dict[str, np.ndarray]:
        """Store the entry with ``extra`` (JSON) and return its arrays, without empty ones."""
        if self._error is None:
            assert self._folder is not None
            try:
                for part in self._parts.values():
                    assert part.file is not None
                    sync(part.file)
                forms = {name: part.form for name, part in self._parts.items()}
                arrays = cache.load(self._folder, forms)
                # A mapping stays valid when its file is renamed.
                self._publish(arrays, extra)
                return arrays
            except OSError as error:
                self._fall_back(error)
        assert self._error is not None
        self._warn_uncached(self._error)
        return {name: part.array() for name, part in self._parts.items()}


def _does_not_fit(error: OSError, need: str, otherwise: str) -> GancliError:
    return GancliError(
        f"The data does not fit into memory, and the cache {str(cache.cache_folder())!r} "
        f"cannot hold it: {error.strerror or error}.",
        f"Set GANCLI_CACHE to a folder with {need} of free space{otherwise}.",
    )
