"""Named arrays as safetensors bytes, checked before anything is allocated."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from gancli.errors import GancliError

_MAX_HEADER = 10_000_000  # bytes: some 80,000 tensors
_SIZES = {"F64": 8, "F32": 4, "F16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}

Shape = tuple[int, ...]


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the arrays as a safetensors file."""
    return save(dict(arrays))


def shapes(path: Path) -> dict[str, Shape]:
    """Return the shape of each array of a file, reading its header alone.

    Raises:
        GancliError: The file is not one, or promises more or less than it holds.
    """
    damaged = GancliError(
        f"{path} is damaged or not a safetensors file.",
        "Copy the model again from where it was made."
    )
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(size - 8, _MAX_HEADER):
                raise damaged
            header = json.loads(file.read(length))
        found, last = {}, 0
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            shape = tuple(int(side) for side in entry["shape"])
            begin, end = entry["data_offsets"]
            count = 1
            for side in shape:
                if side < 0:
                    raise damaged
                count *= side
            if count * _SIZES[entry["dtype"]] != end - begin or begin < 0:
                raise damaged
            found[name], last = shape, max(last, end)
        if last != size - 8 - length:
            raise damaged
    except (
        OSError, struct.error, ValueError, KeyError, TypeError, AttributeError, OverflowError,
        RecursionError,
    ) as error:
        raise damaged from error
    return found


def unpack(data: bytes, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file; they cannot be written to.

    Raises:
        GancliError: It is damaged.
    """
    try:
        return load(data)
    except (SafetensorError, KeyError) as error:  # KeyError: a type that numpy does not have
        raise GancliError(f"{name} is damaged.", "Use another checkpoint or model.") from error
