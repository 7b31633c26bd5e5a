"""What a set of pictures fixes: size, channels and classes, found by looking at them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median_low
from typing import Any

import numpy as np

from gancli.data.claims import claimed
from gancli.data.labels import find_labels
from gancli.data.member import first_names
from gancli.data.source import Member, Source
from gancli.data.tables import class_problem, whole
from gancli.errors import GancliError, UsageError
from gancli.modalities.image.decode import (
    HEAD_BYTES,
    MAX_BYTES,
    SUFFIXES,
    Look,
    is_image,
    look,
)

SMALLEST, LARGEST, LARGEST_AUTO = 16, 256, 64
_DEPTHS = {"L": 1, "RGB": 3, "RGBA": 4}
_FITS = ("crop", "pad", "stretch")

# How much is looked at: enough to see a mixture, little enough to be done within seconds.
_LOOK_AT = 256
_LOOK_BYTES = 256 << 20

# What data sets carry beside their pictures; anything else unknown is judged by its first bytes.
_OTHER_SUFFIXES = frozenset(
    ".txt .md .json .jsonl .csv .tsv .xml .html .htm .yaml .yml .toml .py .pdf .npy .npz .mat "
    ".wav .mp3 .ogg .flac .mp4 .mov .avi .mkv .webm .zip .tar .gz .tgz .sha256 .db .ini".split()
)


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


def pictures(source: Source) -> list[Member]:
    """Return the files that claim to be pictures, by suffix or else by their first bytes.

    Raises:
        GancliError: There are none.
    """
    found = claimed(source, SUFFIXES, _OTHER_SUFFIXES, HEAD_BYTES, is_image)
    if not found:
        raise GancliError(
            f"There are no pictures among the {len(source.members)} files of "
            f"{str(source.path)!r}.",
            "They are files that end with " + ", ".join(sorted(SUFFIXES)) + ".",
        )
    return found


def inspect(source: Source, config: Any) -> tuple[ImageSpec, list[str]]:
    """Look at evenly spaced pictures and decide what is not given.

    Args:
        source: The files.
        config: Has ``size`` (pixels or None), ``channels`` (``auto`` or a mode), ``labels``
            (``auto``, ``folders`` or ``none``), ``fit`` and ``batch`` (pictures or None).

    Returns:
        The spec, and a sentence for each choice.

    Raises:
        UsageError: The size is no multiple of 4, or ``folders`` finds no classes.
        GancliError: There are no pictures, or most of those looked at are broken.
    """
    members = pictures(source)
    looks = _look_at(source, members)
    size, size_why = _size(looks, config.size)
    channels, channels_why = _channels(looks, config.channels)
    names = [member.name for member in members]
    classes, labels, classes_why = find_labels(names, config.labels)
    counts = () if labels is None else np.bincount(labels, minlength=len(classes)).tolist()
    spec = ImageSpec(size, channels, config.fit, classes, tuple(counts), len(members))
    sentences = [size_why, channels_why, classes_why]
    if config.batch is None:
        kind = f"{'colour' if spec.depth > 1 else 'grey'} of {size} pixels"
        sentences.append(f"Pictures in a step: {spec.batch}, as suits {kind} (--batch sets it).")
    return spec, sentences


def _look_at(source: Source, members: list[Member]) -> list[Look]:
    mean_bytes = max(1, sum(member.size for member in members) // len(members))
    count = min(len(members), _LOOK_AT, max(32, _LOOK_BYTES // mean_bytes))
    chosen = {members[index * len(members) // count].name for index in range(count)}
    looks: list[Look] = []
    broken: list[tuple[str, str]] = []
    for member, read in source.stream():
        if member.name in chosen:
            try:
                looks.append(look(read(MAX_BYTES)))
            except ValueError as error:  # BadImage or BadMember
                broken.append((member.name, str(error)))
    refuse_if_most(broken, count)
    return looks


def refuse_if_most(broken: list[tuple[str, str]], count: int) -> None:
    """Check that at least half of the pictures, and one at all, could be read.

    Args:
        broken: Name and problem of each one that could not.
        count: Number of all.

    Raises:
        GancliError: With the first three names.
    """
    if 2 * len(broken) > count or len(broken) == count:
        raise GancliError(
            f"{len(broken):,} of {count:,} pictures cannot be read: {first_names(broken)}.",
            "Is this the right folder? Remove the broken files, or convert them to PNG.",
        )


def _size(looks: list[Look], given: int | None) -> tuple[int, str]:
    if given is not None:
        if not whole(given, SMALLEST, LARGEST) or given % 4:
            raise UsageError(
                f"The size cannot be {given}.",
                f"Choose a multiple of 4 from {SMALLEST} to {LARGEST}.",
            )
        return given, f"Size: {given}, as asked."
    middle = median_low(seen.short for seen in looks)
    size = min(max(round(middle / 4) * 4, SMALLEST), LARGEST_AUTO)
    why = f"Size: {size}, since the median short side is {middle}"
    if middle > LARGEST_AUTO + 2:
        why += f"; larger than {LARGEST_AUTO} trains slowly without a GPU (--size sets it)"
    return size, why + "."


def _channels(looks: list[Look], given: str) -> tuple[str, str]:
    if given != "auto":
        return given, f"Channels: {given}, as asked."
    transparent = sum(seen.transparent for seen in looks)
    coloured = sum(not seen.grey for seen in looks)
    among = f"of the {len(looks)} pictures looked at"
    if transparent:
        return "RGBA", f"Channels: RGBA, since {transparent} {among} are transparent in places."
    if coloured:
        return "RGB", f"Channels: RGB, since {coloured} {among} are in colour."
    return "L", f"Channels: L, since all {len(looks)} pictures looked at are grey."
