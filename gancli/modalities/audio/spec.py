"""The spec of a set of sounds: rate, channels, length, frames and classes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gancli.data.tables import class_problem, damaged, whole

MIN_RATE, MAX_RATE = 1000, 192_000  # Hz
MIN_HOP, MAX_HOP = 16, 4096
MIN_BINS, MAX_BINS = 8, 256
FRAME_MULTIPLE = 4  # every clip has a multiple of the most frames that one step generates
MAX_FRAMES = 8192
PEAK = 0.95  # of a clip
MIN_STD = 0.05
_MAX_STATISTIC = 100.0
_damaged = partial(damaged, "sounds")


@dataclass(frozen=True)
class AudioSpec:
    """What the networks, the loader and the writers need to know about the sounds.

    Args:
        rate: Sample rate in Hz.
        channels: 1 or 2.
        hop: Samples from one frame to the next.
        window: Samples in the window of a frame (the FFT size), a power of two.
        bins: Number of mel bands.
        frames: Frames in the longest clip, a multiple of 4.
        ends: Whether clips have lengths of their own; if not, all are slices of recordings.
        trim: Whether silence at the ends of a recording is trimmed.
        mean, deviation: Mean and standard deviation of the log-mel over the frames inside clips,
            one for each band of the first channel, then of the second.
        classes: Names of the classes; empty if the data has none.
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
        """Number of samples in the longest clip."""
        return self.frames * self.hop

    @property
    def seconds(self) -> float:
        """Length of the longest clip in seconds."""
        return self.samples / self.rate

    @property
    def length(self) -> float:
        """What ``--length`` would set."""
        return self.seconds

    @property
    def depth(self) -> int:
        """Values in a frame: the log-mel of each channel, and whether it is inside the clip."""
        return self.channels * self.bins + 1

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "AudioSpec":
        """Return a spec from its JSON form.

        Raises:
            GancliError: A field is missing, unknown, of the wrong type or out of bounds.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(table, Mapping) or set(table) != fields:
            raise _damaged(f"its fields must be {', '.join(sorted(fields))}")
        bounds = {
            "rate": (MIN_RATE, MAX_RATE), "channels": (1, 2), "hop": (MIN_HOP, MAX_HOP),
            "window": (MIN_HOP, 8 * MAX_HOP), "bins": (MIN_BINS, MAX_BINS),
            "frames": (FRAME_MULTIPLE, MAX_FRAMES),
        }
        for name, (low, high) in bounds.items():
            if not whole(table[name], low, high):
                raise _damaged(f"the {name} must be a whole number from {low} to {high}")
        if table["frames"] % FRAME_MULTIPLE:
            raise _damaged(f"the frames must be a multiple of {FRAME_MULTIPLE}")
        window = table["window"]
        if window & (window - 1) or window < table["hop"] or window < 2 * table["bins"]:
            raise _damaged("the window must be a power of two that holds the hop and all bands")
        for name in ("ends", "trim"):
            if not isinstance(table[name], bool):
                raise _damaged(f"{name} must be true or false")
        columns = table["channels"] * table["bins"]
        mean = _numbers("mean", table["mean"], columns, -_MAX_STATISTIC)
        std = _numbers("deviation", table["deviation"], columns, MIN_STD)
        classes, counts = table["classes"], table["class_counts"]
        if problem := class_problem(classes, counts, table["count"]):
            raise _damaged(problem)
        return cls(**{
            **table, "mean": mean, "deviation": std, "classes": tuple(classes),
            "class_counts": tuple(counts),
        })


def _numbers(name: str, values: object, count: int, low: float) -> tuple[float, ...]:
    """Return values as floats, or raise unless they are ``count`` numbers from ``low`` on."""
    if not isinstance(values, (list, tuple)) or len(values) != count or not all(
        isinstance(value, (int, float)) and not isinstance(value, bool)
        and low <= value <= _MAX_STATISTIC  # also false of NaN
        for value in values
    ):
        raise _damaged(f"the {name} must be {count} numbers from {low:g} to {_MAX_STATISTIC:g}")
    return tuple(float(value) for value in values)
