"""No metadata costs a picture whose pixels are sound."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gancli.modalities.image.decode import decode
from gancli.modalities.image.metadata import without_metadata
from gancli.modalities.image.spec import Ranges

Entry = tuple[int, int, int, bytes]  # tag, type, count, value

# White above black; after the quarter turn of ORIENTATION, white is on the right.
PIXELS = np.zeros((64, 32, 3), np.uint8)
PIXELS[:32] = 255
ORIENTATION: Entry = (0x0112, 3, 1, struct.pack("<H", 6))
FLOAT = struct.pack("<f", 1.5)
ODD: dict[str, list[Entry]] = {
    "a copyright that is a float": [(0x8298, 11, 1, FLOAT)],
    "a unit of 70000": [(0x0128, 4, 1, struct.pack("<I", 70000))],
    "a resolution in words": [
        (0x011A, 2, 4, b"abc\0"), (0x011B, 2, 4, b"abc\0"), (0x0128, 3, 1, struct.pack("<H", 3)),
    ],
    "a resolution of 0 / 0": [(0x011A, 5, 1, bytes(8)), (0x0128, 3, 1, struct.pack("<H", 2))],
    "GPS that lies beyond the end": [(0x8825, 4, 1, struct.pack("<I", 99999))],
    "GPS that is a word": [(0x8825, 2, 4, b"abc\0")],
    "EXIF that is a float": [(0x8769, 11, 1, FLOAT)],
    "EXIF that holds itself": [(0x8769, 4, 1, struct.pack("<I", 8))],
    "a text of 2 GB": [(0x010E, 2, 2**31, bytes(4))],
    "a type that is none": [(0x010E, 99, 1, bytes(4))],
    "XMP that is a number": [(0x02BC, 4, 1, bytes(4))],
}


def directory(entries: list[Entry], tail: bytes = b"") -> bytes:
    """Return a TIFF file of a directory, which is what an EXIF block is, and what follows it."""
    entries = sorted(entries)
    place = 8 + 2 + 12 * len(entries) + 4
    out, values = struct.pack("<2sHIH", b"II", 42, 8, len(entries)), b""
    for tag, kind, count, value in entries:
        where = value.ljust(4, b"\0")
        if len(value) > 4:
            where = struct.pack("<I", place + len(values))
            values += value
        out += struct.pack("<HHI", tag, kind, count) + where
    return out + bytes(4) + values + tail


def gps_altitude_of_300() -> bytes:
    block = directory([ORIENTATION, (0x8825, 4, 1, struct.pack("<I", 8 + 2 + 24 + 4))])
    return block + struct.pack("<HHHIII", 1, 5, 3, 1, 300, 0)


def encode(kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, kind, **options)
    return out.getvalue()


def turned(data: bytes) -> bool:
    """Decode a picture; return whether it is upright after a turn, or as it lies in the file."""
    pixels = decode(data, "L", 32, "stretch", Ranges()).pixels[..., 0].astype(int)
    right = pixels[:, 20:].min() > 200 and pixels[:, :12].max() < 55
    above = pixels[:12].min() > 200 and pixels[20:].max() < 55
    assert right != above
    return bool(right)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("odd", ODD)
def test_odd_exif_keeps_the_picture_and_its_orientation(kind: str, odd: str) -> None:
    assert turned(encode(kind, exif=b"Exif\0\0" + directory([ORIENTATION, *ODD[odd]])))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_odd_blocks_of_exif(kind: str) -> None:
    assert turned(encode(kind, exif=b"Exif\0\0" + gps_altitude_of_300()))
    for block in (b"garbage", b"II*\0", b"", directory([(0x0112, 3, 1, b"\x09\0")])):
        assert not turned(encode(kind, exif=b"Exif\0\0" + block))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("odd", ODD)
def test_odd_tags_of_a_tiff(packed: bool, odd: str) -> None:
    data = zlib.compress(PIXELS.tobytes()) if packed else PIXELS.tobytes()
    short = {256: 32, 257: 64, 259: 8 if packed else 1, 262: 2, 277: 3, 278: 64}
    entries = [(tag, 3, 1, struct.pack("<H", value)) for tag, value in short.items()]
    entries += [
        (258, 3, 3, struct.pack("<HHH", 8, 8, 8)), (279, 4, 1, struct.pack("<I", len(data))),
        ORIENTATION, *ODD[odd],
    ]
    start = len(directory([*entries, (273, 4, 1, bytes(4))]))
    assert turned(directory([*entries, (273, 4, 1, struct.pack("<I", start))], data))


def test_avif_with_a_broken_block_of_exif() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    data = encode("AVIF", exif=exif)
    assert turned(data)
    place = data.rindex(b"MM\0*" if b"MM\0*" in data else b"II*\0")
    # The format has an orientation of its own, which is what Pillow writes.
    for broken in (b"XXXX", b"XXXX" + b"\xff" * 8):
        assert turned(data[:place] + broken + data[place + len(broken) :])


def chunk(name: bytes, data: bytes, crc: int = 0) -> bytes:
    """Return a chunk of a PNG, whose checksum is wrong unless ``crc`` is 0."""
    checksum = zlib.crc32(name + data) ^ crc
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


LONG = zlib.compress(bytes(3_000_000))


@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"tEXt", b"a\0b", crc=1), chunk(b"abCd", b"x", crc=1),
        chunk(b"zTXt", b"a\0\0" + LONG), chunk(b"iTXt", b"a\0\1\0\0\0" + LONG),
        chunk(b"iCCP", b"a\0\0" + LONG), chunk(b"iCCP", b"a"),
        chunk(b"pHYs", b""), chunk(b"gAMA", b"a"), chunk(b"cHRM", b"a"), chunk(b"sRGB", b""),
        chunk(b"eXIf", directory([ORIENTATION]), crc=1), chunk(b"acTL", b"a"), chunk(b"fcTL", b"a"),
        chunk(b"acTL", b"\0\0\0\2\0\0\0\0") + chunk(b"fcTL", bytes(26)),
    ],
    ids=lambda data: data[4:8].decode(),
)
def test_odd_chunks_of_a_png(odd: bytes) -> None:
    data = encode("PNG", exif=b"Exif\0\0" + directory([ORIENTATION]))
    assert turned(data[:33] + odd + data[33:]) and turned(data[:-12] + odd + data[-12:])


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


@pytest.mark.parametrize(
    "odd",
    [
        segment(0xE2, b"ICC_PROFILE\0"), segment(0xE0, b"JFIF\0"), segment(0xEE, b"Adobe"),
        segment(0xE2, b"MPF\0garbage"), segment(0xED, b"Photoshop 3.0\x008BIM"), segment(0xFE, b""),
        segment(0xE2, b"MPF\0" + directory([(0xB001, 4, 1, b"\2")])),
    ],
    ids=lambda data: data[4:9].decode("latin-1"),
)
def test_odd_segments_of_a_jpeg(odd: bytes) -> None:
    data = encode("JPEG", exif=b"Exif\0\0" + directory([ORIENTATION]))
    assert turned(data[:2] + odd + data[2:])


@pytest.mark.parametrize("odd", [b"res \0", b"xml \xff", b"uuid"])
def test_odd_boxes_of_jpeg_2000(odd: bytes) -> None:
    data = encode("JPEG2000")
    box = struct.pack(">I", 4 + len(odd)) + odd
    inside = data.index(b"jp2h") + 4
    (length,) = struct.unpack_from(">I", data, inside - 8)
    header = struct.pack(">I", length + len(box)) + b"jp2h" + box
    assert not turned(data[: inside - 8] + header + data[inside:])
    assert not turned(data[: inside - 8] + box + data[inside - 8 :])


def test_the_orientation_of_xmp() -> None:
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation='x' tiff:Orientation=\"6\"/>"
    data = encode("JPEG")
    assert turned(data[:2] + segment(0xE1, xmp) + data[2:])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "BMP", "JPEG2000"])
def test_the_rest_of_a_file_is_the_same_picture(kind: str) -> None:
    described = Image.Exif()
    described[0x010E] = "a description"
    block = directory([ORIENTATION, (0x010E, 2, 14, b"a description\0")])
    options = {"exif": described if kind in ("TIFF", "AVIF") else b"Exif\0\0" + block}
    data = encode(kind, **({} if kind in ("BMP", "JPEG2000") else options))
    bare, exif = without_metadata(data, kind)
    assert (block in exif) == (kind in ("PNG", "JPEG", "WEBP"))
    if kind in ("BMP", "JPEG2000"):  # which hold nothing that could be left out
        assert bare == data
        return
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(bare)) as after:
        assert np.array_equal(np.asarray(before), np.asarray(after))
        assert 0x010E in before.getexif() and 0x010E not in after.getexif()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "JPEG2000"])
def test_the_structure_of_damaged_files_is_followed_to_its_end(kind: str) -> None:
    data = encode(kind)
    rng = np.random.default_rng(0)
    for length in rng.integers(0, len(data), 50):
        without_metadata(data[:length], kind)
        noisy = bytearray(data)
        noisy[length] = rng.integers(256)
        without_metadata(bytes(noisy), kind)
