"""Finding what a set of pictures fixes, by looking at some of them."""

from statistics import median_low
from typing import Any

import numpy as np

from gancli.data.claims import claimed
from gancli.data.labels import find_labels
from gancli.data.member import first_names
from gancli.data.source import Member, Source
from gancli.data.tables import whole
from gancli.errors import GancliError, UsageError
from gancli.modalities.image.decode import (
    HEAD_BYTES,
    MAX_BYTES,
    SUFFIXES,
    Look,
    is_image,
    look,
)
from gancli.modalities.image.spec import LARGEST, SMALLEST, ImageSpec

LARGEST_AUTO = 64  # pixels of a side, where nobody asks for more

# How much is looked at: enough to see a mixture, little enough to be done within seconds.
_LOOK_AT = 256
_LOOK_BYTES = 256 << 20

# What data sets carry beside their pictures; anything else unknown is judged by its first bytes.
_OTHER_SUFFIXES = frozenset(
    ".txt .md .json .jsonl .csv .tsv .xml .html .htm .yaml .yml .toml .py .pdf .npy .npz .mat "
    ".wav .mp3 .ogg .flac .mp4 .mov .avi .mkv .webm .zip .tar .gz .tgz .sha256 .db .ini".split()
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
        kind = f"{'color' if spec.depth > 1 else 'grey'} of {size} pixels"
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
    colored = sum(not seen.grey for seen in looks)
    among = f"of the {len(looks)} pictures looked at"
    if transparent:
        return "RGBA", f"Channels: RGBA, since {transparent} {among} are transparent in places."
    if colored:
        return "RGB", f"Channels: RGB, since {colored} {among} are in color."
    return "L", f"Channels: L, since all {len(looks)} pictures looked at are grey."
