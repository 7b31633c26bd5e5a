"""Finding what a set of sounds fixes, by listening to some of it."""

import math
from collections import Counter
from statistics import median_low
from typing import Any

import numpy as np

from gancli.data.claims import claimed
from gancli.data.labels import find_labels
from gancli.data.member import BadMember, first_names
from gancli.data.source import Member, Source
from gancli.data.tables import whole
from gancli.errors import GancliError, UsageError
from gancli.modalities.audio.decode import (
    HEAD_BYTES,
    SUFFIXES,
    BadSound,
    Header,
    Recording,
    is_sound,
    look,
    scan,
)
from gancli.modalities.audio.mel import statistics
from gancli.modalities.audio.spec import (
    HIGHEST_RATE,
    LEVEL,
    LOWEST_RATE,
    MAX_BINS,
    MAX_FRAMES,
    MAX_HOP,
    MIN_BINS,
    MIN_DEVIATION,
    MIN_HOP,
    ROUND,
    AudioSpec,
)

# What training on two cores can do, and a person does not have to know.
_HIGHEST_AUTO_RATE, _USUAL_RATE = 24_000, 16_000
_LONGEST_AUTO_S = 1.5
_FRAME_S = 0.016
_MIN_FRAMES = 8

# How much is listened to.
_HEADERS, _SCANS, _BYTES, _SCAN_S = 2000, 200, 256 << 20, 10.0
_SAMPLES = 1 << 26

# What data sets carry beside their sounds; anything else unknown is judged by its first bytes.
_OTHER_SUFFIXES = frozenset(
    ".txt .md .json .jsonl .csv .tsv .xml .html .htm .yaml .yml .toml .py .pdf .npy .npz .mat "
    ".png .jpg .jpeg .gif .webp .bmp .tif .tiff .mp4 .mov .avi .mkv .webm .mid .midi .zip .tar "
    ".gz .tgz .sha256 .db .ini .lab .textgrid".split()
)


def sounds(source: Source) -> list[Member]:
    """Return the files that claim to be sounds, by suffix or else by their first bytes.

    Raises:
        GancliError: There are none.
    """
    found = claimed(source, SUFFIXES, _OTHER_SUFFIXES, HEAD_BYTES, is_sound)
    if not found:
        raise GancliError(
            f"There are no sounds among the {len(source.members)} files of "
            f"{str(source.path)!r}.",
            "They are files that end with .wav, .flac, .ogg, .opus, .mp3, .aiff, .au, .caf or "
            ".w64.",
        )
    return found


def refuse_if_most(broken: list[tuple[str, str]], count: int) -> None:
    """Check that at least half of the sounds, and one at all, could be read.

    Args:
        broken: Name and problem of each one that could not.
        count: Number of all.

    Raises:
        GancliError: With the first three names.
    """
    if broken and (2 * len(broken) > count or len(broken) == count):
        raise GancliError(
            f"{len(broken):,} of {count:,} sounds cannot be used: {first_names(broken)}.",
            "Is this the right folder? Remove such files, or convert them to WAV or FLAC.",
        )


