"""The fmt chunk of WAV files: how samples are encoded, as far as its fields agree."""

import struct
from collections import Counter

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_MPEG = (0x50, 0x55)
_WIDTHS = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8)}  # bytes of a sample


def _tag(raw: bytes, order: str) -> int:
    """Return the number of the encoding; an extensible header holds it further on."""
    (tag,) = struct.unpack(order + "H", raw[:2])
    if tag == _EXTENSIBLE and len(raw) >= 26:
        (tag,) = struct.unpack(order + "H", raw[24:26])
    # Integers, where the field is left empty or the extension is missing.
    return _PCM if tag in (0, _EXTENSIBLE) else int(tag)


def mpeg(raw: bytes, order: str) -> bool:
    """Return whether the sound is an MP3 stream."""
    return len(raw) >= 2 and _tag(raw, order) in _MPEG


def normalized(raw: bytes, order: str) -> tuple[bytes, int]:
    """Return a plain fmt chunk that says the same, and the bytes of a frame.

    A frame's size is in three places: itself, the bytes a second, and the bits of a sample. Two
    that agree are believed. Samples that fill their bytes only in part are read as whole ones,
    since they are aligned to the most significant bit.

    Args:
        raw: The contents of the chunk.
        order: ``<`` or ``>``, as struct has it.

    Returns:
        The chunk, empty if this one makes no sense, and the bytes of a frame: of one sample of
        each channel or, where they are compressed, of a block.
    """
    if len(raw) < 14:
        return b"", 1
    channels, rate, a_second, frame = struct.unpack(order + "HIIH", raw[2:14])
    bits = struct.unpack(order + "H", raw[14:16])[0] if len(raw) >= 16 else 0
    tag = _tag(raw, order)
    if tag not in _WIDTHS:
        return (raw if len(raw) >= 16 else b""), max(1, frame)
    if not channels or not rate:
        return b"", 1
    claims = (frame, a_second / rate, channels * -(-bits // 8))
    valid = [int(claim) for claim in claims
             if claim % channels == 0 and claim // channels in _WIDTHS[tag] and claim < 1 << 16]
    if not valid:
        return b"", 1
    frame = Counter(valid).most_common(1)[0][0]
    plain = (tag, channels, rate, min(rate * frame, 0xFFFFFFFF), frame, 8 * frame // channels)
    return struct.pack(order + "HHIIHH", *plain), frame
