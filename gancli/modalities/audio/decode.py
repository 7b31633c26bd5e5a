"""The bytes of a sound file, turned into samples or refused, block by block.

A header is never believed: nothing is allocated by what it promises, and a file of any length is
decoded in bounded memory.
"""

import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

import numpy as np

from gancli.data.member import READ_ERRORS, Member
from gancli.errors import GancliError

SUFFIXES = frozenset(
    ".wav .wave .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .caf .w64 .rf64 "
    # Not read, but sounds all the same: they are counted and named, not ignored.
    ".m4a .aac .wma".split()
)
HEAD_BYTES = 16
MAX_BYTES = 512 << 20  # of a file in an archive, which is held in memory; files on disk are not
MAX_FRAMES = 1 << 32  # 12 hours at 96 kHz; a few bytes of FLAC can promise years of silence
LOWEST_RATE, HIGHEST_RATE = 100, 768_000

SILENCE = 1e-4  # a peak of -80 dB below full scale
_QUIET = 1e-2  # what is 40 dB below the peak of a recording counts as silence at its ends
_BLOCKS_PER_S = 100
_MARGIN = 2  # blocks kept on either side
_BLOCK_SAMPLES = 1 << 17
_KEPT_SAMPLES = 1 << 22  # longer recordings are decoded twice rather than held

_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"riff", b"fLaC", b"OggS", b"ID3", b".snd", b"FORM", b"caff")
_PROMISE = re.compile(r"\w\s*: (\d+) \(should be (\d+)\)")
_UNKNOWN_SIZES = (0xFFFFFFFF, 0xFFFFFFFE)  # what a program writes into a pipe


class BadSound(ValueError):
    """A file that is no sound, a broken or silent one, or one too short to learn from."""


class Header(NamedTuple):
    """What a file says of itself.

    Args:
        rate: Samples a second.
        channels: Samples at a time.
    """

    rate: int
    channels: int


def is_sound(head: bytes) -> bool:
    """Whether a file that starts with these (16 or more) bytes claims to be a sound."""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    # The head of an MP3 frame: eleven bits set, then a version and a layer that exist.
    mp3 = len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)
    return head.startswith(_MAGIC) or mp3


