"""Determine the spec of a set of sounds from some of its files."""

import math
from collections import Counter
from statistics import median_low

import numpy as np

from gancli.data.claims import claimed
from gancli.data.labels import find_labels
from gancli.data.source import Member, Source
from gancli.data.survey import COMPANION_SUFFIXES, no_files, survey
from gancli.data.tables import whole
from gancli.errors import UsageError
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.decode import Recording, scan
from gancli.modalities.audio.reader import (
    HEAD_BYTES,
    SUFFIXES,
    BadSound,
    Header,
    is_sound,
    read_header,
)
from gancli.modalities.audio.spec import (
    FRAME_MULTIPLE,
    MAX_BINS,
    MAX_FRAMES,
    MAX_HOP,
    MAX_RATE,
    MIN_BINS,
    MIN_HOP,
    MIN_RATE,
    MIN_STD,
    PEAK,
    AudioSpec,
)

BROKEN_HINT = (
    "Is this the right folder? Remove the broken files, or convert them to WAV or FLAC."
)

# Defaults that two CPU cores can train on.
_MAX_AUTO_RATE, _DEFAULT_RATE = 24_000, 16_000  # Hz; data above the first is brought to the second
_MAX_AUTO_SECONDS = 1.5
_HOP_SECONDS = 0.016
_MIN_FRAMES = 8

# How much of the data is examined.
_MAX_HEADERS, _MAX_SCANS, _MAX_SAMPLES = 2000, 200, 1 << 26
_SCAN_SECONDS = 10.0  # of each file

# Files of these kinds are ignored; those of other unknown suffixes are judged by their first bytes.
_OTHER_SUFFIXES = COMPANION_SUFFIXES | {
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".mid", ".midi", ".lab",
    ".textgrid",
}


def sound_files(source: Source) -> list[Member]:
    """Return the files that claim to be sounds, by suffix or else by their first bytes.

    Raises:
        GancliError: There are none.
    """
    members = claimed(source, SUFFIXES, _OTHER_SUFFIXES, HEAD_BYTES, is_sound)
    if not members:
        endings = ".wav, .flac, .ogg, .opus, .mp3, .aiff, .au, .caf or .w64"
        raise no_files("sounds", source, f"The names of sounds end with {endings}.")
    return members


def inspect(source: Source, config: AudioConfig) -> tuple[AudioSpec, list[str]]:
    """Examine evenly spaced files and determine what the config leaves open.

    The headers of up to 2,000 files give the sample rate. The first seconds of up to 200 files
    are decoded for the length of clips and for the mean and standard deviation of their log-mel.

    Args:
        source: The files.
        config: Its options ``rate``, ``length``, ``hop`` and ``bins`` are determined from the
            data where they are None.

    Returns:
        The spec, and a sentence for each choice.

    Raises:
        UsageError: An option is out of bounds, or ``labels = "folders"`` finds no classes.
        GancliError: There are no sounds, or most of those examined cannot be used.
    """
    members = sound_files(source)
    channels = config.channels
    headers = survey(source, members, _MAX_HEADERS, read_header, "sounds", BROKEN_HINT)
    rate, rate_reason = _choose_rate(headers, config.rate)
    hop, window, bins, frame_reason = _choose_frame(rate, config.hop, config.bins)
    limit = round(max(_SCAN_SECONDS, 2 * _max_seconds(config.length, rate, hop)) * rate)
    recordings = _scan(source, members, rate, channels, config.trim, limit, hop)
    frames, ends, length_reason = _choose_length(recordings, config.length, rate, hop)
    max_samples = frames * hop if ends else limit
    clips = [_first_samples(recording, max_samples) for recording in recordings]
    mean, std = _rounded_statistics(clips, rate, hop, window, bins)
    names = [member.name for member in members]
    classes, labels, classes_reason = find_labels(source, names, config.labels)
    counts = () if labels is None else np.bincount(labels, minlength=len(classes)).tolist()
    spec = AudioSpec(
        rate, channels, hop, window, bins, frames, ends, config.trim, mean, std, classes,
        tuple(counts), len(members),
    )
    trim_reason = (
        "Silence at both ends of each file is trimmed." if config.trim
        else "Silence at the ends of each file is kept, as requested."
    )
    return spec, [
        rate_reason, _channels_reason(headers, channels), length_reason, trim_reason,
        frame_reason, classes_reason,
    ]


def _choose_rate(headers: list[Header], requested: int | None) -> tuple[int, str]:
    """Return the sample rate in Hz, and a sentence."""
    counts = Counter(header.rate for header in headers)
    # The highest of equally common ones.
    usual = max(counts, key=lambda rate: (counts[rate], rate))
    files = f"{counts[usual]:,} of the {len(headers):,} files examined"
    if requested is not None:
        if not whole(requested, MIN_RATE, MAX_RATE):
            raise UsageError(
                f"The sample rate cannot be {requested} Hz.",
                f"Choose one from {MIN_RATE} to {MAX_RATE}, such as 16000.",
            )
        return requested, f"Rate: {requested:,} Hz; {files} have {usual:,} Hz."
    if usual > _MAX_AUTO_RATE:
        return _DEFAULT_RATE, (
            f"Rate: {_DEFAULT_RATE:,} Hz; {files} have {usual:,} Hz, which trains slowly without "
            f"a GPU (--rate {usual} keeps it)."
        )
    if usual < MIN_RATE:
        return MIN_RATE, f"Rate: {MIN_RATE:,} Hz, the minimum; {files} have {usual:,} Hz."
    if len(counts) == 1:
        return usual, f"Rate: {usual:,} Hz, that of all {len(headers):,} files examined."
    return usual, f"Rate: {usual:,} Hz, that of {files}; the others are resampled."


