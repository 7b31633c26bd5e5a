"""Open sound files and read their samples forward, block by block.

Headers are not trusted: no allocation depends on a length that a header claims.
"""

import io
import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from types import ModuleType
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from gancli.data.member import READ_ERRORS, BadMember, Member
from gancli.errors import GancliError
from gancli.modalities.audio.layout import Layout, find_sound

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SUFFIXES = frozenset(
    ".wav .wave .bwf .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .caf .w64 .rf64 .bw64 "
    # libsndfile cannot decode these; listed so that they are reported as skipped, not ignored.
    ".m4a .aac .wma".split()
)
HEAD_BYTES = 16
MAX_BYTES = 512 << 20  # of a file in an archive, which is held in memory; files on disk are not
MAX_FRAMES = 1 << 32  # 12 hours at 96 kHz; a few bytes of FLAC can claim years of silence
MIN_RATE, MAX_RATE = 100, 768_000  # Hz

_BLOCK_SAMPLES = 1 << 17
_WAV_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"BW64")
_MAGIC = (
    b"riff", b"fLaC", b"OggS", b"ID3", b".snd", b"dns.", b"caff", b"NIST_1A", b"Creative Voice F",
    b"2BIT", b"PVF1\n", *(b"\x64\xa3%c\0" % kind for kind in range(1, 5)),
)
_UNKNOWN_FRAMES = (1 << 36) - 1  # the most that a FLAC can claim, and what claims more


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
    if head[:4] in _WAV_MAGIC:
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC", b"8SVX", b"16SV")
    # The header of an MP3 frame: eleven set bits, then a valid version and layer.
    mp3 = len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)
    return head.startswith(_MAGIC) or mp3


class _SafeFile(io.RawIOBase):
    """What libsndfile reads, whose callbacks must not raise: a header, then spans of a file.

    Args:
        file: The file to read; a read error looks like its end, and ``error`` says what it was.
        layout: The header, and where the sound is in the file.
    """

    def __init__(self, file: IO[bytes], layout: Layout) -> None:
        self._file, self._header, self._position = file, layout.header, 0
        self._spans = layout.spans
        lengths = (stop - start for start, stop in layout.spans)
        # Where each span begins, and the last one ends, in what is read here.
        self._starts = list(accumulate(lengths, initial=len(layout.header)))
        self.error = ""

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        filled = 0
        while filled < len(view) and (data := self._some(len(view) - filled)):
            view[filled : filled + len(data)] = data
            filled += len(data)
            self._position += len(data)
        return filled

    def _some(self, count: int) -> bytes:
        """Return at most so many bytes from the present position, at the end none."""
        if self._position < len(self._header):
            return self._header[self._position : self._position + count]
        if self._position >= self._starts[-1]:
            return b""
        index = bisect_right(self._starts, self._position) - 1
        start, stop = self._spans[index]
        start += self._position - self._starts[index]
        try:
            self._file.seek(start)
            return self._file.read(min(count, stop - start))
        except READ_ERRORS as error:
            self.error = f"it cannot be read ({error})"
            return b""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._position = max(0, offset + (0, self._position, self._starts[-1])[whence])
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
        if not is_sound(file.read(HEAD_BYTES)):
            raise BadSound("it has an unknown format or a damaged header")
        self._layout = find_sound(file, size)
        self._file = _SafeFile(file, self._layout or Layout(b"", [(0, size)], short=False))
        self._is_mp3 = self._file.read(3).startswith((b"\xff", b"ID3"))
        self._file.seek(0)

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
        claimed = int(self._sound.frames)
        if claimed >= _UNKNOWN_FRAMES:
            claimed = 0
        # The header of an MP3 is only accurate to a few of its frames of 1,152 samples.
        tolerance = claimed // 32 + 4 * 1152 if self._is_mp3 else 0
        # What follows the last of the frames claimed may be a tag, which cannot be decoded.
        failed = failed and not 0 < claimed <= count
        short = self._layout is not None and self._layout.short
        if failed or short or self._file.error or count + tolerance < claimed:
            return "it is cut short, or its header claims more than it contains"
        return ""


@contextmanager
def opened(member: Member) -> Iterator[_Reader]:
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
    with opened(member) as reader:
        return reader.header
