"""What a set of sounds fixes: rate, channels, length, frames and classes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gancli.data.tables import class_problem, whole
from gancli.errors import GancliError

LOWEST_RATE, HIGHEST_RATE = 1000, 192_000
MIN_HOP, MAX_HOP = 16, 4096
MIN_BINS, MAX_BINS = 8, 256
ROUND = 4  # frames, as many as a step of the generator makes
MAX_FRAMES = 8192
LEVEL = 0.95  # peak of a clip

_LARGEST_STATISTIC = 100.0
MIN_DEVIATION = 0.05


@dataclass(frozen=True)
class AudioSpec:
    """What the networks, the loader and the writers need to know of the sounds.

    Args:
        rate: Samples a second.
        channels: 1 or 2.
        hop: Samples from one frame to the next.
        window: Samples that a frame looks at, a power of two.
        bins: Bands of the mel spectrogram.
        frames: Frames of the longest clip, a multiple of 4.
        ends: Whether clips have lengths of their own; if not, all are slices of recordings.
        trim: Whether silence at the ends of a recording is left out.
        mean, deviation: Of the log-mel of each channel and band, channel after channel, over the
            frames inside clips.
        classes: Names of the classes; empty without.
        class_counts: Number of files in each class.
        count: Number of sound files.
    """

    rate: int
    channels: int
    hop: int
    window: int
    bins: int
    frames: int
    ends: bool
    trim: bool
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    count: int

    @property
    def samples(self) -> int:
        """Samples of the longest clip."""
        return self.frames * self.hop

    @property
    def seconds(self) -> float:
        """Length of the longest clip."""
        return self.samples / self.rate

    @property
    def depth(self) -> int:
        """Values of a frame: the log-mel of each channel, and whether the clip goes on."""
        return self.channels * self.bins + 1

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "AudioSpec":
        """Return a spec from its JSON form.

        Raises:
            GancliError: A field is missing, unknown, of a wrong type or out of bounds.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(table, Mapping) or set(table) != fields:
            raise _bad(f"it must hold exactly {', '.join(sorted(fields))}")
        bounds = {
            "rate": (LOWEST_RATE, HIGHEST_RATE), "channels": (1, 2), "hop": (MIN_HOP, MAX_HOP),
            "window": (MIN_HOP, 8 * MAX_HOP), "bins": (MIN_BINS, MAX_BINS),
            "frames": (ROUND, MAX_FRAMES),
        }
        for name, (low, high) in bounds.items():
            if not whole(table[name], low, high):
                raise _bad(f"the {name} must be a whole number in {low}..{high}")
        if table["frames"] % ROUND:
            raise _bad(f"the frames must be a multiple of {ROUND}")
        window = table["window"]
        if window & (window - 1) or window < table["hop"] or window < 2 * table["bins"]:
            raise _bad("the window must be a power of two, and hold the hop and all bands")
        for name in ("ends", "trim"):
            if not isinstance(table[name], bool):
                raise _bad(f"{name} must be true or false")
        columns = table["channels"] * table["bins"]
        mean = _numbers("mean", table["mean"], columns, -_LARGEST_STATISTIC)
        deviation = _numbers("deviation", table["deviation"], columns, MIN_DEVIATION)
        classes, counts = table["classes"], table["class_counts"]
        if problem := class_problem(classes, counts, table["count"]):
            raise _bad(problem)
        return cls(**{
            **table, "mean": mean, "deviation": deviation, "classes": tuple(classes),
            "class_counts": tuple(counts),
        })


def _numbers(name: str, values: Any, count: int, low: float) -> tuple[float, ...]:
    """Return checked statistics."""
    fine = isinstance(values, (list, tuple)) and len(values) == count and all(
        isinstance(value, (int, float)) and not isinstance(value, bool)
        and low <= value <= _LARGEST_STATISTIC  # also false of NaN
        for value in values
    )
    if not fine:
        raise _bad(f"the {name} must be {count} numbers in {low:g}..{_LARGEST_STATISTIC:g}")
    return tuple(float(value) for value in values)


def _bad(problem: str) -> GancliError:
    return GancliError(
        f"The description of the sounds is damaged: {problem}.",
        "Take the model or run from where it came from again.",
    )
