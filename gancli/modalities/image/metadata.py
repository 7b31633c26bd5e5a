"""A picture file without its metadata, for decoders that stumble over it."""

import re
import struct
from collections.abc import Iterator

# TIFF tags that say how pixels are stored, and the orientation, which Pillow applies by itself.
_TIFF_TAGS = frozenset(
    [254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, 321,
     322, 323, 324, 325, 332, 338, 339, 347, 512, 513, 514, 519, 520, 521, 529, 530, 531, 532]
)
_PNG_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_JP2_BOXES = (b"jP  ", b"ftyp", b"jp2h", b"jp2c")
_JP2_HEADER = (b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef")
_WEBP_METADATA_FLAGS = 0x20 | 0x08 | 0x04  # ICC profile, EXIF, XMP
_AVIF_METADATA = re.compile(rb"(infe.{8}(?:.{2})?)(?:Exif|mime)", re.DOTALL)


def without_metadata(data: bytes, kind: str) -> tuple[bytes, bytes]:
    """Return a file with only what its pixels need, and the EXIF block that it had.

    Args:
        data: The file.
        kind: Pillow's name of its format; of formats that are not known here, nothing is removed.

    Returns:
        The file, unchanged if its structure cannot be followed, and the block or nothing.
    """
    strip = {
        "PNG": _png, "JPEG": _jpeg, "WEBP": _webp, "TIFF": _tiff, "AVIF": _avif, "JPEG2000": _jp2,
    }.get(kind)
    try:
        return strip(data) if strip else (data, b"")
    except (struct.error, IndexError):
        return data, b""


def _png(data: bytes) -> tuple[bytes, bytes]:
    kept, exif, position = [data[:8]], b"", 8
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if name in _PNG_CHUNKS:
            kept.append(data[position:end])
        elif name == b"eXIf":
            exif = data[position + 8 : end - 4]
        position = end
    return b"".join(kept), exif


def _jpeg(data: bytes) -> tuple[bytes, bytes]:
    kept, exif, position = [data[:2]], b"", 2
    while data[position] == 0xFF and (marker := data[position + 1]) != 0xDA:  # start of scan
        if marker == 0xFF:  # padding
            position += 1
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        segment = data[position : position + 2 + length]
        # JFIF's and Adobe's segments say how colors are coded.
        coding = marker in (0xE0, 0xEE) and length >= 14
        if coding or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(segment)
        elif segment[4:10] == b"Exif\0\0":
            exif = segment[4:]
        position += 2 + length
    return b"".join([*kept, data[position:]]), exif


def _webp(data: bytes) -> tuple[bytes, bytes]:
    kept, exif, position = [], b"", 12
    while position < len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        end = position + 8 + length + length % 2
        if name == b"VP8X":
            flags = data[position + 8] & ~_WEBP_METADATA_FLAGS
            kept.append(data[position : position + 8] + bytes([flags]) + data[position + 9 : end])
        elif name == b"EXIF":
            exif = data[position + 8 : position + 8 + length]
        elif name not in (b"ICCP", b"XMP "):
            kept.append(data[position:end])
        position = end
    chunks = b"".join(kept)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WEBP") + chunks, exif


def _tiff(data: bytes) -> tuple[bytes, bytes]:
    """Put a shorter directory in place of the first one; its values stay where they are."""
    order = "<" if data.startswith(b"II") else ">"
    version, start = struct.unpack_from(order + "HI", data, 2)
    if version != 42:  # BigTIFF
        return data, b""
    (count,) = struct.unpack_from(order + "H", data, start)
    end = start + 2 + 12 * count
    entries = [data[position : position + 12] for position in range(start + 2, end, 12)]
    kept = [entry for entry in entries if struct.unpack_from(order + "H", entry)[0] in _TIFF_TAGS]
    (following,) = struct.unpack_from(order + "I", data, end)
    head = data[:4] + struct.pack(order + "I", len(data))
    directory = [struct.pack(order + "H", len(kept)), *kept, struct.pack(order + "I", following)]
    return b"".join([head, data[8:], *directory]), b""


def _jp2(data: bytes) -> tuple[bytes, bytes]:
    """Keep the boxes that lead to the pixels, and in the header those that describe them."""
    kept = []
    for name, box in _boxes(data):
        if name == b"jp2h":
            inner = [each for part, each in _boxes(box[8:]) if part in _JP2_HEADER]
            box = struct.pack(">I4s", 8 + sum(map(len, inner)), name) + b"".join(inner)
        if name in _JP2_BOXES:
            kept.append(box)
    return b"".join(kept) or data, b""


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the bytes of each box; the last one may reach to the end."""
    position = 0
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + length if length >= 8 else len(data)
        yield name, data[position:end]
        position = end


def _avif(data: bytes) -> tuple[bytes, bytes]:
    """Turn items of metadata into some of an unknown type, which decoders pass over."""
    return _AVIF_METADATA.sub(rb"\1skip", data), b""
