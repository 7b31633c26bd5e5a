"""Decode sound files into samples, block by block, or refuse them.

Headers are not trusted: no allocation depends on a length that a header claims, and a file of any
length is decoded in bounded memory.
"""

import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from gancli.data.member import READ_ERRORS, BadMember, Member
from gancli.errors import GancliError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SUFFIXES = frozenset(
    ".wav .wave .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .caf .w64 .rf64 "
    # libsndfile cannot decode these; listed so that they are reported as skipped, not ignored.
    ".m4a .aac .wma".split()
)
HEAD_BYTES = 16
MAX_BYTES = 512 << 20  # of a file in an archive, which is held in memory; files on disk are not
MAX_FRAMES = 1 << 32  # 12 hours at 96 kHz; a few bytes of FLAC can claim years of silence
MIN_RATE, MAX_RATE = 100, 768_000  # Hz

_SILENCE_PEAK = 1e-4  # 80 dB below full scale; a recording with a lower peak is silent
_TRIM_LEVEL = 1e-2  # 40 dB below the peak of a recording; what is softer is trimmed at its ends
_ENVELOPE_RATE = 100  # peaks a second
_TRIM_MARGIN = 2  # steps of the envelope kept on either side
_BLOCK_SAMPLES = 1 << 17
_MAX_HELD_SAMPLES = 1 << 22  # longer recordings are decoded twice rather than held in memory

_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"riff", b"fLaC", b"OggS", b"ID3", b".snd", b"FORM", b"caff")
# libsndfile's log of a size that the header claims and the file does not have.
_WRONG_SIZE = re.compile(r"\w\s*: (\d+) \(should be (\d+)\)")
_UNKNOWN_SIZES = (0xFFFFFFFF, 0xFFFFFFFE)  # written by programs that write to a pipe


class BadSound(BadMember):
    """A file that is not a sound, or is damaged, silent or too short to train on."""


class Header(NamedTuple):
    """What the header of a file claims.

    Args:
        rate: Sample rate in Hz.
        channels: Number of channels.
    """

    rate: int
    channels: int


def is_sound(head: bytes) -> bool:
    """Return whether a file that starts with these (16 or more) bytes claims to be a sound."""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    # The header of an MP3 frame: eleven set bits, then a valid version and layer.
    mp3 = len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)
    return head.startswith(_MAGIC) or mp3


