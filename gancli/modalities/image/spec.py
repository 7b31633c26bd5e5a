"""What a set of pictures fixes: size, channels and classes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gancli.data.tables import class_problem, whole
from gancli.errors import GancliError

SMALLEST, LARGEST = 16, 256
_DEPTHS = {"L": 1, "RGB": 3, "RGBA": 4}
_FITS = ("crop", "pad", "stretch")


@dataclass(frozen=True)
class ImageSpec:
    """What the networks and the loader need to know of the pictures.

    Args:
        size: Length of both sides in pixels, a multiple of 4 in 16..256.
        channels: ``L``, ``RGB`` or ``RGBA``.
        fit: How a picture becomes square: ``crop``, ``pad`` or ``stretch``.
        classes: Names of the classes; empty without.
        class_counts: Number of files in each class.
        count: Number of picture files.
    """

    size: int
    channels: str
    fit: str
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    count: int

    @property
    def depth(self) -> int:
        """Values a pixel: 1, 3 or 4."""
        return _DEPTHS[self.channels]

    @property
    def batch(self) -> int:
        """Pictures in a step, where nobody asks for a number: what won at equal time."""
        return 64 if self.depth > 1 and self.size <= 32 else 32

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "ImageSpec":
        """Return a spec from its JSON form.

        Raises:
            GancliError: A field is missing, unknown, of a wrong type or out of bounds.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(table, Mapping) or set(table) != fields:
            raise _bad(f"it must hold exactly {', '.join(sorted(fields))}")
        classes, counts = table["classes"], table["class_counts"]
        if not whole(table["size"], SMALLEST, LARGEST) or table["size"] % 4:
            raise _bad(f"the size must be a multiple of 4 in {SMALLEST}..{LARGEST}")
        if not isinstance(table["channels"], str) or table["channels"] not in _DEPTHS:
            raise _bad("the channels must be L, RGB or RGBA")
        if table["fit"] not in _FITS:
            raise _bad("the fit must be crop, pad or stretch")
        if problem := class_problem(classes, counts, table["count"]):
            raise _bad(problem)
        return cls(**{**table, "classes": tuple(classes), "class_counts": tuple(counts)})


def _bad(problem: str) -> GancliError:
    return GancliError(
        f"The description of the pictures is damaged: {problem}.",
        "Take the model or run from where it came from again.",
    )
