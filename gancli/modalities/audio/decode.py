"""Decode sounds: mix, resample, find where they begin and end; in bounded memory at any length."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from gancli.data.member import Member
from gancli.modalities.audio.reader import BadSound, opened

_SILENCE_PEAK = 1e-4  # 80 dB below full scale; a recording with a lower peak is silent
_TRIM_LEVEL = 1e-2  # 40 dB below the peak of a recording; what is softer is trimmed at its ends
_ENVELOPE_RATE = 100  # peaks a second
_TRIM_MARGIN = 2  # steps of the envelope kept on either side
_MAX_HELD_SAMPLES = 1 << 22  # longer recordings are decoded twice rather than held in memory


def _mix(block: np.ndarray, channels: int) -> np.ndarray:
    """Return a block (n, any) as one channel, the mean, or as its first two; mono is duplicated."""
    if channels == 1:
        mixed: np.ndarray = block.mean(axis=1, keepdims=True, dtype=np.float64)
    else:
        mixed = block[:, [0, min(1, block.shape[1] - 1)]].astype(np.float64)
    return mixed


def _blocks(
    member: Member, rate: int, channels: int, on_end: Callable[[str], None]
) -> Iterator[np.ndarray]:
    """Decode, mix, center and resample; at the end call ``on_end`` with the reader's remark."""
    import soxr

    with opened(member) as reader:
        resampler = None
        if reader.header.rate != rate:
            resampler = soxr.ResampleStream(reader.header.rate, rate, channels, "float32")
        offset: np.ndarray | None = None
        for block in reader.blocks():
            with np.errstate(over="ignore", invalid="ignore"):
                mixed = _mix(block, channels)
                if offset is None:
                    # Subtracted before resampling, which would turn the ends of a constant into
                    # clicks.
                    offset = mixed.mean(axis=0)
                samples = (mixed - offset).astype(np.float32)
            if not np.isfinite(samples).all():
                raise BadSound("it contains values that are not finite")
            yield resampler.resample_chunk(samples) if resampler else samples
        if resampler and offset is not None:
            yield resampler.resample_chunk(np.zeros((0, channels), np.float32), last=True)
        on_end(reader.remark)


class _Envelope:
    """The peak of each 10 ms of a sound that arrives in blocks."""

    def __init__(self, rate: int) -> None:
        self.step = max(1, rate // _ENVELOPE_RATE)
        self._rest = np.zeros(0, np.float32)
        self._peaks: list[np.ndarray] = []
        self.peak = 0.0

    def add(self, block: np.ndarray) -> None:
        levels = np.concatenate([self._rest, np.abs(block).max(axis=1)])
        self.peak = max(self.peak, float(levels.max(initial=0)))
        whole = len(levels) // self.step * self.step
        self._peaks.append(levels[:whole].reshape(-1, self.step).max(axis=1))
        self._rest = levels[whole:]

    def finish(self) -> np.ndarray:
        last = [self._rest.max(keepdims=True)] if len(self._rest) else []
        return np.concatenate([*self._peaks, *last])


@dataclass(frozen=True)
class Recording:
    """A sound file that has been decoded once.

    Args:
        member: The file.
        rate: Sample rate in Hz, after resampling.
        channels: 1 or 2, after mixing.
        start, stop: First sample and one past the last, without silence at the ends.
        peak: The largest absolute value.
        remark: What is wrong with the file, or an empty string.
        samples: Samples from start to stop, float32, shape (stop - start, channels), or None if
            they are too many to hold in memory.
    """

    member: Member
    rate: int
    channels: int
    start: int
    stop: int
    peak: float
    remark: str
    samples: np.ndarray | None = field(repr=False)

    @property
    def length(self) -> int:
        """Number of samples between start and stop."""
        return self.stop - self.start

    def pieces(self) -> Iterator[np.ndarray]:
        """Yield the sound from start to stop in pieces, scaled to a peak of 1.

        Yields:
            Samples, float32, shape (any, channels).

        Raises:
            BadMember: The file can no longer be decoded.
        """
        if self.samples is not None:
            yield self.samples / np.float32(self.peak)
            return
        position = 0
        for block in _blocks(self.member, self.rate, self.channels, lambda remark: None):
            piece = block[max(0, self.start - position) : max(0, self.stop - position)]
            position += len(block)
            if len(piece):
                yield piece / np.float32(self.peak)
            if position >= self.stop:
                return


def scan(
    member: Member, rate: int, channels: int, trim: bool, limit: int | None = None
) -> Recording:
    """Decode a file once to find its peak, and where the sound in it begins and ends.

    The mean of the first block is subtracted. Steps of 10 ms that are 40 dB below the peak count
    as silence, of which 20 ms are kept at either end.

    Args:
        member: The file: WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF, AU, CAF or W64.
        rate: Sample rate to convert to, in Hz.
        channels: 1 mixes all channels into one; 2 takes the first two and duplicates mono.
        trim: Whether to trim silence at both ends.
        limit: Number of samples (at ``rate``) after which to stop, unless all of them are silent;
            None decodes the whole file.

    Raises:
        BadSound: It cannot be decoded, or contains only silence.
        BadMember: It cannot be read.
    """
    envelope = _Envelope(rate)
    blocks: list[np.ndarray] | None = []
    remarks: list[str] = []
    count = 0
    for block in _blocks(member, rate, channels, remarks.append):
        envelope.add(block)
        count += len(block)
        if blocks is not None:
            blocks.append(block)
        if count * channels > _MAX_HELD_SAMPLES:
            blocks = None
        if limit is not None and count >= limit and envelope.peak >= _SILENCE_PEAK:
            break
    if not count:
        raise BadSound("it contains no samples")
    peaks, peak = envelope.finish(), envelope.peak
    if not np.isfinite(peak):
        raise BadSound("it contains values that are not finite")
    if peak < _SILENCE_PEAK:
        raise BadSound("it is silent")
    start, stop = 0, count
    if trim:
        loud = np.flatnonzero(peaks > peak * _TRIM_LEVEL)
        start = max(0, int(loud[0]) - _TRIM_MARGIN) * envelope.step
        stop = min(count, (int(loud[-1]) + 1 + _TRIM_MARGIN) * envelope.step)
    samples = np.concatenate(blocks)[start:stop] if blocks is not None else None
    return Recording(member, rate, channels, start, stop, peak, "".join(remarks), samples)
