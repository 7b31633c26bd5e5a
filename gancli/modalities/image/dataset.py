"""Pictures, decoded once into one array."""

from typing import Any, cast

import numpy as np

from gancli.data import cache
from gancli.data.dataset import Dataset
from gancli.data.labels import known_labels
from gancli.data.member import first_names
from gancli.data.source import Member, Source
from gancli.data.split import split
from gancli.errors import GancliError
from gancli.modalities.image.decode import MAX_BYTES, Channels, Fit, decode
from gancli.modalities.image.inspect import pictures, refuse_if_most
from gancli.modalities.image.spec import ImageSpec
from gancli.reporting import Reporter

_PROGRESS_EVERY = 500


def load(source: Source, spec: ImageSpec, config: Any, reporter: Reporter) -> Dataset:
    """Decode all pictures, or read them from the cache.

    Args:
        source: The files.
        spec: Their size, channels and classes.
        config: Has ``holdout`` (share kept for measuring) and ``strict``.
        reporter: Hears what was skipped and how far it has come.

    Returns:
        A dataset with ``pixels``, uint8, shape (items, size, size, depth), in the order of the
        files' names. Its fingerprint depends on pixels and names, not on dates or packing.

    Raises:
        GancliError: Fewer than two pictures can be read, or most cannot, or with ``strict`` any.
    """
    members = pictures(source)
    ignored = len(source.members) - len(members)
    if ignored:
        reporter.note(f"Ignored {ignored:,} files that are no pictures.")
    pixels, broken = _pixels(source, members, spec, config.strict, reporter)
    if broken:
        reporter.warn(
            f"Skipped {len(broken):,} of {len(members):,} pictures: {first_names(broken)}."
        )
    skipped = {name for name, _ in broken}
    names = [member.name for member in members if member.name not in skipped]
    if len(names) < 2:
        raise GancliError(
            f"There is a single picture in {str(source.path)!r}, and nothing to learn from it.",
            "Give at least two; a few hundred make a fair start.",
        )
    if all(np.array_equal(pixels[0], other) for other in pixels[1:]):
        reporter.warn(f"All {len(names):,} pictures are identical.")
    labels = known_labels(names, spec.classes) if spec.classes else None
    if spec.classes and labels is None:
        reporter.warn("The data has no class folders, so it is taken without classes.")
    train, held_out = split(names, config.holdout)
    if len(held_out) == len(names):
        reporter.note(f"Nothing is held out: measured against the same {len(names):,} pictures.")
    table = None if labels is None else labels.tolist()
    fingerprint = cache.key("images", cache.checksum(pixels), names, table)
    return Dataset({"pixels": pixels}, labels, train, held_out, fingerprint)


def _pixels(
    source: Source, members: list[Member], spec: ImageSpec, strict: bool, reporter: Reporter
) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Return the readable pictures and the name and problem of each other one."""
    listing = [(member.name, member.size, member.mtime) for member in members]
    entry = cache.key("images", source.stamp, listing, spec.size, spec.channels, spec.fit)
    cached = cache.find(entry)
    if cached:
        pixels = cached[0]
        broken = [(name, problem) for name, problem in cached[1]["broken"]]
        if strict and broken:
            raise _stopped(*broken[0])
        return pixels, broken
    places = {member.name: place for place, member in enumerate(members)}
    broken = []
    done = 0
    with cache.Writer(
        entry, len(members), (spec.size, spec.size, spec.depth), reporter
    ) as writer:
        for member, read in source.stream():
            if member.name not in places:
                continue
            try:
                picture = decode(
                    read(MAX_BYTES), cast(Channels, spec.channels), spec.size, cast(Fit, spec.fit)
                )
                writer.put(places[member.name], picture)
            except ValueError as error:  # BadImage or BadMember
                if strict:
                    raise _stopped(member.name, str(error)) from error
                broken.append((member.name, str(error)))
            done += 1
            if done % _PROGRESS_EVERY == 0 or done == len(members):
                reporter.progress("decoding", done, len(members))
        broken.sort()
        refuse_if_most(broken, len(members))
        return writer.finish({"broken": broken}), broken


def _stopped(name: str, problem: str) -> GancliError:
    return GancliError(
        f"The picture {name!r} cannot be read: {problem}.",
        "Mend or remove it, or leave --strict out to skip such files.",
    )
