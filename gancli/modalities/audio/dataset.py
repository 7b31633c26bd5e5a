"""Sounds, decoded once into clips of one length."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gancli.data import cache
from gancli.data.dataset import Dataset
from gancli.data.labels import known_labels
from gancli.data.member import BadMember, first_names
from gancli.data.source import Member, Source
from gancli.data.split import MIN_ITEMS, split
from gancli.errors import GancliError
from gancli.modalities.audio.decode import BadSound, Recording, scan
from gancli.modalities.audio.inspect import refuse_if_most, refuse_if_short, sounds
from gancli.modalities.audio.spec import LEVEL, ROUND, AudioSpec
from gancli.reporting import Reporter

_PROGRESS_EVERY = 100
# A slice of a recording: below -60 dB of its peak it is left out, below -20 dB made no louder.
_SILENT_SLICE, _SOFT_SLICE = 1e-3, 1e-1


@dataclass
class Tally:
    """What was met on the way, each with the file's name.

    Args:
        broken: Files that could not be used, and why.
        odd: Files that were used although something is wrong with them, and what.
        cut: Files of which only the start was taken.
        short: Files of less than a step of the generator.
        silent: Number of silent slices.
    """

    broken: list[tuple[str, str]] = field(default_factory=list)
    odd: list[tuple[str, str]] = field(default_factory=list)
    cut: list[tuple[str, str]] = field(default_factory=list)
    short: list[tuple[str, str]] = field(default_factory=list)
    silent: int = 0


def load(source: Source, spec: AudioSpec, config: Any, reporter: Reporter) -> Dataset:
    """Decode all sounds, or read them from the cache.

    Args:
        source: The files.
        spec: Their rate, channels, frames and classes.
        config: Has ``holdout`` (share kept for measuring) and ``strict``.
        reporter: Hears what was skipped or cut and how far it has come.

    Returns:
        A dataset with ``samples``, int16, shape (items, frames * hop, channels), padded with
        zeros, each clip's peak at 0.95 (of a soft slice less); and ``lengths``, int32, shape
        (items,), the frames inside. Clips lie in the order of the files, slices of a recording
        in that of time, and these are all trained on or all held out, but where there are fewer
        than 20 recordings: there the ends of each are held out. The fingerprint depends on
        samples, names and labels alone.

    Raises:
        GancliError: Fewer than two clips can be had, or most files cannot be used, or with
            ``strict`` any.
    """
    members = sounds(source)
    ignored = len(source.members) - len(members)
    if ignored:
        reporter.note(f"Ignored {ignored:,} files that are no sounds.")
    listing = [(member.name, member.size, member.mtime) for member in members]
    entry = cache.key(
        "audio", source.stamp, listing, spec.rate, spec.channels, spec.hop, spec.frames, spec.ends,
        spec.trim,
    )
    found = cache.find(entry)
    if found is None:
        found = _decode(entry, source, members, spec, config.strict, reporter)
    stored, extra = found
    tally = _tally(extra["tally"])
    if config.strict and (wrong := sorted(tally.broken + tally.odd)):
        raise _stopped(*wrong[0])
    _say(tally, len(members), spec, reporter)
    samples, lengths, files = _parts(stored, int(extra["clips"]), spec)
    if len(samples) < 2:
        raise GancliError(
            f"There is a single clip in {str(source.path)!r}, and nothing to learn from it.",
            "Give at least two; a few hundred make a fair start.",
        )
    if all(np.array_equal(samples[0], other) for other in samples[1:]):
        reporter.warn(f"All {len(samples):,} clips are identical.")
    used, rows = np.unique(files, return_inverse=True)
    names = [members[file].name for file in used]
    by_file = known_labels(names, spec.classes) if spec.classes else None
    if spec.classes and by_file is None:
        reporter.warn("The data has no class folders, so it is taken without classes.")
    labels = None if by_file is None else by_file[rows]
    train, held_out = _split(rows, names, config.holdout, reporter)
    if len(held_out) == len(samples):
        reporter.note(f"Nothing is held out: measured against the same {len(samples):,} clips.")
    fingerprint = cache.key(
        "audio", cache.checksum(samples.view(np.uint8)), lengths.tolist(), rows.tolist(), names,
        None if by_file is None else by_file.tolist(),
    )
    return Dataset(
        {"samples": samples, "lengths": lengths}, labels, train, held_out, fingerprint
    )


def _decode(
    entry: str, source: Source, members: list[Member], spec: AudioSpec, strict: bool,
    reporter: Reporter,
) -> tuple[np.ndarray, Any]:
    """Write the clips of all files one after the other, and what belongs to each at the end."""
    places = {member.name: place for place, member in enumerate(members)}
    tally = Tally()
    lengths: list[int] = []
    files: list[int] = []
    done = 0
    with cache.Appender(entry, reporter) as out:
        for member, _ in source.stream():
            if member.name not in places:
                continue
            try:
                for clip, length in _clips(member, spec, tally):
                    out.append(clip)
                    lengths.append(length)
                    files.append(places[member.name])
            except (BadSound, BadMember) as error:
                if strict:
                    raise _stopped(member.name, str(error)) from error
                tally.broken.append((member.name, str(error)))
            if strict and tally.odd:
                raise _stopped(*tally.odd[0])
            done += 1
            if done % _PROGRESS_EVERY == 0 or done == len(members):
                reporter.progress("decoding", done, len(members))
        refuse_if_most(tally.broken, len(members))
        for numbers in (lengths, files):
            out.append(np.array(numbers, np.int32))
        extra = {"clips": len(lengths), "tally": vars(tally)}
        return out.finish(extra), extra


def _clips(member: Member, spec: AudioSpec, tally: Tally) -> Iterator[tuple[np.ndarray, int]]:
    """Return the clips of a file, int16, shape (frames * hop, channels), and frames inside."""
    recording = scan(member, spec.rate, spec.channels, spec.trim)
    refuse_if_short(recording, spec.hop)
    if recording.remark:
        tally.odd.append((member.name, recording.remark))
    seconds = f"{recording.length / spec.rate:.2f} s"
    if recording.length < ROUND * spec.hop:
        tally.short.append((member.name, seconds))
    if spec.ends and recording.length > spec.samples:
        tally.cut.append((member.name, seconds))
    found = False
    for clip in _first(recording, spec) if spec.ends else slices(recording, spec.samples):
        peak = float(np.abs(clip).max())
        if peak < _SILENT_SLICE:
            tally.silent += not spec.ends
            continue
        found = True
        gain = LEVEL / max(peak, _SOFT_SLICE) * np.iinfo(np.int16).max
        padded = np.zeros((spec.samples, spec.channels), np.int16)
        padded[: len(clip)] = np.rint(clip * gain)
        frames = max(ROUND, -(-len(clip) // spec.hop)) if spec.ends else spec.frames
        yield padded, min(frames, spec.frames)
    if not found:
        raise BadSound(f"its first {spec.seconds:.2f} s are silent")


def _first(recording: Recording, spec: AudioSpec) -> Iterator[np.ndarray]:
    """Return a recording as a single clip, cut at the end if need be."""
    pieces, count = [], 0
    for piece in recording.pieces():
        pieces.append(piece[: spec.samples - count])
        count += len(pieces[-1])
        if count >= spec.samples:
            break
    yield np.concatenate(pieces)


def slices(recording: Recording, size: int) -> Iterator[np.ndarray]:
    """Return slices that overlap by half; the last one ends with the recording.

    Args:
        recording: Anything; of one that is shorter than a slice it is the only one.
        size: Samples in a slice, an even number.
    """
    half = size // 2
    whole = np.zeros((0, recording.channels), np.float32)
    waiting = whole
    for piece in recording.pieces():
        waiting = np.concatenate([waiting, piece])
        while len(waiting) >= size:
            whole = waiting[:size]
            yield whole
            waiting = waiting[half:]
    # Of what waits, the first half has been in a slice, if there was one.
    if not len(whole):
        yield waiting
    elif len(waiting) > size - half:
        yield np.concatenate([whole[:half], waiting])[-size:]


def _parts(stored: np.ndarray, clips: int, spec: AudioSpec) -> tuple[np.ndarray, ...]:
    """Return samples, lengths and number of the file: what :func:`_decode` wrote."""
    shape = (clips, spec.samples, spec.channels)
    sizes = np.array([2 * math.prod(shape), 4 * clips, 4 * clips])
    samples, lengths, files = np.split(stored[: sizes.sum()], np.cumsum(sizes)[:-1])
    return samples.view(np.int16).reshape(shape), lengths.view(np.int32), files.view(np.int32)


def _split(
    rows: np.ndarray, names: list[str], holdout: float, reporter: Reporter
) -> tuple[np.ndarray, np.ndarray]:
    """Divide clips by recording, or a few long recordings by time.

    Args:
        rows: Number of each clip's recording; clips of one lie side by side.
        names: Name of each recording.
        holdout: Share to hold out.
        reporter: Hears which clips are used for neither.
    """
    everything = np.arange(len(rows), dtype=np.int64)
    if len(names) >= MIN_ITEMS or holdout <= 0 or len(rows) < MIN_ITEMS:
        train, held_out = split(names, holdout)
        return everything[np.isin(rows, train)], everything[np.isin(rows, held_out)]
    counts = np.bincount(rows)
    from_end = counts[rows] - (everything - np.searchsorted(rows, rows)) - 1
    held = np.rint(counts * holdout).astype(np.int64)[rows]
    between = (from_end == held) & (held > 0)
    mask = from_end < held
    if not mask.any():
        return everything, everything
    reporter.note(
        f"Held out: the ends of {int(between.sum()):,} recordings, {int(mask.sum()):,} slices; "
        f"{int(between.sum()):,} that overlap with them are not trained on."
    )
    return everything[~mask & ~between], everything[mask]


def _stopped(name: str, problem: str) -> GancliError:
    return GancliError(
        f"The sound {name!r} cannot be used: {problem}.",
        "Mend or remove it, or leave --strict out.",
    )


def _tally(table: Any) -> Tally:
    """Return a tally from its JSON form."""
    pairs = {
        name: [(each, problem) for each, problem in table[name]]
        for name in ("broken", "odd", "cut", "short")
    }
    return Tally(**pairs, silent=int(table["silent"]))


def _say(tally: Tally, count: int, spec: AudioSpec, reporter: Reporter) -> None:
    """Tell what was skipped, cut or padded."""
    if tally.broken:
        reporter.warn(
            f"Skipped {len(tally.broken):,} of {count:,} sounds: {first_names(tally.broken)}."
        )
    if tally.odd:
        reporter.warn(
            f"Took {len(tally.odd):,} of {count:,} sounds as far as they go: "
            f"{first_names(tally.odd)}."
        )
    if tally.cut:
        reporter.note(
            f"Cut {len(tally.cut):,} of {count:,} sounds to {spec.seconds:.2f} s: "
            f"{first_names(tally.cut)}."
        )
    if tally.short:
        reporter.note(
            f"Padded {len(tally.short):,} of {count:,} sounds to the shortest clip, "
            f"{ROUND * spec.hop / spec.rate:.2f} s: {first_names(tally.short)}."
        )
    if tally.silent:
        reporter.note(f"Left out {tally.silent:,} slices of nothing but silence.")
