"""Encoding pixels as image files."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from gancli.runtime.graphics import to_pillow
from gancli.sampling.origin import as_text

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".gif": "gif"}
ANIMATED = ("gif", "webp")

# Pillow warns of a decompression bomb when it opens more than 89 megapixels.
MAX_PIXELS = 80_000_000
MAX_SIDE = {"jpeg": 65_535, "webp": 16_383, "gif": 65_535, "png": 2**31 - 1}

FRAME_MS = 50  # 20 frames per second; GIF delays are multiples of 10 ms
_DESCRIPTION = 0x010E  # Exif's ImageDescription


def _opaque(image: Image.Image) -> Image.Image:
    """Return an image with its transparent pixels blended with white."""
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def encode(pixels: np.ndarray, form: str, facts: Mapping[str, str]) -> bytes:
    """Return a picture as the bytes of a file.

    Args:
        pixels: uint8, shape (h, w, c).
        form: ``png``, ``jpeg`` (RGBA is blended with white) or ``webp`` (lossless).
        facts: Metadata such as ``seed`` and ``123``, a text chunk each in a PNG and together the
            Exif description in other formats.
    """
    image, options = to_pillow(pixels), dict[str, Any]()
    if form == "png":
        text = PngImagePlugin.PngInfo()
        for name, value in facts.items():
            text.add_text(name, value)
        options["pnginfo"] = text
    else:
        options["exif"] = _exif(facts)
    if form == "jpeg":
        image = _opaque(image)
        options |= {"quality": 95, "subsampling": 0}
    elif form == "webp":
        options |= {"lossless": True, "exact": True}
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _exif(facts: Mapping[str, str]) -> Image.Exif:
    exif = Image.Exif()
    exif[_DESCRIPTION] = as_text(facts).encode()  # as bytes, since Pillow would make it ASCII
    return exif


def encode_animation(frames: Iterable[np.ndarray], form: str, facts: Mapping[str, str]) -> bytes:
    """Return frames as a looping GIF, with a comment, or WebP, with an Exif description.

    Args:
        frames: Each uint8, shape (h, w, c); a GIF takes one after the other.
        form: ``gif`` (RGBA is blended with white) or ``webp`` (lossless).
        facts: As for :func:`encode`.
    """
    images = map(to_pillow, frames)
    options: dict[str, Any] = {"lossless": True, "exact": True, "exif": _exif(facts)}
    if form == "gif":
        images = map(_opaque, images)
        options = {"optimize": False, "comment": as_text(facts).encode()}
    buffer = io.BytesIO()
    next(images).save(
        buffer, form, save_all=True, append_images=images, duration=FRAME_MS, loop=0, **options
    )
    return buffer.getvalue()
