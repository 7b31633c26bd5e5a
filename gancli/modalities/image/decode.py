"""Decoding picture files to pixels; broken and hostile files are refused."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gancli.data.member import BadMember
from gancli.modalities.image.spec import Channels, Fit

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
)
HEAD_BYTES = 16
MAX_BYTES = 256 << 20
MAX_PIXELS = 64_000_000

_TOO_LARGE = f"it claims to have more than {MAX_PIXELS:,} pixels"
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")


class BadImage(BadMember):
    """A file that is not a picture, or a broken or absurdly large one."""


class ImageInfo(NamedTuple):
    """Properties of a picture.

    Args:
        short_side: Length of its shorter side in pixels.
        grey: Whether all its colors are greys.
        transparent: Whether any pixel is not opaque.
    """

    short_side: int
    grey: bool
    transparent: bool


def is_image(head: bytes) -> bool:
    """Return whether a file that starts with these 16 or more bytes claims to be a picture."""
    if head.startswith(b"BM"):
        return len(head) >= 16 and head[6:10] == b"\0\0\0\0"
    return head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


@contextmanager
def _decoder_errors() -> Iterator[None]:
    """Turn every exception of the decoders into BadImage."""
    try:
        with warnings.catch_warnings():
            # Warnings concern metadata (a corrupt EXIF block); damaged pixels are errors.
            warnings.simplefilter("ignore")
            yield
    except BadImage:
        raise
    except Image.DecompressionBombError as error:
        raise BadImage(_TOO_LARGE) from error
    except UnidentifiedImageError as error:
        raise BadImage("its format is unknown, or its header is damaged") from error
    # Pillow's parsers raise almost anything on hostile bytes, and one file must not end a run.
    except Exception as error:
        problem = str(error)[:80] or type(error).__name__
        raise BadImage(f"it cannot be decoded ({problem})") from error


def _open(data: bytes, shrink_to: int) -> tuple[Image.Image, int]:
    """Return a picture, upright and in mode L, LA, RGB or RGBA, and the short side of the file's.

    A JPEG may be decoded at a smaller size, but both sides stay at least ``shrink_to``.
    """
    if not data:
        raise BadImage("it is empty")
    if len(data) > MAX_BYTES:
        raise BadImage(f"it is larger than {MAX_BYTES:,} bytes")
    image: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BadImage(_TOO_LARGE)
    # Decodes a JPEG at 1/2, 1/4 or 1/8 of its size, far faster; other formats ignore it.
    image.draft(None, (shrink_to, shrink_to))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return _eight_bit(image), min(width, height)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return the picture in mode L, LA, RGB or RGBA."""
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_to_uint8(np.asarray(image)))
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        return image.convert("LA" if grey else "RGBA")
    return image.convert("L" if grey else "RGB")


def _to_uint8(pixels: np.ndarray) -> np.ndarray:
    """Scale 16- or 32-bit integers, or floats, to uint8.

    Floats have no fixed scale: pictures in 0..1, 0..255 and 0..65535 are all in use.
    """
    if pixels.dtype.kind == "f":
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= 0 and high < 65536):  # true of NaN, too
            raise BadImage("its values lie outside 0..65535")
        scale = 255.0 if high <= 1 else 1.0 if high < 256 else 1 / 256
        return (pixels * scale).astype(np.uint8)
    if pixels.min() < 0:
        raise BadImage("it contains negative values")
    return (pixels >> (8 if pixels.max() < 65536 else 23)).astype(np.uint8)


def image_info(data: bytes) -> ImageInfo:
    """Return the properties of a picture.

    Raises:
        BadImage: It cannot be decoded.
    """
    with _decoder_errors():
        image, short_side = _open(data, 128)
        pixels = np.asarray(image)
        alpha = image.mode in ("LA", "RGBA")
        grey = image.mode in ("L", "LA") or bool(
            (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()
        )
        return ImageInfo(short_side, grey, alpha and bool((pixels[..., -1] < 255).any()))


def decode(data: bytes, channels: Channels, size: int, fit: Fit) -> np.ndarray:
    """Return a picture's pixels at the given size; a picture of that size is not resampled.

    Args:
        data: The file: PNG, JPEG, WebP, BMP, GIF (its first frame) or TIFF.
        channels: Mode of the result; without alpha, transparent pixels are blended with white.
        size: Length of both sides in pixels.
        fit: ``crop`` cuts off the ends of the longer side, ``pad`` adds black or transparent
            borders, ``stretch`` distorts.

    Returns:
        Pixels, uint8, shape (size, size, 1 | 3 | 4).

    Raises:
        BadImage: It cannot be decoded.
    """
    with _decoder_errors():
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
    """Resample so that both sides, or with ``pad`` the longer side, have the given length."""
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
    # Premultiplied alpha keeps the color of invisible pixels from bleeding into the edges. Pillow
    # would premultiply by itself, but not together with a reducing gap.
    premultiplied = {"LA": "La", "RGBA": "RGBa"}.get(image.mode, image.mode)
    shrinks = width > target[0] or height > target[1]
    resampling = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
    # The gap lets Pillow average whole blocks first, many times faster on large pictures.
    scaled = image.convert(premultiplied).resize(target, resampling, box, reducing_gap=2.0)
    return scaled.convert(image.mode)


def _convert(image: Image.Image, channels: Channels) -> Image.Image:
    if image.mode in ("LA", "RGBA") and channels != "RGBA":
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(channels)