class _SafeFile(io.RawIOBase):
    """A binary file for libsndfile, whose callbacks must not raise.

    Args:
        file: The file to read; a read error looks like its end, and ``error`` says what it was.
        size: Number of bytes in it.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size, self._position = file, size, 0
        self.error = ""

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            self._file.seek(self._position)
            data = self._file.read(len(view))
        except READ_ERRORS as error:
            self.error = f"it cannot be read ({error})"
            return 0
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._position = max(0, offset + (0, self._position, self._size)[whence])
        return self._position

    def tell(self) -> int:
        return self._position


@contextmanager
def _stderr_silenced(active: bool) -> Iterator[None]:
    """Redirect standard error, to which the C code of the MP3 decoder writes directly."""
    try:
        saved_fd = os.dup(2) if active else -1
    except OSError:  # there is no standard error
        saved_fd = -1
    if saved_fd < 0:
        yield
        return
    try:
        with open(os.devnull, "wb") as null:
            os.dup2(null.fileno(), 2)
        yield
    finally:
        os.dup2(saved_fd, 2)
        os.close(saved_fd)


def _import_soundfile() -> ModuleType:
    """Return the module soundfile.

    Raises:
        GancliError: The module, or the library that it binds, is missing.
    """
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise GancliError(
            f"Sound files cannot be read here: {error}.",
            "Install it: pip install soundfile (some systems also need their libsndfile package).",
        ) from error
    module: ModuleType = soundfile
    return module


class _Reader:
    """An open sound file that is read forward only.

    Args:
        file: The encoded sound.
        size: Number of bytes in it.

    Raises:
        BadSound: It cannot be opened.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        soundfile = _import_soundfile()
        self._error: type[Exception] = soundfile.SoundFileError
        head = file.read(HEAD_BYTES)
        if not is_sound(head):
            raise BadSound("it has an unknown format or a damaged header")
        self._file = _SafeFile(file, size)
        self._is_mp3 = head.startswith((b"\xff", b"ID3"))

        class ForwardOnly(soundfile.SoundFile):  # type: ignore[misc,name-defined]
            # soundfile seeks after each block of a seekable file, which corrupts MP3 decoding.
            def seekable(self) -> bool:
                return False

        try:
            with _stderr_silenced(self._is_mp3):
                self._sound = ForwardOnly(self._file)
        except (self._error, ValueError, TypeError) as error:
            reason = getattr(error, "error_string", "") or "its header is damaged"
            problem = str(reason).strip().rstrip(".")[:80]
            raise BadSound(self._file.error or f"it cannot be decoded ({problem})") from error
        self.header = Header(int(self._sound.samplerate), int(self._sound.channels))
        if not MIN_RATE <= self.header.rate <= MAX_RATE:
            self.close()
            raise BadSound(f"it claims a sample rate of {self.header.rate:,} Hz")
        self.remark = ""

    def close(self) -> None:
        with _stderr_silenced(self._is_mp3):
            self._sound.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield samples, float32, shape (any, channels), up to the end or the first error.

        Afterwards ``remark`` says what is wrong with the end, or is empty.
        """
        count = 0
        buffer = np.empty((_BLOCK_SAMPLES // self.header.channels, self.header.channels), "f4")
        while count < MAX_FRAMES:
            failed = False
            with _stderr_silenced(self._is_mp3):
                try:
                    frames = len(self._sound.read(dtype="float32", out=buffer))
                except (self._error, ValueError):
                    failed = True
                    frames = min(max(0, self._sound.tell() - count), len(buffer))
            count += frames
            if frames:
                yield buffer[:frames].copy()
            if failed or not frames:
                self.remark = self._remark(count, failed)
                return
        self.remark = f"only its first {MAX_FRAMES / self.header.rate / 3600:.0f} hours are used"

    def _remark(self, count: int, failed: bool) -> str:
        """Return what is wrong with a sound that ends after ``count`` frames, or nothing."""
        claimed_frames = int(self._sound.frames)
        for claimed, actual in _WRONG_SIZE.findall(self._sound.extra_info):
            if int(claimed) > int(actual) + 16 and int(claimed) not in _UNKNOWN_SIZES:
                failed = True
        # The header of an MP3 is only accurate to a few of its frames of 1,152 samples.
        tolerance = claimed_frames // 32 + 4 * 1152 if self._is_mp3 else 0
        if failed or self._file.error or count + tolerance < claimed_frames < 1 << 62:
            return "it is cut short, or its header claims more than it contains"
        return ""


@contextmanager
def _opened(member: Member) -> Iterator[_Reader]:
    """Open a file: in place on disk, but from an archive only after reading it into memory.

    Raises:
        BadSound: It is not a sound that can be decoded.
        BadMember: It cannot be read.
    """
    if not member.size:
        raise BadSound("it is empty")
    try:
        raw = member.open()
    except READ_ERRORS as error:
        raise BadSound(f"it cannot be read ({error})") from error
    with raw:
        on_disk = isinstance(getattr(raw, "raw", None), io.FileIO)
        data = b"" if on_disk else member.read(MAX_BYTES)
        try:
            if on_disk:
                reader = _Reader(raw, os.fstat(raw.fileno()).st_size)
            else:
                reader = _Reader(io.BytesIO(data), len(data))
        except BadSound:
            raise
        except READ_ERRORS as error:
            raise BadSound(f"it cannot be read ({error})") from error
        try:
            yield reader
        finally:
            reader.close()


def read_header(member: Member) -> Header:
    """Return what the header of a file claims.

    Raises:
        BadMember: It has no valid header, or cannot be read.
    """
    with _opened(member) as reader:
        return reader.header


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

    with _opened(member) as reader:
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