def _channels_reason(headers: list[Header], channels: int) -> str:
    stereo = sum(header.channels > 1 for header in headers)
    if channels == 2:
        mono = "" if stereo == len(headers) else "; mono is duplicated"
        return f"Channels: 2{mono}."
    if stereo:
        return (
            f"Channels: 1, mixed; {stereo:,} of the {len(headers):,} files examined have more "
            "(--channels 2 keeps two)."
        )
    return "Channels: 1."


def _choose_frame(rate: int, hop: int | None, bins: int | None) -> tuple[int, int, int, str]:
    """Return hop and window in samples, the number of mel bands, and a sentence."""
    if hop is None:
        nearest = 2 ** round(math.log2(rate * _HOP_SECONDS))
        hop = min(max(nearest, MIN_HOP), MAX_HOP)
    elif not whole(hop, MIN_HOP, MAX_HOP):
        raise UsageError(
            f"The hop cannot be {hop} samples.", f"Choose from {MIN_HOP} to {MAX_HOP}."
        )
    window = 4 * (1 << (hop - 1).bit_length())
    max_bins = min(MAX_BINS, window // 4)
    if bins is None:
        bins = min(64 if rate <= 8000 else 80, window // 4)
    elif not whole(bins, MIN_BINS, max_bins):
        raise UsageError(
            f"There cannot be {bins} mel bands at a hop of {hop} samples.",
            f"Choose from {MIN_BINS} to {max_bins}.",
        )
    reason = f"Frames: every {hop / rate * 1000:.3g} ms ({hop} samples), {bins} mel bands."
    return hop, window, bins, reason


def _max_seconds(requested: float | None, rate: int, hop: int) -> float:
    """Return the requested length in seconds, or the default."""
    if requested is None:
        return _MAX_AUTO_SECONDS
    limit = MAX_FRAMES * hop / rate
    if not 0 < requested <= limit:  # also true of NaN
        raise UsageError(
            f"The length cannot be {requested:g} seconds.",
            f"Choose one up to {limit:.0f} seconds.",
        )
    return requested


def _scan(
    source: Source, members: list[Member], rate: int, channels: int, trim: bool, limit: int,
    hop: int,
) -> list[Recording]:
    """Decode about ``limit`` samples of each of evenly spaced files; return them by name."""

    def examine(member: Member) -> Recording:
        recording = scan(member, rate, channels, trim, limit)
        refuse_if_short(recording, hop)
        return recording

    max_files = min(_MAX_SCANS, max(16, _MAX_SAMPLES // (limit * channels)))
    recordings = survey(source, members, max_files, examine, "sounds", BROKEN_HINT)
    return sorted(recordings, key=lambda recording: recording.member.name)


def refuse_if_short(recording: Recording, hop: int) -> None:
    """Check that a recording is at least ``hop`` samples long.

    Raises:
        BadSound: It is shorter.
    """
    if recording.length < hop:
        samples = "1 sample" if recording.length == 1 else f"{recording.length} samples"
        raise BadSound(f"it is too short: {samples}, less than the hop of {hop}")


def _choose_length(
    recordings: list[Recording], requested: float | None, rate: int, hop: int
) -> tuple[int, bool, str]:
    """Return the number of frames, whether clips have ends of their own, and a sentence."""
    lengths = sorted(recording.length / rate for recording in recordings)
    median, percentile_99 = median_low(lengths), lengths[math.ceil(0.99 * len(lengths)) - 1]
    limit = _max_seconds(requested, rate, hop)
    ends = median <= limit
    seconds = min(percentile_99, limit) if ends and requested is None else limit
    frames = FRAME_MULTIPLE * math.ceil(round(seconds * rate / hop / FRAME_MULTIPLE, 6))
    frames = min(max(frames, _MIN_FRAMES), MAX_FRAMES)
    length = f"{frames * hop / rate:.2f} s ({frames} frames)"
    if not ends:
        reason = f"since half of the recordings are longer than {limit:g} s"
    elif percentile_99 <= limit:
        reason = f"which holds 99 of 100 clips; the median is {median:.2f} s"
    else:
        reason = f"the maximum without --length; the median is {median:.2f} s"
    if requested is not None:
        reason = "as requested"
    if not ends:
        return frames, ends, f"Length: slices of {length} that overlap by half, {reason}."
    return frames, ends, f"Length: up to {length}, {reason}; the model learns where clips end."


def _first_samples(recording: Recording, count: int) -> np.ndarray:
    """Return at most ``count`` samples from the start, scaled to the peak of a loaded clip."""
    pieces: list[np.ndarray] = []
    for piece in recording.pieces():
        pieces.append(piece[:count])
        count -= len(piece)
        if count <= 0:
            break
    return np.float32(PEAK) * np.concatenate(pieces)


def _rounded_statistics(
    clips: list[np.ndarray], rate: int, hop: int, window: int, bins: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and std of the log-mel, rounded so that they are the same on any machine."""
    from gancli.modalities.audio.mel import statistics  # needs torch

    mean, std = statistics(clips, rate, hop, window, bins)
    return (
        tuple(round(float(value), 4) for value in mean),
        tuple(max(round(float(value), 4), MIN_STD) for value in std),
    )
