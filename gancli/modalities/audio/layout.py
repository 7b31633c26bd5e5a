"""Where the sound is in a file, and a header that is true of it, for the decoder."""

import struct
from dataclasses import dataclass
from typing import IO

from gancli.modalities.audio.chunks import (
    AIFF,
    CAF,
    DIALECTS,
    RIFX,
    UNKNOWN,
    Chunks,
    is_missing,
    is_placeholder,
    read_at,
)
from gancli.modalities.audio.wave_format import mpeg, normalized

_MAX_WAV = (1 << 32) - 256  # bytes of sound that the sizes of a WAV can state


@dataclass(frozen=True)
class Layout:
    """What a decoder is to be given in place of a file.

    Args:
        header: The bytes before the sound.
        spans: Where the sound is in the file: first byte and one past the last, in order.
        short: Whether the file ends before the sound does.
    """

    header: bytes
    spans: list[tuple[int, int]]
    short: bool


def find_sound(file: IO[bytes], size: int) -> Layout | None:
    """Return where the sound in a file is, or None if it is not of a format that is known here.

    Args:
        file: A seekable file.
        size: Number of bytes in it.
    """
    head, base = read_at(file, 0, 10), 0
    if head[:4] in (b".snd", b"dns."):
        return _find_au(file, size)
    if head.startswith(b"ID3") and len(head) == 10:
        tag = 0
        for byte in head[6:]:
            tag = tag << 7 | byte & 0x7F
        base = 10 + tag
    magic = read_at(file, base, 4)
    if magic not in DIALECTS or size < base + DIALECTS[magic].first:
        return None
    chunks = Chunks(file, base, size, DIALECTS[magic])
    chunks.read()
    if not chunks.spans or chunks.dialect.form not in chunks.contents:
        return None
    if chunks.dialect is AIFF:
        return _aiff(chunks)
    return _caf(chunks) if chunks.dialect is CAF else _wav(chunks)


def _wav(chunks: Chunks) -> Layout | None:
    """Return the layout of a WAV, or of what differs from one in its sizes alone."""
    order = ">" if chunks.dialect is RIFX else "<"
    raw = chunks.contents[b"fmt "]
    if mpeg(raw, order):
        return Layout(b"", chunks.spans, chunks.short)
    form, frame = normalized(raw, order)
    if not form:
        return None
    # One byte that is left over pads the chunk.
    spans = [(start, stop - ((stop - start) % frame == 1)) for start, stop in chunks.spans]
    count = sum(stop - start for start, stop in spans)
    if count < _MAX_WAV:
        sizes = (len(form) + 20 + count, count)
        magic, extra = (b"RIFX" if order == ">" else b"RIFF"), b""
    else:
        sizes = (UNKNOWN, UNKNOWN)
        table = struct.pack("<QQQI", len(form) + 56 + count, count, 0, 0)
        magic, extra = b"RF64", b"ds64" + struct.pack("<I", len(table)) + table
    header = b"".join((
        magic, struct.pack(order + "I", sizes[0]), b"WAVE", extra,
        b"fmt ", struct.pack(order + "I", len(form)), form,
        b"data", struct.pack(order + "I", sizes[1]),
    ))
    return Layout(header, spans, chunks.short)


def _aiff(chunks: Chunks) -> Layout:
    start, stop = chunks.spans[0]
    kind = read_at(chunks.file, chunks.base + 8, 4)
    common = chunks.contents[b"COMM"]
    common += b"\0" * (len(common) % 2)
    count = min(stop - start, _MAX_WAV)
    sizes = (len(common) + 20 + count, len(common), count)
    header = b"".join((
        b"FORM", struct.pack(">I", sizes[0]), kind, b"COMM", struct.pack(">I", sizes[1]), common,
        b"SSND", struct.pack(">I", sizes[2]),
    ))
    return Layout(header, [(start, start + count)], chunks.short)


def _caf(chunks: Chunks) -> Layout:
    start, stop = chunks.spans[0]
    header = read_at(chunks.file, chunks.base, 8)
    for name in (b"desc", b"kuki", b"pakt"):
        if name in chunks.contents:
            content = chunks.contents[name]
            header += name + struct.pack(">Q", len(content)) + content
    header += b"data" + struct.pack(">Q", stop - start)
    return Layout(header, [(start, stop)], chunks.short)


def _find_au(file: IO[bytes], size: int) -> Layout | None:
    head = read_at(file, 0, 24)
    if len(head) < 24:
        return None
    order = ">" if head[:4] == b".snd" else "<"
    start, claimed = struct.unpack(order + "II", head[4:12])
    if not 24 <= start <= size:
        return None
    # A size that leaves most of the file unexplained is not believed.
    whole = start + claimed > size or claimed <= size - start - claimed
    stop = size if whole or is_placeholder(claimed) else start + claimed
    header = head[:4] + struct.pack(order + "II", 24, UNKNOWN) + head[12:]
    return Layout(header, [(start, stop)], is_missing(claimed, start, size))
