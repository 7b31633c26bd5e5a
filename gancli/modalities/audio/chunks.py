"""The chunks of WAV, RF64, BW64, W64, AIFF and CAF files, as far as they make sense.

Programs that write to a pipe, crash, or miscount leave sizes that are not true. Where the size of
the sound cannot be, it goes on to the end of the file, or to the chunks that end it.
"""

import re
import struct
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, NamedTuple

import numpy as np

_MAX_CHUNKS, _MAX_TRIES = 500, 50
_SEARCHED = 1 << 20  # bytes in which chunks are looked for where the chain of them is broken
UNKNOWN = 0xFFFFFFFF
_SLACK = 16  # bytes by which programs miscount a size

_KEPT = (b"fmt ", b"ds64", b"COMM", b"desc", b"kuki", b"pakt")  # what decoding needs
_MAX_KEPT = 1 << 20  # bytes of one of them

# Chunks that follow sound even where their sizes are not true.
_FAMILIAR = frozenset(
    b"LIST|bext|iXML|id3 |ID3 |smpl|cue |inst|acid|fact|PEAK|JUNK|junk|PAD |FLLR|_PMX|axml|chna|"
    b"cart|plst|MARK|INST|NAME|ANNO|AUTH|COMT|APPL|CHAN|MIDI|fmt |COMM|desc".split(b"|")
)
_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICS", b"RIFF", b"FORM")  # what else may follow a sound


class Dialect(NamedTuple):
    """How a family of formats writes its chunks.

    Args:
        id_bytes: Length of the id of a chunk.
        size: Format of its size, as struct has it.
        counts_head: Whether that size includes the id and itself.
        align: Chunks begin at multiples of so many bytes.
        first: Where the first chunk begins.
        sound: Id of the chunk with the sound.
        prefix: Bytes in that chunk before the sound.
        form: Id of the chunk that says how the sound is encoded.
    """

    id_bytes: int
    size: str
    counts_head: bool
    align: int
    first: int
    sound: bytes
    prefix: int
    form: bytes

    @property
    def head(self) -> int:
        """Bytes of a chunk before its contents."""
        return self.id_bytes + struct.calcsize(self.size)


_WAV = Dialect(4, "<I", False, 2, 12, b"data", 0, b"fmt ")
RIFX = _WAV._replace(size=">I")
_W64 = Dialect(16, "<Q", True, 8, 40, b"data", 0, b"fmt ")
AIFF = Dialect(4, ">I", False, 2, 12, b"SSND", 8, b"COMM")
CAF = Dialect(4, ">Q", False, 1, 8, b"data", 4, b"desc")
DIALECTS = {
    b"RIFF": _WAV, b"RF64": _WAV, b"BW64": _WAV, b"RIFX": RIFX, b"riff": _W64, b"FORM": AIFF,
    b"caff": CAF,
}


def is_placeholder(size: int) -> bool:
    """Return whether a program that did not know a size is likely to have written this one.

    Such sizes are zero, round, or close to the largest that 31 or 32 bits hold.
    """
    if size < 1 << 23:
        return size == 0
    return (
        (size + 64) % (1 << 24) <= 128 or size >= 1 << 40
        or any(abs(size - (1 << bits)) <= 1 << 16 for bits in (31, 32))
    )


def is_missing(claimed: int, start: int, size: int) -> bool:
    """Return whether a file lacks bytes of its sound, which starts there.

    Some programs count the bytes of the whole file, or a few too many.
    """
    miscounted = start + claimed - size <= _SLACK or abs(claimed - size) <= _SLACK
    return not miscounted and not is_placeholder(claimed)


def read_at(file: IO[bytes], start: int, count: int) -> bytes:
    """Return so many bytes from there on, or as many as there are."""
    file.seek(start)
    return file.read(max(0, count))