def inspect(source: Source, config: Any) -> tuple[AudioSpec, list[str]]:
    """Listen to evenly spaced files and decide what is not given.

    Headers of up to 2,000 give the rate; up to 200 are decoded, the first seconds of each, for
    the length of clips and for the mean and deviation of their log-mel.

    Args:
        source: The files.
        config: Has ``rate`` (Hz or None), ``channels`` (1 or 2), ``length`` (seconds or None),
            ``trim``, ``labels`` (``auto``, ``folders`` or ``none``), ``hop`` (samples or None)
            and ``bins`` (or None).

    Returns:
        The spec, and a sentence for each choice.

    Raises:
        UsageError: What is asked for cannot be, or ``folders`` finds no classes.
        GancliError: There are no sounds, or most of those listened to cannot be used.
    """
    members = sounds(source)
    channels = int(config.channels)
    headers = _headers(source, members)
    rate, rate_why = _rate(headers, config.rate)
    hop, window, bins, frame_why = _frame(rate, config.hop, config.bins)
    limit = round(max(_SCAN_S, 2 * _checked_length(config.length, rate, hop)) * rate)
    recordings = _scan(source, members, rate, channels, config.trim, limit, hop)
    frames, ends, length_why = _length(recordings, config.length, rate, hop)
    clips = [_head(each, frames * hop if ends else limit) for each in recordings]
    mean, deviation = _statistics(clips, rate, hop, window, bins)
    names = [member.name for member in members]
    classes, labels, classes_why = find_labels(names, config.labels)
    counts = () if labels is None else np.bincount(labels, minlength=len(classes)).tolist()
    spec = AudioSpec(
        rate, channels, hop, window, bins, frames, ends, config.trim, mean, deviation, classes,
        tuple(counts), len(members),
    )
    trim_why = (
        "Silence at both ends of a file is left out." if config.trim
        else "Silence at the ends of a file is kept, as asked."
    )
    return spec, [
        rate_why, _channels_why(headers, channels), length_why, trim_why, frame_why, classes_why
    ]


