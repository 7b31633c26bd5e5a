"""The bytes of a picture file, turned into pixels or refused."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

Channels = Literal["L", "RGB", "RGBA"]
Fit = Literal["crop", "pad", "stretch"]

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
)
HEAD_BYTES = 16
MAX_BYTES = 256 << 20
MAX_PIXELS = 64_000_000

_TOO_LARGE = f"it claims more than {MAX_PIXELS:,} pixels"
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")


class BadImage(ValueError):
    """A file that is no picture, or a broken or absurdly large one."""


class Look(NamedTuple):
    """What a picture is like.

    Args:
        short: Its short side in pixels.
        grey: Whether all its colors are greys.
        transparent: Whether any pixel is not opaque.
    """

    short: int
    grey: bool
    transparent: bool


def is_image(head: bytes) -> bool:
    """Whether a file that starts with these (16 or more) bytes claims to be a picture."""
    if head.startswith(b"BM"):
        return len(head) >= 16 and head[6:10] == b"\0\0\0\0"
    return head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn whatever the decoders raise into BadImage."""
    try:
        with warnings.catch_warnings():
            # They concern metadata (a corrupt EXIF block); damaged pixels are errors.
            warnings.simplefilter("ignore")
            yield
    except BadImage:
        raise
    except Image.DecompressionBombError as error:
        raise BadImage(_TOO_LARGE) from error
    except UnidentifiedImageError as error:
        raise BadImage("it is in no known format, or its head is damaged") from error
    # Pillow's parsers raise nearly anything on hostile bytes, and one file must not end a run.
    except Exception as error:
        problem = str(error)[:80] or type(error).__name__
        raise BadImage(f"it cannot be decoded ({problem})") from error


def _open(data: bytes, shrink_to: int) -> tuple[Image.Image, int]:
    """Return a picture upright in mode L, LA, RGB or RGBA, and its short side in the file.

    JPEGs may come out smaller, but with both sides at least ``shrink_to``.
    """
    if not data:
        raise BadImage("it is empty")
    if len(data) > MAX_BYTES:
        raise BadImage(f"it holds more than {MAX_BYTES:,} bytes")
    image: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BadImage(_TOO_LARGE)
    # Decodes at 1/2, 1/4 or 1/8 of the size, far faster; does nothing for other formats.
    image.draft(None, (shrink_to, shrink_to))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return _eight_bit(image), min(width, height)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return the picture in mode L, LA, RGB or RGBA."""
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_narrow(np.asarray(image)))
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        return image.convert("LA" if grey else "RGBA")
    return image.convert("L" if grey else "RGB")


def _narrow(pixels: np.ndarray) -> np.ndarray:
    """Scale 16- or 32-bit whole numbers, or floats, to uint8.

    Floats carry no scale of their own: pictures within 0..1, 0..255 and 0..65535 are in use.
    """
    if pixels.dtype.kind == "f":
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= 0 and high < 65536):  # also true of NaN
            raise BadImage("its values lie outside of 0..65535")
        scale = 255.0 if high <= 1 else 1.0 if high < 256 else 1 / 256
        return (pixels * scale).astype(np.uint8)
    if pixels.min() < 0:
        raise BadImage("it holds negative values")
    return (pixels >> (8 if pixels.max() < 65536 else 23)).astype(np.uint8)


def look(data: bytes) -> Look:
    """Return what a picture is like.

    Raises:
        BadImage: It cannot be decoded.
    """
    with _refusing():
        image, short = _open(data, 128)
        pixels = np.asarray(image)
        alpha = image.mode in ("LA", "RGBA")
        grey = image.mode in ("L", "LA") or bool(
            (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()
        )
        return Look(short, grey, alpha and bool((pixels[..., -1] < 255).any()))


def decode(data: bytes, channels: Channels, size: int, fit: Fit) -> np.ndarray:
    """Return a picture's pixels at the wanted size; one of that size is not resampled.

    Args:
        data: The file: PNG, JPEG, WebP, BMP, GIF (its first frame) or TIFF.
        channels: What comes out; transparency that has no place there lies on white.
        size: Length of both sides in pixels.
        fit: ``crop`` cuts the longer sides off, ``pad`` adds black or transparent borders,
            ``stretch`` distorts.

    Returns:
        Pixels, uint8, shape (size, size, 1 | 3 | 4).

    Raises:
        BadImage: It cannot be decoded.
    """
    with _refusing():
        image, _ = _open(data, 2 * size)
        pixels = np.array(_convert(_scale(image, size, fit), channels))
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[:2] == (size, size):
        return pixels
    height, width = pixels.shape[:2]
    padded = np.zeros((size, size, pixels.shape[2]), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    padded[top : top + height, left : left + width] = pixels
    return padded


def _scale(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Resample so that both sides, or with ``pad`` the long side, have the wanted length."""
    width, height = image.size
    left = top = 0
    target = (size, size)
    if fit == "crop":
        short = min(width, height)
        left, top = (width - short) // 2, (height - short) // 2
        width = height = short
    elif fit == "pad":
        long = max(width, height)
        target = (max(1, round(width * size / long)), max(1, round(height * size / long)))
    box = (left, top, left + width, top + height)
    if (width, height) == target:
        return image.crop(box)
    # Weighted by opacity, or the color of invisible pixels would bleed into the edges. Pillow
    # would see to that itself, but then without the gap.
    weighted = {"LA": "La", "RGBA": "RGBa"}.get(image.mode, image.mode)
    smaller = width > target[0] or height > target[1]
    filter_ = Image.Resampling.LANCZOS if smaller else Image.Resampling.BICUBIC
    # The gap lets it average whole blocks first, which is many times faster on large pictures.
    scaled = image.convert(weighted).resize(target, filter_, box, reducing_gap=2.0)
    return scaled.convert(image.mode)


def _convert(image: Image.Image, channels: Channels) -> Image.Image:
    if image.mode in ("LA", "RGBA") and channels != "RGBA":
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(channels)
