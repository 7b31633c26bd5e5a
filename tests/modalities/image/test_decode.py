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

from gancli.modalities.image import decode as module
from gancli.modalities.image.decode import BadImage, image_info
from gancli.modalities.image.formats import readable
from gancli.modalities.image.spec import Ranges

FORMATS = sorted(readable())
NOISE = np.random.default_rng(0).integers(0, 256, (28, 28, 4), np.uint8)


def decode(data: bytes, channels: Any, size: int, fit: Any, **ranges: Any) -> np.ndarray:
    return module.decode(data, channels, size, fit, Ranges(**ranges)).pixels


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
     ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("P", "GIF"), ("I;16", "PNG"),
     ("PA", "TIFF"), ("LAB", "TIFF"), ("YCbCr", "TIFF"), ("1", "PPM"), ("L", "AVIF"),
     ("LA", "JPEG2000"), ("P", "PCX"), ("P", "TGA"), ("LA", "TGA")],
)
def test_every_mode_keeps_black_and_white(mode: str, kind: str) -> None:
    grey = np.zeros((16, 16), np.uint8)
    grey[:, 8:] = 255
    if mode == "I;16":
        data = encode(grey.astype(np.uint16) * 257, kind)
    else:
        data = encode(grey, kind, mode)
    result = decode(data, "RGB", 16, "crop").astype(int)
    assert result[:, :8].max() <= 4 and result[:, 8:].min() >= 251


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    expected = np.rint(ramp / 257).astype(np.uint8)
    for kind in ("PNG", "TIFF", "JPEG2000", "PPM"):
        result = decode(encode(ramp, kind), "L", 16, "crop")[..., 0]
        assert np.array_equal(result, expected)
    as_int32 = Image.fromarray(ramp.astype(np.int32))
    assert as_int32.mode == "I"
    result = decode(encode(as_int32, "TIFF"), "L", 16, "crop")[..., 0]
    assert np.array_equal(result, expected)


def test_numbers_are_scaled_by_the_range_of_their_kind() -> None:
    ramp = np.linspace(-0.5, 1.5, 256, dtype=np.float32).reshape(16, 16)
    expected = np.rint(ramp.clip(0, 1) * 255)
    result = decode(encode(ramp, "TIFF"), "L", 16, "crop")[..., 0].astype(int)
    assert np.abs(result - expected).max() <= 1
    wide = np.rint(ramp * 1000).astype(np.int32)  # -500..1500
    result = decode(encode(wide, "TIFF"), "L", 16, "crop", integer=(-500, 1500))[..., 0].astype(int)
    assert np.abs(result - np.arange(256).reshape(16, 16)).max() <= 1
    eight = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(decode(encode(eight), "L", 16, "crop")[..., 0], eight)
    for mode in ("L", "RGB", "RGBA", "LA"):
        stretched = decode(encode(eight, mode=mode), "RGBA", 16, "crop", eight_bit=(10, 61))
        assert stretched[0, 9].tolist() == [0, 0, 0, 255]
        assert stretched[0, 11].tolist() == [5, 5, 5, 255]
        assert stretched[4, 0].tolist() == [255, 255, 255, 255]


def test_numbers_that_are_none_cost_a_pixel_and_not_the_picture() -> None:
    values = np.full((16, 16), 0.5, np.float32)
    values[0, :4] = np.nan, np.inf, -np.inf, -3e38
    result = module.decode(encode(values, "TIFF"), "L", 16, "crop", Ranges())
    assert result.pixels[0, :5, 0].tolist() == [0, 255, 0, 0, 128]
    assert "invalid" in result.traits and "clipped" not in result.traits
    assert image_info(encode(values, "TIFF")).levels == ("floating", 0.5, 0.5, False)
    values[:] = np.nan
    assert image_info(encode(values, "TIFF")).levels == ("floating", 0, 0, False)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_white_is_zero(dtype: Any) -> None:
    """Scanners and fax programs write TIFFs whose 0 is white."""
    white = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    values = (np.linspace(0, 1, 256).reshape(16, 16) * white).astype(dtype)
    data = bytearray(encode(values, "TIFF"))
    place = data.index(struct.pack("<HHI", 262, 3, 1)) + 8  # photometric interpretation
    assert data[place] == 1
    data[place] = 0
    result = decode(bytes(data), "L", 16, "crop")[..., 0].astype(int)
    assert np.abs(result - np.arange(255, -1, -1).reshape(16, 16)).max() <= 1


def test_unsigned_integers_of_32_bits() -> None:
    values = np.array([[0, 2**31], [2**32 - 1, 2**30]], np.uint32).repeat(8, 0).repeat(8, 1)
    data = bytearray(encode(values.view(np.int32), "TIFF"))
    place = data.index(struct.pack("<HHI", 339, 3, 1)) + 8  # sample format
    data[place] = 1
    assert image_info(bytes(data)).levels[:3] == ("integer", 0, 2**32 - 1)
    result = decode(bytes(data), "L", 16, "crop", integer=(0, 2**32 - 1))
    assert result[[0, 0, 15, 15], [0, 15, 0, 15], 0].tolist() == [0, 128, 255, 64]