def _spread(members: list[Member], most: int) -> set[str]:
    """Return the names of evenly spaced files, fewer if they are large."""
    mean_bytes = max(1, sum(member.size for member in members) // len(members))
    count = min(len(members), most, max(32, _BYTES // mean_bytes))
    return {members[index * len(members) // count].name for index in range(count)}


def _headers(source: Source, members: list[Member]) -> list[Header]:
    chosen = _spread(members, _HEADERS)
    headers: list[Header] = []
    broken: list[tuple[str, str]] = []
    for member, _ in source.stream():
        if member.name in chosen:
            try:
                headers.append(look(member))
            except (BadSound, BadMember) as error:
                broken.append((member.name, str(error)))
    refuse_if_most(broken, len(chosen))
    return headers


def _rate(headers: list[Header], given: int | None) -> tuple[int, str]:
    if given is not None:
        if not whole(given, LOWEST_RATE, HIGHEST_RATE):
            raise UsageError(
                f"The rate cannot be {given} Hz.",
                f"Choose one from {LOWEST_RATE} to {HIGHEST_RATE}, such as 16000.",
            )
        return given, f"Rate: {given:,} Hz, as asked."
    counted = Counter(header.rate for header in headers)
    # Of equally frequent ones the highest.
    usual = max(counted, key=lambda rate: (counted[rate], rate))
    among = f"{counted[usual]:,} of the {len(headers):,} files looked at"
    if usual > _HIGHEST_AUTO_RATE:
        return _USUAL_RATE, (
            f"Rate: {_USUAL_RATE:,} Hz; {among} have {usual:,} Hz, which trains slowly without a "
            "GPU (--rate keeps it)."
        )
    if usual < LOWEST_RATE:
        return LOWEST_RATE, f"Rate: {LOWEST_RATE:,} Hz, the lowest; {among} have {usual:,} Hz."
    if len(counted) == 1:
        return usual, f"Rate: {usual:,} Hz, that of all {len(headers):,} files looked at."
    return usual, f"Rate: {usual:,} Hz, that of {among}; the others are resampled."


def _channels_why(headers: list[Header], channels: int) -> str:
    stereo = sum(header.channels > 1 for header in headers)
    if channels == 2:
        return "Channels: 2, as asked" + ("." if stereo == len(headers) else "; mono is doubled.")
    if stereo:
        return (
            f"Channels: 1, mixed; {stereo:,} of the {len(headers):,} files looked at have more "
            "(--channels 2 keeps two)."
        )
    return "Channels: 1."


def _frame(rate: int, hop: int | None, bins: int | None) -> tuple[int, int, int, str]:
    """Return hop, window, bands and a sentence."""
    if hop is None:
        nearest = 2 ** round(math.log2(rate * _FRAME_S))
        chosen = min(max(nearest, MIN_HOP), MAX_HOP)
    elif whole(hop, MIN_HOP, MAX_HOP):
        chosen = hop
    else:
        raise UsageError(
            f"The hop cannot be {hop} samples.", f"Choose from {MIN_HOP} to {MAX_HOP}."
        )
    window = 4 * (1 << (chosen - 1).bit_length())
    if bins is None:
        bins = min(64 if rate <= 8000 else 80, window // 4)
    elif not whole(bins, MIN_BINS, min(MAX_BINS, window // 4)):
        raise UsageError(
            f"There cannot be {bins} bands at a hop of {chosen} samples.",
            f"Choose from {MIN_BINS} to {min(MAX_BINS, window // 4)}.",
        )
    why = f"Frames: every {chosen / rate * 1000:.3g} ms ({chosen} samples), {bins} mel bands."
    return chosen, window, bins, why


def _checked_length(given: float | None, rate: int, hop: int) -> float:
    """Return the length asked for in seconds, or the default."""
    if given is None:
        return _LONGEST_AUTO_S
    most = MAX_FRAMES * hop / rate
    if not 0 < given <= most:  # also true of NaN
        raise UsageError(
            f"The length cannot be {given:g} seconds.", f"Choose one up to {most:.0f} seconds."
        )
    return given


def _scan(
    source: Source, members: list[Member], rate: int, channels: int, trim: bool, limit: int,
    hop: int,
) -> list[Recording]:
    """Decode the first samples of evenly spaced files."""
    chosen = _spread(members, min(_SCANS, max(16, _SAMPLES // (limit * channels))))
    recordings: list[Recording] = []
    broken: list[tuple[str, str]] = []
    for member, _ in source.stream():
        if member.name in chosen:
            try:
                recording = scan(member, rate, channels, trim, limit)
                refuse_if_short(recording, hop)
                recordings.append(recording)
            except (BadSound, BadMember) as error:
                broken.append((member.name, str(error)))
    refuse_if_most(broken, len(chosen))
    return sorted(recordings, key=lambda recording: recording.member.name)


def refuse_if_short(recording: Recording, hop: int) -> None:
    """Check that a recording lasts for a frame.

    Raises:
        BadSound: It does not.
    """
    if recording.length < hop:
        samples = "1 sample" if recording.length == 1 else f"{recording.length} samples"
        raise BadSound(f"it is too short: {samples}, less than a frame of {hop}")


def _length(
    recordings: list[Recording], given: float | None, rate: int, hop: int
) -> tuple[int, bool, str]:
    """Return the number of frames, whether clips end, and a sentence."""
    lengths = sorted(recording.length / rate for recording in recordings)
    middle, long = median_low(lengths), lengths[math.ceil(0.99 * len(lengths)) - 1]
    most = _checked_length(given, rate, hop)
    ends = middle <= most
    wanted = min(long, most) if ends and given is None else most
    frames = ROUND * math.ceil(round(wanted * rate / hop / ROUND, 6))
    frames = min(max(frames, _MIN_FRAMES), MAX_FRAMES)
    shown = f"{frames * hop / rate:.2f} s ({frames} frames)"
    asked = "as asked" if given is not None else ""
    if not ends:
        why = asked or f"since half of the recordings are longer than {most:g} s"
        return frames, ends, f"Length: slices of {shown} that overlap by half, {why}."
    why = asked or (
        f"which holds 99 of 100 clips; the median is {middle:.2f} s" if long <= most
        else f"the most without --length; the median is {middle:.2f} s"
    )
    return frames, ends, f"Length: up to {shown}, {why}; where a clip ends is learnt."


def _head(recording: Recording, count: int) -> np.ndarray:
    """Return at most the first ``count`` samples, as loud as the loader makes a clip."""
    found: list[np.ndarray] = []
    for piece in recording.pieces():
        found.append(piece[:count])
        count -= len(piece)
        if count <= 0:
            break
    return np.float32(LEVEL) * np.concatenate(found)


def _statistics(
    clips: list[np.ndarray], rate: int, hop: int, window: int, bins: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of the log-mel, rounded so that they print the same anywhere."""
    mean, deviation = statistics(clips, rate, hop, window, bins)
    return (
        tuple(round(float(value), 4) for value in mean),
        tuple(max(round(float(value), 4), MIN_DEVIATION) for value in deviation),
    )