class _Bytes(io.RawIOBase):
    """A binary file for libsndfile, whose callbacks must not raise.

    Args:
        file: What is read; a failure ends it, and ``error`` says why.
        size: Its bytes.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size, self._place = file, size, 0
        self.error = ""

    def readinto(self, buffer: Any, /) -> int:
        try:
            self._file.seek(self._place)
            data = self._file.read(len(buffer))
        except READ_ERRORS as error:
            self.error = f"it cannot be read ({error})"
            return 0
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._place = max(0, offset + (0, self._place, self._size)[whence])
        return self._place

    def tell(self) -> int:
        return self._place


@contextmanager
def _hushed(hush: bool) -> Iterator[None]:
    """Keep the MP3 decoder, which is C, from writing to standard error itself."""
    try:
        kept = os.dup(2) if hush else -1
    except OSError:  # there is no standard error
        kept = -1
    if kept < 0:
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _library() -> Any:
    """Return soundfile.

    Raises:
        GancliError: It, or the library that it binds, is missing.
    """
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise GancliError(
            f"Sound files cannot be read here: {error}.",
            "Install it: pip install soundfile (some systems also need their libsndfile package).",
        ) from error
    return soundfile


class _Reader:
    """An open sound file, read forward only.

    Args:
        file: Its bytes.
        size: Their number.

    Raises:
        BadSound: It cannot be opened.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        soundfile = _library()
        self._error: type[Exception] = soundfile.SoundFileError
        head = file.read(HEAD_BYTES)
        if not is_sound(head):
            raise BadSound("it is in no known format, or its head is damaged")
        self._bytes = _Bytes(file, size)
        self._hush = head.startswith((b"\xff", b"ID3"))

        class Forward(soundfile.SoundFile):  # type: ignore[misc,name-defined]
            # Or it seeks after each block, which an MP3 does not survive unharmed.
            def seekable(self) -> bool:
                return False

        try:
            with _hushed(self._hush):
                self._sound = Forward(self._bytes)
        except (self._error, ValueError, TypeError) as error:
            known = getattr(error, "error_string", "") or "its head is damaged"
            problem = str(known).strip().rstrip(".")[:80]
            raise BadSound(self._bytes.error or f"it cannot be decoded ({problem})") from error
        self.header = Header(int(self._sound.samplerate), int(self._sound.channels))
        if not LOWEST_RATE <= self.header.rate <= HIGHEST_RATE:
            self.close()
            raise BadSound(f"it claims {self.header.rate:,} samples a second")
        self.remark = ""

    def close(self) -> None:
        with _hushed(self._hush):
            self._sound.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Return the samples, float32, shape (any, channels), as far as they can be had.

        Afterwards ``remark`` says what is odd about the end.
        """
        count = 0
        buffer = np.empty((_BLOCK_SAMPLES // self.header.channels, self.header.channels), "f4")
        while count < MAX_FRAMES:
            failed = False
            with _hushed(self._hush):
                try:
                    got = len(self._sound.read(dtype="float32", out=buffer))
                except (self._error, ValueError):
                    failed = True
                    got = min(max(0, self._sound.tell() - count), len(buffer))
            count += got
            if got:
                yield buffer[:got].copy()
            if failed or not got:
                self.remark = self._end(count, failed)
                return
        self.remark = f"only its first {MAX_FRAMES / self.header.rate / 3600:.0f} hours are taken"

    def _end(self, count: int, failed: bool) -> str:
        """Return what is odd about a sound that ends after ``count`` frames."""
        promised = int(self._sound.frames)
        for claimed, there in _PROMISE.findall(self._sound.extra_info):
            if int(claimed) > int(there) + 16 and int(claimed) not in _UNKNOWN_SIZES:
                failed = True
        # What the header of an MP3 says is rough, by some frames of 1,152 samples.
        rough = promised // 32 + 4 * 1152 if self._hush else 0
        if failed or self._bytes.error or count + rough < promised < 1 << 62:
            return "it is cut short, or its header promises too much"
        return ""


@contextmanager
def _opened(member: Member) -> Iterator[_Reader]:
    """Open a file: on the disk where it lies, in an archive after reading it into memory.

    Raises:
        BadSound: It is none.
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
        except READ_ERRORS as error:
            if isinstance(error, BadSound):
                raise
            raise BadSound(f"it cannot be read ({error})") from error
        try:
            yield reader
        finally:
            reader.close()


def look(member: Member) -> Header:
    """Return what the header of a file says.

    Raises:
        BadSound, BadMember: It has none.
    """
    with _opened(member) as reader:
        return reader.header


def _mix(block: np.ndarray, channels: int) -> np.ndarray:
    """Return one channel, the mean of all, or the first two, of which a single one makes both."""
    if channels == 1:
        mixed: np.ndarray = block.mean(axis=1, keepdims=True, dtype=np.float64)
    else:
        mixed = block[:, [0, min(1, block.shape[1] - 1)]].astype(np.float64)
    return mixed


def _blocks(
    member: Member, rate: int, channels: int, ended: Callable[[str], None]
) -> Iterator[np.ndarray]:
    """Decode, mix, center and resample; at the end tell ``ended`` what is odd about it."""
    import soxr

    with _opened(member) as reader:
        resampler = None
        if reader.header.rate != rate:
            resampler = soxr.ResampleStream(reader.header.rate, rate, channels, "float32")
        center: np.ndarray | None = None
        for block in reader.blocks():
            with np.errstate(over="ignore", invalid="ignore"):
                mixed = _mix(block, channels)
                if center is None:
                    # Off before resampling, which makes clicks of a constant's ends.
                    center = mixed.mean(axis=0)
                samples = (mixed - center).astype(np.float32)
            if not np.isfinite(samples).all():
                raise BadSound("it holds values that are not finite")
            yield resampler.resample_chunk(samples) if resampler else samples
        if resampler and center is not None:
            yield resampler.resample_chunk(np.zeros((0, channels), np.float32), last=True)
        ended(reader.remark)


