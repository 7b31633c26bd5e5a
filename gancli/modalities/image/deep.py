"""The numbers of pictures with more than 8 bits a channel, of which Pillow hides some."""

import io
import sys
from typing import Any

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

_BITS, _PHOTOMETRIC, _CHANNELS, _SAMPLE_FORMAT = 258, 262, 277, 339  # tags of TIFF
_UNSIGNED = (1,)
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


def raw_mode(image: ImageFile) -> str:
    """Return how the pixels lie in the file of a picture that is not loaded yet, as Pillow says."""
    for tile in image.tile:
        raw = tile[3][0] if isinstance(tile[3], tuple) and tile[3] else tile[3]
        return raw if isinstance(raw, str) else ""
    return ""


def numbers(image: ImageFile, raw: str, data: bytes, kind: str) -> np.ndarray | None:
    """Return the numbers of a picture of more than 8 bits a channel as its file means them.

    Args:
        image: The picture, loaded.
        raw: Its :func:`raw_mode`.
        data: Its file.
        kind: Pillow's name of the file's format.

    Returns:
        Integers or floats, shape (height, width) or, in color, (height, width, 3) without alpha;
        None if it has 8 bits.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        return _unsigned(image, np.asarray(image))
    if image.mode not in ("RGB", "RGBA") or ";16" not in raw:
        return None
    # Pillow keeps the high bytes. Read in the other order of bytes, the low ones take their place.
    high = np.asarray(image)[..., :3]
    low = high
    if kind in ("PNG", "TIFF") and raw.startswith(("RGB;", "RGBA;", "RGBX;")):
        again = Image.open(io.BytesIO(data), formats=(kind,))
        other = raw[:-1] + _OTHER_ORDER[raw[-1]]
        again.tile = [_in_raw_mode(tile, other) for tile in again.tile]
        again.load()
        low = np.asarray(again)[..., :3]
    wide: np.ndarray = high * np.uint16(256) + low
    return wide


def _in_raw_mode(tile: Any, raw: str) -> Any:
    *place, arguments = tile
    changed = (raw, *arguments[1:]) if isinstance(arguments, tuple) else raw
    # A tuple has become a named one in Pillow 11.
    return tile._make([*place, changed]) if hasattr(tile, "_make") else (*place, changed)


def _unsigned(image: ImageFile, array: np.ndarray) -> np.ndarray:
    """Return 32-bit integers as the file means them; Pillow's own are signed."""
    if image.mode == "I" and image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        if tags.get(_BITS) == (32,) and tags.get(_SAMPLE_FORMAT, _UNSIGNED) == _UNSIGNED:
            return array.view(np.uint32)
    return array


def white_is_zero(image: ImageFile) -> bool:
    """Return whether 0 is white in a picture of more than 8 bits; of others, Pillow sees to it."""
    return image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == 0  # type: ignore[attr-defined]


def tiff_kind(data: bytes) -> str:
    """Return what a TIFF holds, such as ``3 channels of 32-bit floats``."""
    directory = ImageFileDirectory_v2(data[: 16 if data[2] == 43 else 8])  # BigTIFF's is longer
    file = io.BytesIO(data)
    file.seek(directory.next)
    directory.load(file)
    channels, bits = directory.get(_CHANNELS, 1), directory.get(_BITS, (1,))
    numbers = "floats" if directory.get(_SAMPLE_FORMAT, _UNSIGNED)[0] == 3 else "integers"
    return f"{channels} channel{'s'[: channels - 1]} of {bits[0]}-bit {numbers}"
