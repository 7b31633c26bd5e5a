"""Pictures, decoded once into a single array."""

import numpy as np

from gancli.data import cache
from gancli.data.dataset import Dataset
from gancli.data.labels import known_labels
from gancli.data.member import first_names
from gancli.data.source import Member, Source
from gancli.data.split import split
from gancli.data.survey import cannot_use, decode_all, single_item
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.decode import MAX_BYTES, decode
from gancli.modalities.image.inspect import BROKEN_HINT, pictures
from gancli.modalities.image.spec import ImageSpec
from gancli.reporting import Reporter

_PROGRESS_EVERY = 500


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
    ignored = len(source.members) - len(members)
    if ignored:
        reporter.note(f"Ignored {ignored:,} files that are not pictures.")
    pixels, broken = _pixels(source, members, spec, config.strict, reporter)
    if broken:
        reporter.warn(
            f"Skipped {len(broken):,} of {len(members):,} pictures: {first_names(broken)}."
        )
    skipped = {name for name, _ in broken}
    names = [member.name for member in members if member.name not in skipped]
    if len(names) < 2:
        raise single_item("picture", str(source.path))
    if all(np.array_equal(pixels[0], other) for other in pixels[1:]):
        reporter.warn(f"All {len(names):,} pictures are identical.")
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


def _pixels(
    source: Source, members: list[Member], spec: ImageSpec, strict: bool, reporter: Reporter
) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Return the readable pictures, and the name and problem of each of the others."""
    listing = [(member.name, member.size, member.mtime) for member in members]
    entry = cache.key("images", source.stamp, listing, spec.size, spec.channels, spec.fit)
    cached = cache.find(entry)
    if cached:
        pixels = cached[0]
        broken = [(name, problem) for name, problem in cached[1]["broken"]]
        if strict and broken:
            raise cannot_use(*broken[0])
        return pixels, broken
    with cache.Writer(
        entry, len(members), (spec.size, spec.size, spec.depth), reporter
    ) as writer:

        def put(index: int, member: Member) -> None:
            data = member.read(MAX_BYTES)
            writer.put(index, decode(data, spec.channels, spec.size, spec.fit))

        broken = decode_all(
            source, members, put, strict, reporter, _PROGRESS_EVERY, "pictures", BROKEN_HINT
        )
        return writer.finish({"broken": broken}), broken
