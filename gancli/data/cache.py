"""Decoded data on disk, so that a second training starts at once.

An entry is a folder named by its key: the raw bytes of one or more arrays, ``NAME.bin`` each, and
``meta.json`` with their types, shapes and a checksum. It is written to a temporary folder and
renamed; an entry that does not match its checksum counts as absent.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gancli.data.cache_place import cache_place

Form = tuple[np.dtype[Any], tuple[int, ...]]  # type and shape of an array

VERSION = 1  # it is part of every run's fingerprint, too

# Up to this size all bytes are checked; beyond it, evenly spaced blocks that add up to it, since
# reading tens of gigabytes would delay every start by minutes.
_CHECKED_BYTES = 256 << 20
_BLOCK_BYTES = 1 << 20
_JSON_CHUNK = 10_000  # items of a list that are written as JSON together
META = "meta.json"
_MEMORY_LIMITS = (  # of Linux's control groups, version 2 and 1
    "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


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


@lru_cache(1)
def memory_limit() -> int:
    """Return how many bytes of memory data may take: a quarter of what this process may have."""
    try:
        sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, ValueError, OSError):  # not on Windows
        sizes = [8 << 30]
    # A container, or a job on a cluster, may have less than the machine.
    for path in _MEMORY_LIMITS:
        with suppress(OSError, ValueError):  # "max" is no limit
            sizes.append(int(Path(path).read_text()))
    return min(sizes) // 4


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
    if not isinstance(value, list) or len(value) <= _JSON_CHUNK:
        yield json.dumps(value)
        return
    for start in range(0, len(value), _JSON_CHUNK):
        text = json.dumps(value[start : start + _JSON_CHUNK])
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


def meta(arrays: Mapping[str, np.ndarray], extra: Mapping[str, object]) -> dict[str, object]:
    """Return what ``meta.json`` says of arrays and what is stored with them."""
    forms = {name: (array.dtype.str, array.shape) for name, array in arrays.items()}
    sums = {name: checksum(bytes_of(array)) for name, array in arrays.items()}
    return {"arrays": forms, "seal": key(forms, sums, extra), "extra": extra}


def bytes_of(array: np.ndarray) -> np.ndarray:
    """Return the bytes of an array, uint8, shape (bytes,)."""
    flat: np.ndarray = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return flat


def find(entry: str) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """Return an entry's arrays by name and what was stored with them, or None if absent or damaged.

    Arrays that exceed :func:`memory_limit` together are mapped read-only instead of loaded.
    """
    folder = cache_folder() / entry
    try:
        table = json.loads((folder / META).read_text(encoding="utf-8"))
        forms = {
            name: (np.dtype(dtype), tuple(map(int, shape)))
            for name, (dtype, shape) in table["arrays"].items()
        }
        # Checked before anything is allocated.
        for name, (dtype, shape) in forms.items():
            if dtype.kind not in "iu" or min(shape) < 1:
                return None
            if path_of(folder, name).stat().st_size != math.prod(shape) * dtype.itemsize:
                return None
        arrays, extra = load(folder, forms), table["extra"]
        if table["seal"] != meta(arrays, extra)["seal"]:
            return None
    except (
        OSError, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError,
    ):
        return None
    return arrays, extra


def path_of(folder: Path, name: str) -> Path:
    """Return where an entry has the bytes of an array."""
    return folder / f"{name}.bin"


def load(folder: Path, forms: Mapping[str, Form]) -> dict[str, np.ndarray]:
    """Load the arrays of a folder, or map them."""
    size = sum(math.prod(shape) * dtype.itemsize for dtype, shape in forms.values())
    mapped = size > memory_limit()
    return {
        name: np.memmap(path_of(folder, name), dtype, "r", shape=shape) if mapped
        else np.fromfile(path_of(folder, name), dtype).reshape(shape)
        for name, (dtype, shape) in forms.items()
    }
