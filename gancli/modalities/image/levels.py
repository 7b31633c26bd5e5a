"""From the numbers in picture files to 0..255, on one scale for the whole set.

Of most pictures, 0 is black and 255 is white. Those whose numbers are larger, or are floats, do not
say which of them are black and white, so it is found from all of them together.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from gancli.errors import UsageError
from gancli.modalities.image.spec import MAX_NUMBER, NumberKind, Range, Ranges

# What goes beyond a range by less than this fraction of it is noise.
OVERSHOOT = 0.02

_BLOCK = 1 << 20
_ODD = 8  # a few pictures whose numbers reach so many times as far as the others' do not decide


class Levels(NamedTuple):
    """The numbers of a picture.

    Args:
        kind: What kind of numbers they are.
        low, high: The smallest and the largest valid one; 0 if there is none.
        valid: Whether all are, which NaN and what stands for missing values are not.
    """

    kind: NumberKind
    low: float
    high: float
    valid: bool


def measure(image: Image.Image, numbers: np.ndarray | None) -> Levels:
    """Return the levels of a picture without its alpha.

    Args:
        image: The picture.
        numbers: Its numbers if they have more than 8 bits.
    """
    if numbers is None:
        bands = image.getextrema()
        pairs = [bands] if isinstance(bands[0], (int, float)) else list(bands)
        if image.mode in ("LA", "RGBA"):
            pairs = pairs[:-1]
        low, high = min(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
        return Levels("eight_bit", low, high, valid=True)
    kind: NumberKind = "floating" if numbers.dtype.kind == "f" else "integer"
    low, high = float(numbers.min()), float(numbers.max())
    if low >= -MAX_NUMBER and high <= MAX_NUMBER:  # false of NaN, which both are if any number is
        return Levels(kind, low, high, valid=True)
    sound = numbers[np.abs(numbers) <= MAX_NUMBER]
    low, high = (float(sound.min()), float(sound.max())) if sound.size else (0.0, 0.0)
    return Levels(kind, low, high, valid=False)


def beyond(found: Levels, ranges: Ranges) -> bool:
    """Return whether numbers of a picture lie well outside of the range of their kind."""
    low, high = ranges.of(found.kind)
    margin = OVERSHOOT * (high - low)
    return found.low < low - margin or found.high > high + margin


def dim(found: Levels, ranges: Ranges) -> bool:
    """Return whether a deep picture, unless it is blank, uses less than a sixteenth of its range.

    Its numbers may be on another scale than those of the others.
    """
    low, high = ranges.of(found.kind)
    return found.kind != "eight_bit" and 0 < found.high - found.low < (high - low) / 16


def to_uint8(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scale numbers so that ``low`` becomes 0 and ``high`` 255; others are clipped, NaN is 0."""
    flat, width = values.reshape(-1), max(high - low, 1e-38)
    scaled = np.empty(flat.shape, np.uint8)
    for start in range(0, flat.size, _BLOCK):  # so that few of them are float64 at a time
        block = (flat[start : start + _BLOCK].astype(np.float64) - low) * (255 / width)
        block = np.nan_to_num(block, nan=0.0, posinf=255.0, neginf=0.0)
        scaled[start : start + _BLOCK] = np.rint(block.clip(0, 255)).astype(np.uint8)
    return scaled.reshape(values.shape)


def stretch(image: Image.Image, low: float, high: float) -> Image.Image:
    """Scale the values of a picture of 8 bits like :func:`to_uint8`; alpha stays as it is."""
    if (low, high) == (0, 255):
        return image
    table = to_uint8(np.arange(256), low, high).tolist()
    alpha = image.mode in ("LA", "RGBA")
    colors = len(image.getbands()) - alpha
    return image.point(table * colors + list(range(256)) * alpha)


def parse_range(text: str) -> Range | None:
    """Return the two numbers of ``LOW:HIGH``, or None for ``auto``.

    Raises:
        UsageError: The text is neither, or LOW is not below HIGH.
    """
    if text == "auto":
        return None
    number = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    match = re.fullmatch(rf"\s*{number}\s*(?::|\.\.|,)\s*{number}\s*", text)
    low, high = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if not -MAX_NUMBER <= low < high <= MAX_NUMBER:
        raise UsageError(
            f"The range cannot be {text!r}.",
            "Write the numbers that are black and white like 0:4095, or auto.",
        )
    return low, high


def find_ranges(found: Sequence[Levels], requested: Range | None) -> tuple[Ranges, list[str]]:
    """Choose which numbers are black and white.

    Args:
        found: The levels of the pictures examined.
        requested: What ``--range`` says. It holds for numbers of more than 8 bits, or for all if
            no more than a few pictures have such.

    Returns:
        The ranges, and sentences.
    """
    ranges: dict[NumberKind, Range] = {}
    sentences = []
    kinds = {each.kind for each in found}
    if requested is not None:
        why = f"Range: {show(requested)}, as requested"
        if sum(each.kind != "eight_bit" for each in found) <= len(found) // 10:
            return Ranges(requested, requested, requested), [f"{why}."]
        rest = "; pictures of 8 bits keep 0..255." if "eight_bit" in kinds else "."
        return Ranges(integer=requested, floating=requested), [why + rest]
    for kind in kinds - {"eight_bit"}:
        ranges[kind], why = _choose([each for each in found if each.kind == kind])
        sentences.append(why)
    return Ranges(**ranges), sorted(sentences)


def _choose(group: list[Levels]) -> tuple[Range, str]:
    """Return the range of pictures with numbers of one kind, and a sentence."""
    whole = group[0].kind == "integer"
    lows, highs = sorted(each.low for each in group), sorted(each.high for each in group)
    majority = len(group) - len(group) // 10
    chosen, inner = nominal(lows, highs, whole), nominal(lows[-majority:], highs[:majority], whole)
    odd = ""
    if chosen[1] - chosen[0] >= _ODD * (inner[1] - inner[0]):
        chosen, odd = inner, "most of "
    reach = lows[-majority if odd else 0], highs[majority - 1 if odd else -1]
    what = "of more than 8 bits" if whole else "of floats"
    if len(group) == 1:
        hold = f"the picture {what} examined holds"
    else:
        hold = f"{odd}the {len(group):,} pictures {what} examined hold"
    return chosen, (
        f"Range: {show(chosen)} from black to white, since {hold} {show(reach)} "
        "(--range LOW:HIGH sets it)."
    )


def nominal(lows: Iterable[float], highs: Iterable[float], whole: bool) -> Range:
    """Return the usual range that numbers fill, or else from the smallest to the largest of them.

    Usual are 0..1 and -1..1 for floats, and 0..2^n - 1. Integers fill an eighth or more, since
    their 0 tends to mean black, and floats at least half.

    Args:
        lows, highs: Smallest and largest numbers of pictures.
        whole: Whether they are integers.
    """
    low, high = min(lows), max(highs)
    usual = [(0.0, 2.0**bits - 1) for bits in (range(1, 33) if whole else (8, 10, 12, 14, 16))]
    if not whole:
        signed = low < -OVERSHOOT * max(1, high)
        usual = [(-1.0, 1.0)] if signed else [(0.0, 1.0), *usual]
    for start, end in usual:
        width = end - start
        if high <= end + OVERSHOOT * width:
            filled = low == high or (8 if whole else 2) * (high - low) >= width
            if filled and low >= start - OVERSHOOT * width:
                return start, end
            break
    return (low, high) if low < high else (low, low + 1)


def show(bounds: Range) -> str:
    """Return a range for a sentence."""
    return "..".join(f"{value:,.0f}" if value % 1 == 0 else f"{value:.4g}" for value in bounds)
