"""Pictures, decoded once into a single array."""

import dataclasses
from typing import TypeAlias

import numpy as np

from gancli.data import cache, cache_writing
from gancli.data.dataset import Dataset
from gancli.data.labels import known_labels
from gancli.data.member import first_names, quoted
from gancli.data.source import Member, Source
from gancli.data.split import split
from gancli.data.survey import cannot_use, decode_all, single_item
from gancli.errors import GancliError
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.decode import MAX_BYTES, Trait, decode
from gancli.modalities.image.inspect import BROKEN_HINT, left_out, pictures
from gancli.modalities.image.levels import nominal, show
from gancli.modalities.image.spec import ImageSpec, NumberKind
from gancli.reporting import Reporter

_PROGRESS_EVERY = 500
_NAMES_SHOWN = 3
_SAMPLED_VALUES = 1 << 21
_SPLIT_THEM = (
    "To use them all, write each to a file: magick in.tif page-%04d.png, or "
    "ffmpeg -i in.gif frame-%04d.png."
)

# How many pictures have a trait, and the first of their names.
_Traits: TypeAlias = dict[Trait, tuple[int, list[str]]]


def load(source: Source, spec: ImageSpec, config: ImageConfig, reporter: Reporter) -> Dataset:
    """Decode all pictures, or read them from the cache.

    Args:
        source: The files.
        spec: Size, channels and classes.
        config: Of its options, ``holdout`` and ``strict`` matter here.
        reporter: Receives the progress and what was skipped.

    Returns:
        A dataset with ``pixels``, uint8, shape (items, size, size, depth), in the order of the
        file names. Its fingerprint depends on pixels and names, not on dates or the archive.

    Raises:
        GancliError: Fewer than two pictures can be read, or less than half of them, or with
            ``strict`` not all.
    """
    members = pictures(source)
    _tell_left_out(source, members, config.strict, reporter)
    pixels, broken, traits = _pixels(source, members, spec, config.strict, reporter)
    if broken:
        reporter.warn(
            f"Skipped {len(broken):,} of {len(members):,} pictures: {first_names(broken)}."
        )
    skipped = {name for name, _ in broken}
    names = [member.name for member in members if member.name not in skipped]
    if len(names) < 2:
        advice = f" It has several frames or pages. {_SPLIT_THEM}" if "frames" in traits else ""
        raise single_item("picture", str(source.path), advice)
    _tell(traits, len(names), config, reporter)
    if all(np.array_equal(pixels[0], other) for other in pixels[1:]):
        reporter.warn(f"All {len(names):,} pictures are identical.")
    elif problem := _dull(pixels, traits, spec):
        reporter.warn(problem)
    labels = (
        known_labels(source, names, spec.classes, config.labels) if spec.classes else None
    )
    if spec.classes and labels is None:
        reporter.warn("The data does not have the model's classes, so it is used without classes.")
    train, held_out = split(names, config.holdout)
    if len(held_out) == len(names):
        reporter.note(f"No pictures are held out: scores compare with all {len(names):,} of them.")
    label_list = None if labels is None else labels.tolist()
    fingerprint = cache.key("images", cache.checksum(pixels), names, label_list)
    return Dataset({"pixels": pixels}, labels, train, held_out, fingerprint)


def _tell_left_out(
    source: Source, members: list[Member], strict: bool, reporter: Reporter
) -> None:
    """Report the files that are not read."""
    ignored = len(source.members) - len(members)
    for kind, count in left_out(source, members).items():
        if not kind.pictures:
            continue
        if strict:
            raise GancliError(
                f"Among the files are {kind.name} ({count:,}), which cannot be read.",
                f"Leave out --strict to go on without them, or {kind.advice}.",
            )
        reporter.warn(
            f"Left out, since they cannot be read: {kind.name} ({count:,}); {kind.advice}."
        )
        ignored -= count
    if ignored:
        are = "file that is not a picture" if ignored == 1 else "files that are not pictures"
        reporter.note(f"Ignored {ignored:,} {are}.")


