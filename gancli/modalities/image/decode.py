"""Decoding picture files to pixels; broken and hostile files are refused."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from gancli.data.member import BadMember
from gancli.modalities.image import levels
from gancli.modalities.image.deep import numbers, raw_mode, tiff_kind, white_is_zero
from gancli.modalities.image.formats import HEAD_BYTES, identify, readable, unreadable
from gancli.modalities.image.levels import Levels
from gancli.modalities.image.metadata import without_metadata
from gancli.modalities.image.spec import Channels, Fit, NumberKind, Ranges

MAX_BYTES = 256 << 20
MAX_PIXELS = 64_000_000

_TOO_LARGE = f"it claims to have more than {MAX_PIXELS:,} pixels"
_ORIENTATION = 0x0112
_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What the pixels of a picture do not show: the kind of its numbers, and whether there were further
# frames, numbers beyond the range, in little of it or invalid, transparent pixels, or colors.
Trait = NumberKind | Literal["frames", "clipped", "dim", "invalid", "alpha", "color"]


class BadImage(BadMember):
    """A file that is not a picture, or a broken or absurdly large one."""


class ImageInfo(NamedTuple):
    """Properties of a picture.

    Args:
        short_side: Length of its shorter side in pixels.
        gray: Whether all its colors are grays.
        transparent: Whether any pixel is not opaque.
        levels: Its numbers.
    """

    short_side: int
    gray: bool
    transparent: bool
    levels: Levels


class Decoded(NamedTuple):
    """The pixels of a picture, uint8, shape (size, size, 1 | 3 | 4), and what they do not show."""

    pixels: np.ndarray
    traits: tuple[Trait, ...]


class _Loaded(NamedTuple):
    """A picture as Pillow decodes it, the size that its file states, and its deep numbers."""

    image: ImageFile
    size: tuple[int, int]
    numbers: np.ndarray | None


class _Opened(NamedTuple):
    """A picture, upright and in mode L, LA, RGB or RGBA; the rest is as its file has it."""

    image: Image.Image
    short_side: int
    levels: Levels
    frames: bool


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
    # Pillow's parsers raise almost anything on hostile bytes, and one file must not end a run.
    except Exception as error:
        problem = str(error)[:80] or type(error).__name__
        raise BadImage(f"it cannot be decoded ({problem})") from error


def _open(data: bytes, shrink_to: int, ranges: Ranges | None) -> _Opened:
    """Return a picture.

    Args:
        data: The file.
        shrink_to: A JPEG may be decoded at a smaller size, but not below this.
        ranges: Which numbers are black and white; None goes by those that the picture has.
    """
    if not data:
        raise BadImage("it is empty")
    if len(data) > MAX_BYTES:
        raise BadImage(f"it is larger than {MAX_BYTES:,} bytes")
    head = data[:HEAD_BYTES]
    kind = identify(head)
    if kind not in readable():
        other = unreadable("", head)
        raise BadImage(
            "its format is unknown" if other is None
            else f"it is one of those {other.name} that cannot be read ({other.advice})"
        )
    try:
        loaded = _load(data, kind, shrink_to)
    except BadImage:
        raise
    except Exception as error:
        # No metadata should cost a picture whose pixels are sound.
        bare, exif = without_metadata(data, kind)
        try:
            loaded = _load(bare, kind, shrink_to)
        except Exception:
            raise _reason(error, data, kind) from error
        if exif:
            loaded.image.info["exif"] = exif
    found = levels.measure(loaded.image, loaded.numbers)
    if ranges is None and loaded.numbers is not None:
        low, high = found.low, found.high
    else:
        low, high = (ranges or Ranges()).of(found.kind)
    pixels = _upright(_eight_bit(loaded, low, high), loaded.image)
    # The second picture of a JPEG is a preview or a map of its brightness.
    frames = getattr(loaded.image, "is_animated", False) and kind != "JPEG"
    return _Opened(pixels, min(loaded.size), found, frames)


def _load(data: bytes, kind: str, shrink_to: int) -> _Loaded:
    image = Image.open(io.BytesIO(data), formats=(kind,))
    size = image.size
    if size[0] * size[1] > MAX_PIXELS:
        raise BadImage(_TOO_LARGE)
    # Decodes a JPEG at 1/2, 1/4 or 1/8 of its size, far faster; other formats ignore it.
    image.draft(None, (shrink_to, shrink_to))
    raw = raw_mode(image)
    image.load()
    return _Loaded(image, size, numbers(image, raw, data, kind))


def _reason(error: Exception, data: bytes, kind: str) -> Exception:
    """Return an error that says why a picture of a known format cannot be opened."""
    if not isinstance(error, UnidentifiedImageError):
        return error
    try:
        Image.OPEN[kind][0](io.BytesIO(data), "")  # what Image.open has kept to itself
    except Exception as cause:
        if "unknown pixel mode" in str(cause):
            return BadImage(f"{tiff_kind(data)} in a TIFF cannot be read; convert it to PNG")
        return BadImage(f"its {kind} header cannot be read ({str(cause)[:80]})")
    return error


def _upright(pixels: Image.Image, image: Image.Image) -> Image.Image:
    """Turn pixels as the metadata of their picture says; what cannot be read of it is ignored."""
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION))
    except Exception:  # Pillow raises almost anything on odd metadata
        turn = None
    return pixels if turn is None else pixels.transpose(turn)


def _eight_bit(loaded: _Loaded, low: float, high: float) -> Image.Image:
    """Return the picture in mode L, LA, RGB or RGBA, its numbers scaled to 0..255."""
    image: Image.Image = loaded.image
    if loaded.numbers is not None:
        scaled = levels.to_uint8(loaded.numbers, low, high)
        result = Image.fromarray(255 - scaled if white_is_zero(loaded.image) else scaled)
        if image.mode == "RGBA":
            result.putalpha(image.getchannel("A"))
        elif "transparency" in image.info:
            clear = loaded.numbers == np.array(image.info["transparency"])
            clear = clear.all(-1) if clear.ndim == 3 else clear
            result.putalpha(Image.fromarray(np.where(clear, 0, 255).astype(np.uint8)))
        return result
    gray = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        image = image.convert("LA" if gray else "RGBA")
    else:
        image = image.convert("L" if gray else "RGB")
    return levels.stretch(image, low, high)


def _in_color(image: Image.Image) -> bool:
    """Return whether any pixel of a picture in mode L, LA, RGB or RGBA is not gray."""
    if image.mode in ("L", "LA"):
        return False
    pixels = np.asarray(image)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return not bool((red == green).all() and (green == blue).all())


def _transparent(image: Image.Image) -> bool:
    return image.mode in ("LA", "RGBA") and image.getextrema()[-1][0] < 255  # type: ignore[index]


def image_info(data: bytes) -> ImageInfo:
    """Return the properties of a picture.

    Raises:
        BadImage: It cannot be decoded.
    """
    with _decoder_errors():
        opened = _open(data, 128, None)
        image = opened.image
        return ImageInfo(
            opened.short_side, not _in_color(image), _transparent(image), opened.levels
        )


def decode(data: bytes, channels: Channels, size: int, fit: Fit, ranges: Ranges) -> Decoded:
    """Return a picture's pixels at the given size; a picture of that size is not resampled.

    Args:
        data: The file; of one with several frames or pages, the first is decoded.
        channels: Mode of the result; without alpha, transparent pixels are blended with white.
        size: Length of both sides in pixels.
        fit: ``crop`` cuts off the ends of the longer side, ``pad`` adds black or transparent
            borders, ``stretch`` distorts.
        ranges: Which of its numbers are black and white.

    Raises:
        BadImage: It cannot be decoded.
    """
    with _decoder_errors():
        opened = _open(data, 2 * size, ranges)
        image = _scale(opened.image, size, fit)
        pixels = np.array(_convert(image, channels))
    traits: dict[Trait, bool] = {
        opened.levels.kind: True,
        "frames": opened.frames,
        "clipped": levels.beyond(opened.levels, ranges),
        "dim": levels.dim(opened.levels, ranges),
        "invalid": not opened.levels.valid,
        "alpha": channels != "RGBA" and _transparent(image),
        "color": channels == "L" and _in_color(image),
    }
    return Decoded(_squared(pixels, size), tuple(name for name, true in traits.items() if true))


def _squared(pixels: np.ndarray, size: int) -> np.ndarray:
    """Return pixels with a third axis, and with borders where they are missing."""
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
