"""Decoding picture files; broken and hostile files are refused."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gancli.modalities.image.decode import BadImage, decode, image_info, is_image

FORMATS = ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"]
NOISE = np.random.default_rng(0).integers(0, 256, (28, 28, 4), np.uint8)


def encode(pixels: Any, kind: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    out = io.BytesIO()
    (image.convert(mode) if mode else image).save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + crc


def lying_png(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")[:12]) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize(("channels", "depth"), [("L", 1), ("RGB", 3), ("RGBA", 4)])
def test_a_picture_of_the_right_size_is_not_changed(channels: Any, depth: int, fit: Any) -> None:
    pixels = NOISE[..., 0] if depth == 1 else NOISE[..., :depth]
    result = decode(encode(np.ascontiguousarray(pixels)), channels, 28, fit)
    assert result.dtype == np.uint8
    assert np.array_equal(result, pixels.reshape(28, 28, depth))


def test_a_crop_without_scaling_changes_no_pixel() -> None:
    result = decode(encode(np.ascontiguousarray(NOISE[4:24, :, :3])), "RGB", 20, "crop")
    assert np.array_equal(result, NOISE[4:24, 4:24, :3])


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_and_number_of_channels(kind: str) -> None:
    flat = np.full((40, 50, 3), (200, 100, 50), np.uint8)
    result = decode(encode(flat, kind), "RGB", 32, "crop")
    assert result.shape == (32, 32, 3)
    assert np.abs(result.astype(int) - (200, 100, 50)).max() <= 6
    assert decode(encode(flat, kind), "L", 32, "crop").shape == (32, 32, 1)
    assert (decode(encode(flat, kind), "RGBA", 32, "crop")[..., 3] == 255).all()


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGB", "PNG"), ("RGBA", "PNG"),
     ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("P", "GIF"), ("I;16", "PNG"), ("F", "TIFF")],
)
def test_every_mode_keeps_black_and_white(mode: str, kind: str) -> None:
    grey = np.zeros((16, 16), np.uint8)
    grey[:, 8:] = 255
    if mode == "I;16":
        data = encode(grey.astype(np.uint16) * 257, kind)
    elif mode == "F":
        data = encode(grey.astype(np.float32), kind)
    else:
        data = encode(grey, kind, mode)
    result = decode(data, "RGB", 16, "crop").astype(int)
    assert result[:, :8].max() <= 4 and result[:, 8:].min() >= 251


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    high = np.arange(256, dtype=np.uint16).reshape(16, 16)
    ramp = high * 256 + (255 - high)
    for kind in ("PNG", "TIFF"):
        result = decode(encode(ramp, kind), "L", 16, "crop")[..., 0]
        assert np.array_equal(result, (ramp >> 8).astype(np.uint8))
    as_int32 = Image.fromarray(ramp.astype(np.int32))
    assert as_int32.mode == "I"
    result = decode(encode(as_int32, "TIFF"), "L", 16, "crop")[..., 0]
    assert np.array_equal(result, (ramp >> 8).astype(np.uint8))


def test_floats() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    for scale in (1, 255, 65535):
        result = decode(encode(ramp * scale, "TIFF"), "L", 16, "crop")[..., 0].astype(int)
        assert np.abs(result - ramp * 255).max() <= 1.01
    for bad in (np.nan, -1.0, 1e9):
        ramp[3, 3] = bad
        with pytest.raises(BadImage, match="65535"):
            decode(encode(ramp, "TIFF"), "L", 16, "crop")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_rotation_is_applied(kind: str) -> None:
    pixels = np.zeros((64, 32, 3), np.uint8)
    pixels[:32] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise: the white top moves to the right
    result = decode(encode(pixels, kind, exif=exif), "L", 32, "stretch")[..., 0].astype(int)
    assert result[:, 20:].min() > 200 and result[:, :12].max() < 55


def test_palette_transparency_and_color_keys() -> None:
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.paste(1, (8, 0, 16, 16))
    data = encode(palette, transparency=0)
    result = decode(data, "RGBA", 16, "crop")
    assert (result[:, :8, 3] == 0).all() and (result[:, 8:] == (0, 0, 255, 255)).all()
    assert image_info(data).transparent
    keyed = encode(np.zeros((16, 16), np.uint8), transparency=0)
    assert (decode(keyed, "RGBA", 16, "crop")[..., 3] == 0).all()


def test_transparency_is_blended_with_white() -> None:
    clear = np.zeros((16, 16, 4), np.uint8)
    clear[:, 8:] = (255, 0, 0, 255)
    for size in (16, 32):
        result = decode(encode(clear), "RGB", size, "crop")
        assert (result[:, 0] == 255).all() and (result[:, -1] == (255, 0, 0)).all()
    assert (decode(encode(clear, mode="LA"), "L", 16, "crop")[:, :8] == 255).all()


@pytest.mark.parametrize("size", [16, 32, 128])
def test_the_color_of_invisible_pixels_does_not_bleed(size: int) -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., 0] = 255
    pixels[16:48, 16:48] = (0, 0, 255, 255)
    result = decode(encode(pixels), "RGBA", size, "crop").astype(int)
    solid = result[result[..., 3] > 40]
    assert len(solid) and (solid[:, 0] <= 4).all() and (solid[:, 2] >= 245).all()


def test_fits() -> None:
    # Thirds of red, green and blue, three times as wide as high.
    pixels = np.zeros((32, 96, 3), np.uint8)
    for third in range(3):
        pixels[:, 32 * third : 32 * third + 32, third] = 255
    data = encode(pixels)
    assert (decode(data, "RGB", 32, "crop") == (0, 255, 0)).all()
    # Scaled before it is cropped, so the neighbors bleed in a little.
    assert (decode(data, "RGB", 16, "crop")[:, 3:-3] == (0, 255, 0)).all()
    stretched = decode(data, "RGB", 48, "stretch")
    assert stretched[24, 2].tolist() == [255, 0, 0] and stretched[24, 45].tolist() == [0, 0, 255]
    padded = decode(data, "RGB", 48, "pad")
    assert (padded[:16] == 0).all() and (padded[32:] == 0).all()
    assert padded[24, 24].tolist() == [0, 255, 0] and padded[16, 2].tolist() == [255, 0, 0]
    assert (decode(data, "RGBA", 48, "pad")[:16] == 0).all()
    assert (decode(data, "RGBA", 48, "pad")[16:32, :, 3] == 255).all()
    clear = np.zeros((8, 16, 4), np.uint8)
    assert (decode(encode(clear), "RGB", 16, "pad")[:4] == 0).all()


def test_extreme_shapes() -> None:
    for shape in ((1, 3000), (3000, 1), (1, 1)):
        for fit in ("crop", "pad", "stretch"):
            data = encode(np.full(shape, 7, np.uint8))
            assert decode(data, "L", 16, fit).shape == (16, 16, 1)  # type: ignore[arg-type]


def test_shrinking_averages() -> None:
    checks = (np.indices((1024, 1024)).sum(0) % 2 * 255).astype(np.uint8)
    for kind in ("PNG", "JPEG"):
        result = decode(encode(checks, kind), "L", 32, "crop")
        assert np.abs(result.astype(int) - 127).max() <= 4


def test_image_info() -> None:
    color = encode(np.ascontiguousarray(NOISE[:20, :, :3]))
    assert image_info(color) == (20, False, False)
    grey = np.repeat(NOISE[..., :1], 3, axis=2)
    assert image_info(encode(grey)) == (28, True, False)
    assert image_info(encode(NOISE)) == (28, False, True)
    opaque = NOISE.copy()
    opaque[..., 3] = 255
    assert image_info(encode(opaque)) == (28, False, False)
    assert image_info(encode(np.zeros((600, 900), np.uint8), "JPEG")).short_side == 600


def test_magic() -> None:
    for kind in FORMATS:
        assert is_image(encode(NOISE[..., 0].copy(), kind)[:16])
    for text in (b"", b"BM", b"BMW is a car maker, said", b"RIFF....WAVEfmt ", b"\x89PNG"):
        assert not is_image(text[:16])


def test_bombs_are_refused_before_they_are_decoded() -> None:
    data = lying_png(14000, 14000)
    assert len(data) < 80
    for bomb in (data, lying_png(8001, 8001)):
        for function in (image_info, lambda bomb: decode(bomb, "RGB", 32, "crop")):
            with pytest.raises(BadImage, match="claims to have more than 64,000,000 pixels"):
                function(bomb)
    # Just below the limit, the pixels are missing.
    with pytest.raises(BadImage, match="decoded"):
        image_info(lying_png(8000, 8000))


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 1000, b"%PDF-1.4", b"BM", lying_png(9, 9)])
def test_files_that_are_not_pictures(data: bytes) -> None:
    with pytest.raises(BadImage):
        decode(data, "RGB", 32, "crop")


@pytest.mark.parametrize("kind", FORMATS)
def test_truncated_pictures_are_refused(kind: str) -> None:
    data = encode(np.ascontiguousarray(NOISE[..., :3]).repeat(4, 0).repeat(4, 1), kind)
    for fraction in (0.1, 0.5, 0.8):
        with pytest.raises(BadImage):
            decode(data[: int(len(data) * fraction)], "RGB", 32, "crop")


def test_a_corrupt_exif_block_does_not_matter() -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    exif[0x010E] = "a description that is long enough to lie elsewhere"
    data = encode(NOISE[..., 0].copy(), "JPEG", exif=exif)
    cut = data.replace(struct.pack("<HHI", 0x010E, 2, 51), struct.pack("<HHI", 0x010E, 2, 60000))
    assert decode(cut, "L", 28, "crop").shape == (28, 28, 1)


@pytest.mark.parametrize("kind", FORMATS)
def test_mutated_pictures_raise_only_bad_image(kind: str) -> None:
    exif = {"exif": Image.Exif()} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}
    if exif:
        exif["exif"][0x0112] = 3
    original = encode(np.ascontiguousarray(NOISE[..., :3]), kind, **exif)

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.tuples(st.integers(0, 250), st.integers(0, 255)), max_size=5),
        st.integers(0, len(original)),
    )
    def check(changes: list[tuple[int, int]], length: int) -> None:
        data = bytearray(original)
        for place, value in changes:
            data[place] = value
        shortened = bytes(data[:length] if length % 3 == 0 else data)
        for function in (image_info, lambda data: decode(data, "RGBA", 16, "pad")):
            try:
                function(shortened)
            except BadImage as error:
                assert str(error)

    check()
