"""What training takes from a set of pictures: size, channels and classes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gancli.data.tables import class_problem, whole
from gancli.errors import GancliError

Channels = Literal["L", "RGB", "RGBA"]
Fit = Literal["crop", "pad", "stretch"]

MIN_SIZE, MAX_SIZE = 16, 256
_DEPTHS: dict[Channels, int] = {"L": 1, "RGB": 3, "RGBA": 4}
_FITS = ("crop", "pad", "stretch")


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
    """

    size: int
    channels: Channels
    fit: Fit
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    count: int

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
        if not isinstance(table, Mapping) or set(table) != fields:
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
        return cls(**{**table, "classes": tuple(classes), "class_counts": tuple(counts)})


def _damaged(problem: str) -> GancliError:
    return GancliError(
        f"The description of the pictures is damaged: {problem}.",
        "Get an intact copy of the model or run.",
    )
