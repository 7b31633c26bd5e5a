"""Named tensors as safetensors bytes, checked before anything is allocated."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from gancli.errors import GancliError

_MAX_HEADER = 10_000_000  # bytes: some 80,000 tensors
_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}


def pack(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """Return the tensors as a safetensors file."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a file, reading its header alone.

    Raises:
        GancliError: The file is none, or promises more or less than it holds.
    """
    damaged = GancliError(
        f"{path} is damaged or no safetensors file.", "Copy the model again from where it was made."
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


def unpack(data: bytes, name: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file.

    Raises:
        GancliError: It is damaged.
    """
    try:
        return load(data)
    except SafetensorError as error:
        raise GancliError(f"{name} is damaged.", "Use another checkpoint or model.") from error