@dataclass
class Chunks:
    """The chunks of a file.

    Args:
        file: The file.
        base: Where its first chunk's container begins: after an ID3 tag, if there is one.
        size: Its number of bytes.
        dialect: How its chunks are written.
    """

    file: IO[bytes]
    base: int
    size: int
    dialect: Dialect
    contents: dict[bytes, bytes] = field(default_factory=dict)
    spans: list[tuple[int, int]] = field(default_factory=list)
    short: bool = False

    def read(self) -> None:
        """Follow the chunks, and note where the sound is and what else decoding needs."""
        dialect = self.dialect
        position: int | None = self.base + dialect.first
        for _ in range(_MAX_CHUNKS):
            if position is None or position + dialect.head > self.size:
                return
            name, claimed = self._head(position)
            start = position + dialect.head
            if name == dialect.sound:
                stop = self._end_of_sound(start, self._claim(claimed))
                self.spans.append((start, stop))
                position = self._chunk_after(stop)
                continue
            if name == b"RIFF":  # another file, appended to this one
                position = start + 4
                continue
            position = self._chunk_after(start + claimed)
            if position is None and not self.spans:
                position = self._search(start)
            if name in _KEPT:
                stop = min(start + max(claimed, 16), position or self.size)
                content = read_at(self.file, start, min(stop - start, _MAX_KEPT))
                if self.contents.setdefault(name, content) != content:
                    return  # sound that follows is encoded in another way

    def _head(self, position: int) -> tuple[bytes, int]:
        """Return the first four bytes of the id of a chunk, and the size of its contents."""
        dialect = self.dialect
        # Zeros stand for what a file has lost since its size was taken.
        head = read_at(self.file, position, dialect.head).ljust(dialect.head, b"\0")
        (size,) = struct.unpack(dialect.size, head[dialect.id_bytes :])
        return head[:4], max(0, size - dialect.head) if dialect.counts_head else size

    def _claim(self, claimed: int) -> int:
        """Return what the header says of the sound's bytes; RF64 says so elsewhere."""
        _, data = self._sizes_64()
        return data if claimed == UNKNOWN and data else claimed

    def _sizes_64(self) -> tuple[int, int]:
        """Return the sizes of the file and its sound that RF64 holds in a chunk of its own."""
        table = self.contents.get(b"ds64", b"")
        return struct.unpack("<QQ", table[:16]) if len(table) >= 16 else (0, 0)

    def _claimed_end(self) -> int | None:
        """Return where the header says that the file ends; None where it does not know."""
        if self.dialect is CAF:
            return None
        at = self.dialect.id_bytes if self.dialect.counts_head else 4
        data = read_at(self.file, self.base + at, 8).ljust(8, b"\0")
        (size,) = struct.unpack_from(self.dialect.size, data)
        if size == UNKNOWN:
            size = self._sizes_64()[0]
        if is_placeholder(size):
            return None
        return self.base + int(size) + (0 if self.dialect.counts_head else 8)

    def _lacks(self, claimed: int, start: int) -> bool:
        """Return whether the file ends before a sound that starts there, rather than miscounts."""
        end = self._claimed_end()
        # A program that does not know the file's size does not know the sound's, but CAF has none.
        unknown = end is None and self.dialect is not CAF
        whole = unknown or (end is not None and abs(end - self.size) <= _SLACK)
        return not whole and is_missing(claimed, start, self.size)

    def _is_chunk(self, position: int, trusted: bool = True) -> bool:
        """Return whether a chunk is likely to begin there.

        Args:
            position: Where.
            trusted: Whether the chunk before it ends there, so that a familiar id is enough.
        """
        if position + self.dialect.head > self.size:
            return False
        name, claimed = self._head(position)
        if trusted and (name in _FAMILIAR or name == self.dialect.sound):
            return True
        left = self.size - position - self.dialect.head - claimed
        fits = left >= 0 or (name == self.dialect.sound and is_placeholder(claimed))
        return left == 0 or (fits and all(32 <= byte < 127 for byte in name))

    def _chunk_after(self, end: int) -> int | None:
        """Return where the next chunk begins, or None; the padding before it may be missing."""
        past = -(end - self.base) % self.dialect.align
        return next((at for at in (end + past, end) if self._is_chunk(at)), None)

    def _search(self, start: int) -> int | None:
        """Return where, from here on, the sound or its encoding begins, or None."""
        names = re.compile(self.dialect.sound + b"|" + self.dialect.form)
        places = names.finditer(read_at(self.file, start, _SEARCHED))
        found = (start + place.start() for place in islice(places, _MAX_TRIES))
        return next((at for at in found if self._is_chunk(at, trusted=False)), None)

    def _end_of_sound(self, start: int, claimed: int) -> int:
        """Return where a sound ends that starts there; its size may not be true."""
        end = start + claimed
        if end > self.size:
            self.short |= self._lacks(claimed, start)
        elif self._can_end(max(end, start + self.dialect.prefix), claimed):
            return end
        return self._before_last_chunks(start)

    def _can_end(self, end: int, claimed: int) -> bool:
        """Return whether a sound of a claimed size is likely to end there."""
        left = self.size - end
        if left < self.dialect.head or self._chunk_after(end) is not None:
            return True
        if claimed <= self.dialect.prefix:
            return False
        following = read_at(self.file, end, min(left, 1 << 16))
        if following.startswith(_TAGS) or (left <= len(following) and not any(following)):
            return True
        # The whole header agrees. It is not believed if it leaves most of the file unexplained.
        claimed_end = self._claimed_end()
        agrees = claimed_end is not None and 0 <= claimed_end - end < self.dialect.align
        return agrees and claimed > left and not is_placeholder(claimed)

    def _before_last_chunks(self, start: int) -> int:
        """Return where the chunks begin that end the file, or its size if there are none."""
        if self.dialect.head != 8:
            return self.size
        first = max(start + self.dialect.prefix, self.size - _SEARCHED)
        data = np.frombuffer(read_at(self.file, first, self.size - first), np.uint8)
        count = len(data) - 8
        if count < 1:
            return self.size
        printable = (data >= 32) & (data < 127)
        named = np.logical_and.reduce([printable[i : i + count] for i in range(4)])
        places = np.flatnonzero(named)
        order = "<u4" if self.dialect.size == "<I" else ">u4"
        columns = np.stack([data[places + i] for i in range(4, 8)], axis=1)
        sizes = np.ascontiguousarray(columns).view(order)[:, 0].astype(np.int64)
        ends = places + 8 + sizes
        end = len(data)
        for _ in range(_MAX_TRIES):
            chunks = places[(ends == end) | (ends + sizes % 2 == end)]
            if not len(chunks):
                break
            end = int(chunks[0])
        return first + end