class _Envelope:
    """The peak of each 10 ms of a sound that comes in blocks."""

    def __init__(self, rate: int) -> None:
        self.step = max(1, rate // _BLOCKS_PER_S)
        self._rest = np.zeros(0, np.float32)
        self._peaks: list[np.ndarray] = []
        self.peak = 0.0

    def add(self, block: np.ndarray) -> None:
        loud = np.concatenate([self._rest, np.abs(block).max(axis=1)])
        self.peak = max(self.peak, float(loud.max(initial=0)))
        whole = len(loud) // self.step * self.step
        self._peaks.append(loud[:whole].reshape(-1, self.step).max(axis=1))
        self._rest = loud[whole:]

    def finish(self) -> np.ndarray:
        last = [self._rest.max(keepdims=True)] if len(self._rest) else []
        return np.concatenate([*self._peaks, *last])


@dataclass(frozen=True)
class Recording:
    """A sound file that was listened through once.

    Args:
        member: The file.
        rate: Samples a second, after resampling.
        channels: 1 or 2, after mixing.
        start, stop: Its samples without silence at the ends.
        peak: The largest absolute value.
        remark: What is odd about it, or nothing.
        samples: All of these samples, or None where they are too many to hold.
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
        """Return the sound from start to stop in pieces, its peak 1.

        Returns:
            Samples, float32, shape (any, channels).

        Raises:
            BadSound, BadMember: It is not what it was when it was listened through.
        """
        if self.samples is not None:
            yield self.samples / np.float32(self.peak)
            return
        place = 0
        for block in _blocks(self.member, self.rate, self.channels, lambda remark: None):
            piece = block[max(0, self.start - place) : max(0, self.stop - place)]
            place += len(block)
            if len(piece):
                yield piece / np.float32(self.peak)
            if place >= self.stop:
                return


def scan(
    member: Member, rate: int, channels: int, trim: bool, limit: int | None = None
) -> Recording:
    """Listen through a file: find its peak, and where sound begins and ends.

    The mean is taken off it. Silence is what is 40 dB below the peak, in blocks of 10 ms; 20 ms of
    it are kept.

    Args:
        member: The file: WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF, AU, CAF or W64.
        rate: Samples a second that come out.
        channels: 1 mixes all channels into one; 2 takes the first two, or one twice.
        trim: Whether silence at both ends is left out.
        limit: Number of samples (at ``rate``) to be content with, silence at the start apart, or
            None.

    Raises:
        BadSound: It cannot be decoded, or holds nothing but silence.
        BadMember: It cannot be read.
    """
    envelope = _Envelope(rate)
    kept: list[np.ndarray] | None = []
    remarks: list[str] = []
    count = 0
    for block in _blocks(member, rate, channels, remarks.append):
        envelope.add(block)
        count += len(block)
        if kept is not None:
            kept.append(block)
        if count * channels > _KEPT_SAMPLES:
            kept = None
        if limit is not None and count >= limit and envelope.peak >= SILENCE:
            break
    if not count:
        raise BadSound("it holds no sound")
    peaks, peak = envelope.finish(), envelope.peak
    if not np.isfinite(peak):
        raise BadSound("it holds values that are not finite")
    if peak < SILENCE:
        raise BadSound("it is silent")
    start, stop = 0, count
    if trim:
        loud = np.flatnonzero(peaks > peak * _QUIET)
        start = max(0, int(loud[0]) - _MARGIN) * envelope.step
        stop = min(count, (int(loud[-1]) + 1 + _MARGIN) * envelope.step)
    samples = np.concatenate(kept)[start:stop] if kept is not None else None
    return Recording(member, rate, channels, start, stop, peak, "".join(remarks), samples)
