"""Choosing the size, channels and classes of a set of pictures from some of them."""

from statistics import median_low
from typing import cast

import numpy as np

from gancli.data.claims import claimed
from gancli.data.labels import find_labels
from gancli.data.source import Member, Source
from gancli.data.survey import COMPANION_SUFFIXES, no_files, survey
from gancli.data.tables import whole
from gancli.errors import UsageError
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.decode import (
    HEAD_BYTES,
    MAX_BYTES,
    SUFFIXES,
    ImageInfo,
    image_info,
    is_image,
)
from gancli.modalities.image.spec import MAX_SIZE, MIN_SIZE, Channels, Fit, ImageSpec

MAX_AUTO_SIZE = 64  # pixels of a side, unless --size asks for more
BROKEN_HINT = "Is this the right folder? Remove the broken files, or convert them to PNG."

_MAX_EXAMINED = 256

# Files of these kinds are ignored; those of other unknown suffixes are judged by their first bytes.
_OTHER_SUFFIXES = COMPANION_SUFFIXES | {".wav", ".mp3", ".ogg", ".flac"}


def pictures(source: Source) -> list[Member]:
    """Return the files that claim to be pictures, by suffix or else by their first bytes.

    Raises:
        GancliError: There are none.
    """
    members = claimed(source, SUFFIXES, _OTHER_SUFFIXES, HEAD_BYTES, is_image)
    if not members:
        endings = ", ".join(sorted(SUFFIXES))
        raise no_files("pictures", source, f"The names of pictures end with {endings}.")
    return members


def inspect(source: Source, config: ImageConfig) -> tuple[ImageSpec, list[str]]:
    """Examine evenly spaced pictures and choose what the config leaves open.

    Returns:
        The spec, and a sentence for each choice.

    Raises:
        UsageError: The size is not a multiple of 4, or there are no ``folders`` to be classes.
        GancliError: There are no pictures, or most of those examined are broken.
    """
    members = pictures(source)
    infos = survey(
        source, members, _MAX_EXAMINED, lambda member: image_info(member.read(MAX_BYTES)),
        "pictures", BROKEN_HINT,
    )
    size, size_why = _choose_size(infos, config.size)
    channels, channels_why = _choose_channels(infos, config.channels)
    names = [member.name for member in members]
    classes, labels, classes_why = find_labels(source, names, config.labels)
    counts = () if labels is None else np.bincount(labels, minlength=len(classes)).tolist()
    spec = ImageSpec(
        size, channels, cast(Fit, config.fit), classes, tuple(counts), len(members)
    )
    return spec, [size_why, channels_why, classes_why]


def _choose_size(infos: list[ImageInfo], requested: int | None) -> tuple[int, str]:
    if requested is not None:
        if not whole(requested, MIN_SIZE, MAX_SIZE) or requested % 4:
            raise UsageError(
                f"The size cannot be {requested}.",
                f"Choose a multiple of 4 from {MIN_SIZE} to {MAX_SIZE}.",
            )
        return requested, f"Size: {requested}, as requested."
    median = median_low(info.short_side for info in infos)
    size = min(max(round(median / 4) * 4, MIN_SIZE), MAX_AUTO_SIZE)
    why = f"Size: {size}, since the median short side is {median}"
    if median > MAX_AUTO_SIZE + 2:
        why += f"; larger than {MAX_AUTO_SIZE} trains slowly without a GPU (--size sets it)"
    return size, why + "."


def _choose_channels(infos: list[ImageInfo], requested: str) -> tuple[Channels, str]:
    if requested != "auto":
        return cast(Channels, requested), f"Channels: {requested}, as requested."
    transparent = sum(info.transparent for info in infos)
    colored = sum(not info.grey for info in infos)
    examined = f"of the {len(infos)} pictures examined"
    if transparent:
        return "RGBA", f"Channels: RGBA, since {transparent} {examined} have transparent pixels."
    if colored:
        return "RGB", f"Channels: RGB, since {colored} {examined} are in color."
    return "L", f"Channels: L, since all {len(infos)} pictures examined are grey."
