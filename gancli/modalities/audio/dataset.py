"""Load sounds as clips of one length, decoded once and cached."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gancli.data import cache, cache_writing
from gancli.data.dataset import Dataset
from gancli.data.labels import known_labels
from gancli.data.member import first_names
from gancli.data.source import Member, Source
from gancli.data.split import MIN_ITEMS, split
from gancli.data.survey import cannot_use, decode_all, single_item
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.decode import Recording, scan
from gancli.modalities.audio.inspect import BROKEN_HINT, refuse_if_short, sound_files
from gancli.modalities.audio.reader import BadSound
from gancli.modalities.audio.spec import FRAME_MULTIPLE, PEAK, AudioSpec
from gancli.reporting import Reporter

_PROGRESS_EVERY = 100
_DECODER = 2  # part of the key of what is cached; 1 skipped sounds whose headers were not true
# Peaks of a slice, relative to that of its recording: a slice below -60 dB is left out, and one
# below -20 dB is amplified no more than one at -20 dB.
_SILENT_PEAK, _SOFT_PEAK = 1e-3, 1e-1


@dataclass
class Tally:
    """What there is to report about the files that were decoded.

    Args:
        broken: Name and problem of each file that could not be used.
        odd: Name and problem of each file that was used as far as possible.
        cut: Name and length of each file of which only the start was used.
        short: Name and length of each file shorter than the shortest clip, four frames.
        silent: Number of silent slices left out.
    """

    broken: list[tuple[str, str]] = field(default_factory=list)
    odd: list[tuple[str, str]] = field(default_factory=list)
    cut: list[tuple[str, str]] = field(default_factory=list)
    short: list[tuple[str, str]] = field(default_factory=list)
    silent: int = 0


def load(source: Source, spec: AudioSpec, config: AudioConfig, reporter: Reporter) -> Dataset:
    """Decode all sounds, or read them from the cache.

    Args:
        source: The files.
        spec: Their rate, channels, frames and classes.
        config: Gives ``holdout``, the fraction to hold out for measuring, and ``strict``.
        reporter: Receives the progress, and what was skipped, cut or padded.

    Returns:
        A dataset with ``samples``, int16, shape (items, frames * hop, channels), padded with
        zeros, each clip's peak at 0.95 (of a soft slice less); and ``lengths``, int32, shape
        (items,), the frames inside. Clips are in the order of the files, and slices of a recording
        in that of time. All slices of a recording are trained on or all are held out; with fewer
        than 20 recordings, the end of each is held out instead. The fingerprint depends on
        samples, names and labels alone.

    Raises:
        GancliError: There are fewer than two clips, or most files cannot be used, or with
            ``strict`` any.
    """
    members = sound_files(source)
    ignored = len(source.members) - len(members)
    if ignored:
        reporter.note(f"Ignored {ignored:,} files that are not sounds.")
    listing = [(member.name, member.size, member.mtime) for member in members]
    entry = cache.key(
        "audio", _DECODER, source.stamp, listing, spec.rate, spec.channels, spec.hop, spec.frames,
        spec.ends, spec.trim,
    )
    cached = cache.find(entry)
    if cached is None:
        cached = _decode(entry, source, members, spec, config.strict, reporter)
    arrays, extra = cached
    tally = _tally_from_table(extra["tally"])
    if config.strict and (problems := sorted(tally.broken + tally.odd)):
        raise cannot_use(*problems[0])
    _report(tally, len(members), spec, reporter)
    samples, lengths, files = (arrays[name] for name in ("samples", "lengths", "files"))
    if len(samples) < 2:
        raise single_item("clip", str(source.path))
    if all(np.array_equal(samples[0], other) for other in samples[1:]):
        reporter.warn(f"All {len(samples):,} clips are identical.")
    used, recordings = np.unique(files, return_inverse=True)
    names = [members[file].name for file in used]
    file_labels = (
        known_labels(source, names, spec.classes, config.labels) if spec.classes else None
    )
    if spec.classes and file_labels is None:
        reporter.warn("The data does not have the model's classes, so it is used without classes.")
    labels = None if file_labels is None else file_labels[recordings]
    train, held_out = _split(recordings, names, config.holdout, reporter)
    if len(held_out) == len(samples):
        reporter.note(f"No clips are held out: scores compare with all {len(samples):,} of them.")
    fingerprint = cache.key(
        "audio", cache.checksum(samples.view(np.uint8)), lengths.tolist(), recordings.tolist(),
        names, None if file_labels is None else file_labels.tolist(),
    )
    return Dataset(
        {"samples": samples, "lengths": lengths}, labels, train, held_out, fingerprint
    )


def _decode(
    entry: str, source: Source, members: list[Member], spec: AudioSpec, strict: bool,
    reporter: Reporter,
) -> tuple[dict[str, np.ndarray], Any]:
    """Decode all files into a cache entry.

    Returns:
        ``samples``, ``lengths`` and the number of its file, ``files``, of each clip; and the tally.
    """
    tally = Tally()
    with cache_writing.Appender(entry, reporter) as out:

        def decode(index: int, member: Member) -> None:
            for clip, length in _clips(member, spec, tally):
                out.append("samples", clip[None])
                out.append("lengths", np.array([length], np.int32))
                out.append("files", np.array([index], np.int32))
            if strict and tally.odd:
                raise BadSound(tally.odd[0][1])

        tally.broken = decode_all(
            source, members, decode, strict, reporter, _PROGRESS_EVERY, "sounds", BROKEN_HINT
        )
        extra = {"tally": vars(tally)}
        return out.finish(extra), extra


def _clips(member: Member, spec: AudioSpec, tally: Tally) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the clips of a file, int16, shape (frames * hop, channels), and the frames inside."""
    recording = scan(member, spec.rate, spec.channels, spec.trim)
    refuse_if_short(recording, spec.hop)
    if recording.remark:
        tally.odd.append((member.name, recording.remark))
    seconds = f"{recording.length / spec.rate:.2f} s"
    if recording.length < FRAME_MULTIPLE * spec.hop:
        tally.short.append((member.name, seconds))
    if spec.ends and recording.length > spec.samples:
        tally.cut.append((member.name, seconds))
    silent = True
    for clip in _first_clip(recording, spec) if spec.ends else slices(recording, spec.samples):
        peak = float(np.abs(clip).max())
        if peak < _SILENT_PEAK:
            tally.silent += not spec.ends
            continue
        silent = False
        gain = PEAK / max(peak, _SOFT_PEAK) * np.iinfo(np.int16).max
        padded = np.zeros((spec.samples, spec.channels), np.int16)
        padded[: len(clip)] = np.rint(clip * gain)
        frames = max(FRAME_MULTIPLE, -(-len(clip) // spec.hop)) if spec.ends else spec.frames
        yield padded, min(frames, spec.frames)
    if silent:
        raise BadSound(f"its first {spec.seconds:.2f} s are silent")


def _first_clip(recording: Recording, spec: AudioSpec) -> Iterator[np.ndarray]:
    """Yield a recording as a single clip, cut to the length of the longest."""
    pieces, count = [], 0
    for piece in recording.pieces():
        pieces.append(piece[: spec.samples - count])
        count += len(pieces[-1])
        if count >= spec.samples:
            break
    yield np.concatenate(pieces)


def slices(recording: Recording, size: int) -> Iterator[np.ndarray]:
    """Yield slices that overlap by half; the last one ends with the recording.

    Args:
        recording: The recording; one shorter than a slice is yielded whole.
        size: Samples in a slice, an even number.
    """
    half = size // 2
    last = np.zeros((0, recording.channels), np.float32)
    pending = last
    for piece in recording.pieces():
        pending = np.concatenate([pending, piece])
        while len(pending) >= size:
            last = pending[:size]
            yield last
            pending = pending[half:]
    # After a slice, the first half of what is pending is also the second half of that slice.
    if not len(last):
        yield pending
    elif len(pending) > size - half:
        yield np.concatenate([last[:half], pending])[-size:]


def _split(
    recordings: np.ndarray, names: list[str], holdout: float, reporter: Reporter
) -> tuple[np.ndarray, np.ndarray]:
    """Divide clips by recording, or a few long recordings by time.

    Args:
        recordings: Number of each clip's recording, ascending, shape (clips,).
        names: Name of each recording.
        holdout: Fraction to hold out.
        reporter: Receives a note on clips that are in neither half.

    Returns:
        Indices of clips to train on and of clips held out, int64.
    """
    clips = np.arange(len(recordings), dtype=np.int64)
    if len(names) >= MIN_ITEMS or holdout <= 0 or len(recordings) < MIN_ITEMS:
        train, held_out = split(names, holdout)
        return clips[np.isin(recordings, train)], clips[np.isin(recordings, held_out)]
    counts = np.bincount(recordings)
    from_end = counts[recordings] - (clips - np.searchsorted(recordings, recordings)) - 1
    held_counts = np.rint(counts * holdout).astype(np.int64)[recordings]
    overlaps = (from_end == held_counts) & (held_counts > 0)
    held = from_end < held_counts
    if not held.any():
        return clips, clips
    reporter.note(
        f"Held out: the ends of {int(overlaps.sum()):,} recordings, {int(held.sum()):,} slices; "
        f"{int(overlaps.sum()):,} that overlap with them are not trained on."
    )
    return clips[~held & ~overlaps], clips[held]


def _tally_from_table(table: Mapping[str, Any]) -> Tally:
    """Return a tally from its JSON form, where pairs are lists."""
    pairs = {
        kind: [(name, problem) for name, problem in table[kind]]
        for kind in ("broken", "odd", "cut", "short")
    }
    return Tally(**pairs, silent=int(table["silent"]))


def _report(tally: Tally, count: int, spec: AudioSpec, reporter: Reporter) -> None:
    """Report what was skipped, cut or padded."""
    if tally.broken:
        reporter.warn(
            f"Skipped {len(tally.broken):,} of {count:,} sounds: {first_names(tally.broken)}."
        )
    if tally.odd:
        reporter.warn(
            f"Used {len(tally.odd):,} of {count:,} sounds as far as possible: "
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
            f"{FRAME_MULTIPLE * spec.hop / spec.rate:.2f} s: {first_names(tally.short)}."
        )
    if tally.silent:
        reporter.note(f"Left out {tally.silent:,} silent slices.")
