"""Choosing the size, channels and classes of a set of pictures from some of them."""

from collections import Counter
from statistics import median_low
from typing import NamedTuple, cast

import numpy as np

from gancli.data.claims import claimed
from gancli.data.labels import find_labels
from gancli.data.member import BadMember, Member, quoted
from gancli.data.source import Source
from gancli.data.survey import COMPANION_SUFFIXES, no_files, survey
from gancli.data.tables import whole
from gancli.errors import GancliError, UsageError
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.decode import MAX_BYTES, ImageInfo, image_info
from gancli.modalities.image.formats import (
    HEAD_BYTES,
    Unreadable,
    is_image,
    other_suffixes,
    suffixes,
    unreadable,
    usual_suffixes,
)
from gancli.modalities.image.levels import find_ranges, parse_range
from gancli.modalities.image.spec import MAX_SIZE, MIN_SIZE, Channels, Fit, ImageSpec

MAX_AUTO_SIZE = 64  # pixels of a side, unless --size asks for more
BROKEN_HINT = "Is this the right folder? Remove the broken files, or convert them to PNG."

_MAX_EXAMINED = 256
_KINDS_SHOWN = 3


class _Examined(NamedTuple):
    name: str
    info: ImageInfo


def pictures(source: Source) -> list[Member]:
    """Return the files that claim to be pictures, by suffix or else by their first bytes.

    Files of formats that are known and cannot be read are not among them.

    Raises:
        GancliError: There are none; it says what there is instead.
    """
    others = COMPANION_SUFFIXES | other_suffixes()
    members = claimed(source, suffixes(), others, HEAD_BYTES, is_image)
    if not members:
        raise _no_pictures(source)
    return members


def left_out(source: Source, members: list[Member]) -> Counter[Unreadable]:
    """Return how many files there are of each known format that cannot be read.

    Args:
        source: All files.
        members: The pictures among them, which do not count.
    """
    names = {member.name for member in members}
    kinds = (unreadable(each.name, b"") for each in source.members if each.name not in names)
    return Counter(kind for kind in kinds if kind is not None)


def _no_pictures(source: Source) -> GancliError:
    """Return the error for a source without pictures that can be read."""
    kinds: Counter[Unreadable] = Counter()
    for member in source.in_storage_order():
        try:
            kind = unreadable(member.name, member.head(HEAD_BYTES))
        except BadMember:
            kind = unreadable(member.name, b"")
        if kind is not None:
            kinds[kind] += 1
    if not kinds:
        endings = ", ".join(usual_suffixes())
        return no_files("pictures", source, f"The names of pictures end with {endings}.")
    usual = kinds.most_common(_KINDS_SHOWN)
    listed = [f"{kind.name} ({number:,})" for kind, number in usual]
    if others := len(source.members) - sum(number for _, number in usual):
        listed.append(f"others ({others:,})")
    return GancliError(
        f"There are no pictures that can be read in {str(source.path)!r}: {', '.join(listed)}.",
        " ".join(f"{kind.name[0].upper()}{kind.name[1:]}: {kind.advice}." for kind, _ in usual),
    )


def inspect(source: Source, config: ImageConfig) -> tuple[ImageSpec, list[str]]:
    """Examine evenly spaced pictures and choose what the config leaves open.

    Returns:
        The spec, and a sentence for each choice.

    Raises:
        UsageError: The size is not a multiple of 4, the range is not one, or there are no
            ``folders`` to be classes.
        GancliError: There are no pictures, or most of those examined are broken.
    """
    requested = parse_range(config.range)
    members = pictures(source)
    examined = survey(
        source, members, _MAX_EXAMINED,
        lambda member: _Examined(member.name, image_info(member.read(MAX_BYTES))),
        "pictures", BROKEN_HINT,
    )
    infos = [each.info for each in examined]
    size, size_why = _choose_size(infos, config.size)
    channels, channels_why = _choose_channels(examined, config.channels)
    ranges, ranges_why = find_ranges([info.levels for info in infos], requested)
    names = [member.name for member in members]
    classes, labels, classes_why = find_labels(source, names, config.labels)
    counts = () if labels is None else np.bincount(labels, minlength=len(classes)).tolist()
    spec = ImageSpec(
        size, channels, cast(Fit, config.fit), classes, tuple(counts), len(members), ranges
    )
    return spec, [size_why, channels_why, *ranges_why, classes_why, *_unsound(config)]


def _unsound(config: ImageConfig) -> list[str]:
    """Return a sentence for options that do not go together, though one can train with them."""
    penalties = [name for name in ("r1", "r2", "gp") if getattr(config, name)]
    if config.d_norm != "batch" or not penalties:
        return []
    return [
        "Penalties: they limit the slope at each picture, but with --d-norm batch what the "
        "discriminator says of a picture depends on the others in its batch. Turn them off with "
        f"{' '.join(f'--{name} 0' for name in penalties)}, or use --d-norm layer."
    ]


def _choose_size(infos: list[ImageInfo], requested: int | None) -> tuple[int, str]:
    median = median_low(info.short_side for info in infos)
    if requested is not None:
        if not whole(requested, MIN_SIZE, MAX_SIZE) or requested % 4:
            raise UsageError(
                f"The size cannot be {requested}.",
                f"Choose a multiple of 4 from {MIN_SIZE} to {MAX_SIZE}.",
            )
        return requested, f"Size: {requested}; the median short side is {median}."
    size = min(max(round(median / 4) * 4, MIN_SIZE), MAX_AUTO_SIZE)
    why = f"Size: {size}, since the median short side is {median}"
    if median > MAX_AUTO_SIZE + 2:
        why += f"; larger than {MAX_AUTO_SIZE} trains slowly without a GPU (--size sets it)"
    return size, why + "."


def _choose_channels(examined: list[_Examined], requested: str) -> tuple[Channels, str]:
    """Return the channels that all but a few pictures have, and a sentence."""
    transparent = [each.name for each in examined if each.info.transparent]
    colored = [each.name for each in examined if not each.info.gray]
    few = len(examined) // 10
    channels: Channels = (
        "RGBA" if len(transparent) > few else "RGB" if len(colored) > few else "L"
    )
    of_all = f"of the {len(examined):,} pictures examined"
    if requested != "auto":
        channels, why = cast(Channels, requested), ""
    elif channels == "RGBA":
        why = f", since {len(transparent):,} {of_all} have transparent pixels"
    elif channels == "RGB":
        why = f", since {len(colored):,} {of_all} are in color"
    elif colored:
        why = f", since {len(examined) - len(colored):,} {of_all} are gray"
    else:
        why = f", since all {len(examined):,} pictures examined are gray"
    if transparent and channels != "RGBA":
        has = "has" if len(transparent) == 1 else "have"
        why += f"; {_few(transparent)} {has} transparent pixels, which become white"
        why += " (--channels RGBA keeps them)"
    if colored and channels == "L":
        is_in = "is in" if len(colored) == 1 else "are in"
        why += f"; {_few(colored)} {is_in} color and will be gray (--channels RGB keeps it)"
    return channels, f"Channels: {channels}{why}."


def _few(names: list[str]) -> str:
    """Return the number of some pictures with the first of their names."""
    return f"{len(names):,} ({quoted(sorted(names))})"