def color_png(values: np.ndarray, extra: bytes = b"") -> bytes:
    """Return a PNG of 16 bits a channel, which Pillow does not write."""
    height, width, depth = values.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[depth], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    body = chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def color_tiff(values: np.ndarray, order: str, packed: bool) -> bytes:
    """Return a TIFF of 16 bits a channel, whose fourth is alpha."""
    height, width, depth = values.shape
    data = values.astype(order + "u2").tobytes()
    data = zlib.compress(data) if packed else data
    tags = {
        256: width, 257: height, 258: 0, 259: 8 if packed else 1, 262: 2, 273: 0, 277: depth,
        278: height, 279: len(data),
    }
    if depth == 4:
        tags[338] = 2 << (16 if order == ">" else 0)
    bits = 8 + 2 + 12 * len(tags) + 4
    tags |= {258: bits, 273: bits + 2 * depth}
    out = struct.pack(order + "2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(tags))
    for tag, value in tags.items():
        short, count = tag in (258, 338), depth if tag == 258 else 1
        out += struct.pack(order + "HHII", tag, 3 if short else 4, count, value)
    return out + bytes(4) + struct.pack(order + f"{depth}H", *[16] * depth) + data


@pytest.mark.parametrize("depth", [3, 4])
@pytest.mark.parametrize("form", ["PNG", "<", "<packed", ">", ">packed"])
def test_color_of_sixteen_bits_is_scaled_too(form: str, depth: int) -> None:
    """Of 12 bits in 16, as cameras write them, the high bytes alone would be black."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 4096, (16, 16, depth), np.uint16)
    values[..., 3:] = 65535
    data = color_png(values) if form == "PNG" else color_tiff(values, form[0], "packed" in form)
    assert image_info(data).levels[:3] == ("integer", values[..., :3].min(), values[..., :3].max())
    assert not image_info(data).gray
    result = decode(data, "RGBA", 16, "crop", integer=(0, 4095))
    assert np.array_equal(result[..., :3], np.rint(values[..., :3] / 4095 * 255))
    assert (result[..., 3] == 255).all()


def test_faint_colors_of_sixteen_bits_are_colors() -> None:
    values = np.full((16, 16, 3), 30000, np.uint16)
    values[:8, :, 0] += 100  # a quarter of what changes one of 8 bits
    assert not image_info(color_png(values)).gray
    assert image_info(color_png(values[..., 1:2].repeat(3, 2))).gray


def test_grey_of_sixteen_bits_with_alpha() -> None:
    values = np.arange(256, dtype=np.uint16).reshape(16, 16, 1).repeat(2, 2) * 257
    result = decode(color_png(values), "RGBA", 16, "crop")
    assert np.array_equal(result, np.arange(256).reshape(16, 16, 1).repeat(4, 2))


def test_a_color_key_in_color_of_sixteen_bits() -> None:
    values = np.full((16, 16, 3), 300, np.uint16)
    values[:, 8:, 1] = 301
    data = color_png(values, extra=chunk(b"tRNS", struct.pack(">HHH", 300, 300, 300)))
    result = decode(data, "RGBA", 16, "crop", integer=(0, 300))
    assert (result[:, :8, 3] == 0).all() and (result[:, 8:] == 255).all()


def test_a_color_key_of_sixteen_bits() -> None:
    values = np.zeros((16, 16), np.uint16)
    values[:, 8:] = 65535
    result = decode(encode(values, transparency=0), "RGBA", 16, "crop")
    assert (result[:, :8, 3] == 0).all() and (result[:, 8:] == 255).all()


def traits(pixels: np.ndarray, channels: Any, kind: str = "PNG", **options: Any) -> set[str]:
    data = encode(pixels, kind, **options)
    return set(module.decode(data, channels, 16, "crop", Ranges()).traits)


def test_what_pixels_do_not_show_is_told() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert traits(grey, "L") == {"eight_bit"}
    assert traits(np.ascontiguousarray(NOISE[:16, :16]), "L") == {"eight_bit", "alpha", "color"}
    assert traits(np.ascontiguousarray(NOISE[:16, :16]), "RGB") == {"eight_bit", "alpha"}
    assert traits(np.ascontiguousarray(NOISE[:16, :16]), "RGBA") == {"eight_bit"}
    deep = grey.astype(np.uint16)
    assert traits(deep, "L") == {"integer", "dim"}
    assert traits(deep * 257, "L") == {"integer"}
    unit = (grey / 255).astype(np.float32)
    assert traits(unit * 1.019, "L", "TIFF") == {"floating"}
    assert traits(unit * 1.03, "L", "TIFF") == {"floating", "clipped"}
    assert traits(unit - 0.03, "L", "TIFF") == {"floating", "clipped"}


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "PNG", "AVIF"])
def test_further_frames_and_pages_are_told(kind: str) -> None:
    frames = [Image.fromarray(np.full((16, 16), value, np.uint8)) for value in (0, 255)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    result = module.decode(data, "L", 16, "crop", Ranges())
    assert "frames" in result.traits and result.pixels.max() <= 4
    assert "frames" not in traits(np.zeros((16, 16), np.uint8), "L", kind)


def test_the_preview_in_a_jpeg_is_no_frame() -> None:
    frames = [Image.fromarray(np.full((16, 16), value, np.uint8)) for value in (0, 255)]
    data = encode(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert module.decode(data, "L", 16, "crop", Ranges()).traits == ("eight_bit",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
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
    assert image_info(color)[:3] == (20, False, False)
    grey = np.repeat(NOISE[..., :1], 3, axis=2)
    assert image_info(encode(grey)) == (28, True, False, ("eight_bit", 0, 255, True))
    assert image_info(encode(NOISE))[:3] == (28, False, True)
    opaque = NOISE.copy()
    opaque[..., 3] = 255
    assert image_info(encode(opaque))[:3] == (28, False, False)
    assert image_info(encode(np.zeros((600, 900), np.uint8), "JPEG")).short_side == 600


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
