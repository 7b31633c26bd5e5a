"""Which format a file has, and what is said of those that cannot be read."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Recorder
from PIL import Image, features

from gancli.data.source import open_source
from gancli.errors import GancliError
from gancli.modalities.image import formats
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.dataset import load
from gancli.modalities.image.decode import BadImage, decode
from gancli.modalities.image.inspect import inspect
from gancli.modalities.image.spec import Ranges

PIXELS = np.arange(256, dtype=np.uint8).reshape(16, 16)
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
# The first bytes of formats that cannot be read, a usual name, and words of the advice.
OTHERS = {
    "a.HEIC": (HEIC, "HEIC photos", "heif-convert"),
    "b.heif": (b"\0\0\0\x14ftypmif1\0\0\0\0mif1", "HEIC photos", r"\*\.heif"),
    "a.CR2": (b"II*\0\x10\0\0\0CR\2\0", "camera raw files", r"photo\.cr2"),
    "a.nef": (b"MM\0*\0\0\0\x08", "camera raw files", "darktable-cli"),
    "a.raf": (b"FUJIFILMCCD-RAW 0201", "camera raw files", "darktable-cli"),
    "a.svg": (b"<?xml version='1.0'?>\n<!-- x -->\n<svg xmlns=''>", "SVG drawings", "rsvg"),
    "a.psd": (b"8BPS\0\1", "layered pictures", "magick"),
    "a.jxl": (b"\xff\x0a\xfa", "JPEG XL pictures", "djxl"),
    "a.exr": (b"v/1\1", "HDR pictures", "magick"),
    "a.dcm": (bytes(128) + b"DICM", "medical or astronomical images", "--range"),
    "a.ico": (b"\0\0\1\0\1\0\x10\x10\0\0\1\0", "icons or textures", r"\*\.ico"),
    "a.mp4": (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "videos", "ffmpeg"),
    "a.mkv": (b"\x1aE\xdf\xa3", "videos", "ffmpeg"),
    "a.npy": (b"\x93NUMPY\1\0", "arrays", "fromarray"),
    "a.pdf": (b"%PDF-1.7", "PDF or PostScript documents", "pdftoppm"),
    "a.7z": (b"7z\xbc\xaf\x27\x1c", "archives", "unpack"),
    "a.wav": (b"RIFF\0\0\0\0WAVEfmt ", "sounds", "gancli train audio"),
    "a.html": (b"<!DOCTYPE html><html>", "web pages", "download"),
}


def encode(pixels: Any, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> str:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return str(folder)


def run(path: str, **values: Any) -> tuple[Any, Recorder]:
    source, reporter, config = open_source(path), Recorder(), ImageConfig(**values)
    spec, _ = inspect(source, config)
    return load(source, spec, config, reporter), reporter


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))


def test_magic() -> None:
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "JPEG2000", "PPM"):
        head = encode(PIXELS, kind)[: formats.HEAD_BYTES]
        assert formats.is_image(head) and formats.identify(head) == kind
    assert formats.is_image(encode(PIXELS, "JPEG2000", no_jp2=True))
    assert formats.is_image(encode(PIXELS, "TIFF", big_tiff=True))
    for kind in ("TGA", "PCX", "SGI"):  # too weak to tell a picture, but enough to open one
        head = encode(PIXELS, kind)[: formats.HEAD_BYTES]
        assert formats.identify(head) == kind and not formats.is_image(head)
    car = b"BMW is a car maker, said"
    for text in (b"", b"BM", car, b"RIFF....WAVEfmt ", b"\x89PNG", b"P5 is"):
        assert not formats.is_image(text) and formats.identify(text) is None


def test_what_pillow_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    data, check = encode(PIXELS, "AVIF"), features.check
    assert ".avif" in formats.suffixes()
    formats.readable.cache_clear()
    monkeypatch.setattr(features, "check", lambda name: name != "avif" and check(name))
    try:
        assert ".avif" not in formats.suffixes() and ".avif" in formats.other_suffixes()
        with pytest.raises(BadImage, match="pip install --upgrade pillow"):
            decode(data, "L", 16, "crop", Ranges())
    finally:
        formats.readable.cache_clear()


@pytest.mark.parametrize("name", OTHERS)
def test_a_folder_of_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    head, title, advice = OTHERS[name]
    suffix = Path(name).suffix
    path = write(tmp_path / "x", {f"{index}{suffix}": head for index in range(3)} | {"n": b"x"})
    listed = rf"no pictures .*: {title}.* \(3\), others \(1\)"
    with pytest.raises(GancliError, match=listed) as caught:
        run(path)
    assert re.search(advice, caught.value.hint)


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "a.nef"])
def test_files_without_or_with_a_wrong_suffix(tmp_path: Path, name: str) -> None:
    head, title, _ = OTHERS[name]
    with pytest.raises(GancliError, match=f"no pictures .*: {title}"):
        run(write(tmp_path / "x", {"file": head}))
    with pytest.raises(GancliError, match=f"'a.jpg', 'b.jpg': it is one of those {title}"):
        run(write(tmp_path / "y", {"a.jpg": head, "b.jpg": head}))


def test_other_pictures_beside_pictures_are_counted(tmp_path: Path) -> None:
    files = {f"{index}.png": encode(PIXELS + np.uint8(index), "PNG") for index in range(5)}
    path = write(tmp_path / "x", {**files, "a.heic": HEIC, "b.HEIC": HEIC, "c.mp4": b"", "d": b""})
    data, reporter = run(path)
    assert len(data.arrays["pixels"]) == 5
    (warning,) = reporter.warnings
    assert "Left out" in warning and "HEIC photos (2)" in warning and "heif-convert" in warning
    assert "Ignored 2 files that are not pictures." in reporter.notes
    with pytest.raises(GancliError, match=r"HEIC photos \(2\), which cannot be read"):
        run(path, strict=True)


def test_a_pointer_in_place_of_a_picture(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n"
    files = {f"{index}.png": encode(PIXELS + np.uint8(index), "PNG") for index in range(3)}
    _, reporter = run(write(tmp_path / "x", {**files, "a.png": pointer}))
    assert "Git LFS" in reporter.warnings[0] and "git lfs pull" in reporter.warnings[0]


@pytest.mark.parametrize("kind", ["AVIF", "JPEG2000", "PPM", "TGA", "SGI", "PCX"])
def test_formats_by_their_names(tmp_path: Path, kind: str) -> None:
    suffix = {"AVIF": "avif", "JPEG2000": "jp2", "PPM": "pgm"}.get(kind, kind.lower())
    quality = {"quality": 100} if kind == "AVIF" else {}
    files = {
        f"{index}.{suffix.upper()}": encode(np.roll(PIXELS, index, 0), kind, **quality)
        for index in range(3)
    }
    data, _ = run(write(tmp_path / "x", files))
    expected = np.stack([np.roll(PIXELS, index, 0) for index in range(3)])
    assert np.abs(data.arrays["pixels"][..., 0].astype(int) - expected).max() <= 2


def test_pages_are_not_dropped_in_silence(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.roll(PIXELS, index, 0)) for index in range(3)]
    stack = io.BytesIO()
    pages[0].save(stack, "TIFF", save_all=True, append_images=pages[1:])
    path = write(tmp_path / "x", {"a.tif": stack.getvalue(), "b.tif": encode(PIXELS.T, "TIFF")})
    for _ in range(2):  # the second time from the cache
        data, reporter = run(path)
        assert len(data.arrays["pixels"]) == 2
        (warning,) = reporter.warnings
        assert "first frame or page is used of 1 picture: 'a.tif'. To" in warning
    with pytest.raises(GancliError, match="single picture") as caught:
        run(str(tmp_path / "x" / "a.tif"))
    assert "several frames or pages" in caught.value.hint


def test_a_tiff_of_a_kind_that_cannot_be_read() -> None:
    data = bytearray(encode(PIXELS, "TIFF"))
    place = data.index(b"\x02\x01\x03\0\1\0\0\0") + 8  # bits of a sample
    data[place] = 64
    with pytest.raises(BadImage, match="^1 channel of 64-bit integers in a TIFF cannot be read"):
        decode(bytes(data), "L", 16, "crop", Ranges())
