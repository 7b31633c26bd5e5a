"""What training takes from a set of pictures: size, channels and classes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from gancli.data.tables import class_problem, damaged, whole

Channels = Literal["L", "RGB", "RGBA"]
Fit = Literal["crop", "pad", "stretch"]

MIN_SIZE, MAX_SIZE = 16, 256
MAX_NUMBER = 1e38  # in a picture; larger ones stand for missing values
NumberKind = Literal["eight_bit", "integer", "floating"]
Range = tuple[float, float]
_DEPTHS: dict[Channels, int] = {"L": 1, "RGB": 3, "RGBA": 4}
_FITS = ("crop", "pad", "stretch")
_damaged = partial(damaged, "pictures")


@dataclass(frozen=True)
class Ranges:
    """Which numbers in files are black and white, by the kind of the numbers.

    Args:
        eight_bit: Of pictures with up to 8 bits a channel.
        integer: Of those with larger integers.
        floating: Of those with floats.
    """

    eight_bit: Range = (0.0, 255.0)
    integer: Range = (0.0, 65535.0)
    floating: Range = (0.0, 1.0)

    def of(self, kind: NumberKind) -> Range:
        """Return the range of a kind of numbers."""
        return {"eight_bit": self.eight_bit, "integer": self.integer, "floating": self.floating}[
            kind
        ]


@dataclass(frozen=True)
class ImageSpec:
    """What the networks and the loader need to know about the pictures.

    Args:
        size: Length of both sides in pixels, a multiple of 4 from 16 to 256.
        channels: ``L``, ``RGB`` or ``RGBA``.
        fit: How a picture is made square: ``crop``, ``pad`` or ``stretch``.
        classes: Names of the classes; empty if there are none.
        class_counts: Number of files in each class.
        count: Number of picture files.
        ranges: Which numbers in the files are black and white.
    """

    size: int
    channels: Channels
    fit: Fit
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    count: int
    ranges: Ranges = Ranges()

    @property
    def depth(self) -> int:
        """Number of channels: 1, 3 or 4."""
        return _DEPTHS[self.channels]

    @property
    def earlier_batch(self) -> int:
        """Pictures in a step of a run that was made before runs recorded it."""
        return 64 if self.depth > 1 and self.size <= 32 else 32

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "ImageSpec":
        """Return a spec from its JSON form.

        Raises:
            GancliError: A field is missing, unknown, of the wrong type or out of bounds.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(table, Mapping) or set(table) | {"ranges"} != fields:
            raise _damaged(f"its fields must be {', '.join(sorted(fields))}")
        classes, counts = table["classes"], table["class_counts"]
        if not whole(table["size"], MIN_SIZE, MAX_SIZE) or table["size"] % 4:
            raise _damaged(f"the size must be a multiple of 4 from {MIN_SIZE} to {MAX_SIZE}")
        if not isinstance(table["channels"], str) or table["channels"] not in _DEPTHS:
            raise _damaged("the channels must be L, RGB or RGBA")
        if table["fit"] not in _FITS:
            raise _damaged("the fit must be crop, pad or stretch")
        if problem := class_problem(classes, counts, table["count"]):
            raise _damaged(problem)
        # Specs had no ranges before they were the same for a whole set.
        ranges = Ranges() if "ranges" not in table else _ranges(table["ranges"])
        return cls(**{
            **table, "classes": tuple(classes), "class_counts": tuple(counts), "ranges": ranges,
        })


def _ranges(table: object) -> Ranges:
    kinds = [field.name for field in dataclasses.fields(Ranges)]
    if not isinstance(table, Mapping) or set(table) != set(kinds):
        raise _damaged(f"the ranges must be those of {', '.join(kinds)}")
    pairs = {kind: table[kind] for kind in kinds}
    for kind, pair in pairs.items():
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(
            isinstance(value, (int, float)) and not isinstance(value, bool) for value in pair
        ) or not -MAX_NUMBER <= pair[0] < pair[1] <= MAX_NUMBER:  # also false of NaN
            raise _damaged(f"the {kind} range must be two numbers, the smaller one first")
    return Ranges(**{kind: (float(pair[0]), float(pair[1])) for kind, pair in pairs.items()})