def _tell(traits: _Traits, count: int, config: ImageConfig, reporter: Reporter) -> None:
    """Report everything in so many files that is not in the pixels."""
    named = {trait: _named(*counted) for trait, counted in traits.items()}
    if "frames" in named:
        reporter.warn(
            f"Only the first frame or page is used of {named['frames']}. {_SPLIT_THEM}"
        )
    if "dim" in named:
        reporter.warn(
            f"Less than a sixteenth of the range from black to white is used by {named['dim']}. "
            "If their numbers are on another scale than the others', convert them."
        )
    if "clipped" in named:
        say = reporter.warn if config.range == "auto" else reporter.note
        say(f"Numbers far beyond the range are clipped in {named['clipped']} (--range).")
    if "invalid" in named:
        reporter.note(f"Numbers that are missing or not finite are black in {named['invalid']}.")
    if config.channels == "auto" and "alpha" in named:
        reporter.note(f"Transparent pixels are white in {named['alpha']} (--channels RGBA).")
    if config.channels == "auto" and "color" in named:
        # In more than a few only where the model that a training starts from has none.
        say = reporter.warn if traits["color"][0] > count // 10 else reporter.note
        say(f"Color is lost in {named['color']} (--channels RGB keeps it).")


def _named(count: int, names: list[str]) -> str:
    return f"{count:,} {'picture' if count == 1 else 'pictures'}: {quoted(names, count)}"


def _dull(pixels: np.ndarray, traits: _Traits, spec: ImageSpec) -> str:
    """Return a warning if nearly all values are within a quarter of those that there are."""
    sample = pixels[:: max(1, pixels.size // _SAMPLED_VALUES)]
    if spec.channels == "RGBA":
        sample = sample[..., :3]
    darkest, brightest = np.percentile(sample, [0.1, 99.9])
    if brightest - darkest >= 64:
        return ""
    kinds: list[NumberKind] = ["eight_bit", "integer", "floating"]
    kind = max(kinds, key=lambda each: traits.get(each, (0,))[0])
    low, high = spec.ranges.of(kind)
    used = [low + value / 255 * (high - low) for value in (darkest, brightest)]
    better = nominal(used[:1], used[1:], kind != "floating")
    return (
        f"The pictures use little of the range {show((low, high))} from black to white: almost all "
        f"of their numbers are in {show((used[0], used[1]))} "
        f"(--range {better[0]:g}:{better[1]:g} would stretch them)."
    )


def _pixels(
    source: Source, members: list[Member], spec: ImageSpec, strict: bool, reporter: Reporter
) -> tuple[np.ndarray, list[tuple[str, str]], _Traits]:
    """Return the readable pictures, name and problem of each of the others, and their traits."""
    listing = [(member.name, member.size, member.mtime) for member in members]
    ranges = dataclasses.astuple(spec.ranges)
    entry = cache.key("images", source.stamp, listing, spec.size, spec.channels, spec.fit, ranges)
    cached = cache.find(entry)
    if cached:
        pixels, extra = cached[0][cache_writing.ITEMS], cached[1]
        broken = [(name, problem) for name, problem in extra["broken"]]
        if strict and broken:
            raise cannot_use(*broken[0])
        traits: _Traits = {name: (count, names) for name, (count, names) in extra["traits"].items()}
        return pixels, broken, traits
    traits = {}
    with cache_writing.Writer(
        entry, len(members), (spec.size, spec.size, spec.depth), reporter
    ) as writer:

        def put(index: int, member: Member) -> None:
            data = member.read(MAX_BYTES)
            decoded = decode(data, spec.channels, spec.size, spec.fit, spec.ranges)
            writer.put(index, decoded.pixels)
            for trait in decoded.traits:
                count, names = traits.get(trait, (0, []))
                traits[trait] = count + 1, sorted([*names, member.name])[:_NAMES_SHOWN]

        broken = decode_all(
            source, members, put, strict, reporter, _PROGRESS_EVERY, "pictures", BROKEN_HINT
        )
        return writer.finish({"broken": broken, "traits": traits}), broken, traits
