"""Which format a file has, whether it can be read, and if not, what to do about it."""

import re
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import PurePosixPath
from typing import NamedTuple

from PIL import features

HEAD_BYTES = 512  # enough for every format to be recognized


class Unreadable(NamedTuple):
    """A format that cannot be read.

    Args:
        name: What files of it are, in the plural.
        advice: What to do: the end of a sentence.
        pictures: Whether they are pictures, which a person would miss among others.
    """

    name: str
    advice: str
    pictures: bool


class _Format(NamedTuple):
    suffixes: tuple[str, ...]  # the most usual one first
    recognize: Callable[[bytes], object]


def _format(suffixes: str, magic: bytes) -> _Format:
    return _Format(tuple(suffixes.split()), re.compile(magic, re.DOTALL).match)


def _brand(*brands: bytes) -> bytes:
    """Return a pattern of a file of ISO's media format (ftyp) of any of these brands."""
    return b".{4}ftyp(?:.{4}){0,7}?(?:" + b"|".join(brands) + b")"


# By Pillow's name. Those whose decoders run a loop of Python for each pixel (QOI, DDS) or another
# program (EPS), or read a picture of another size than their header says (ICO), are left out.
_READABLE = {
    "PNG": _format(".png .apng", rb"\x89PNG\r\n\x1a\n"),
    "JPEG": _format(".jpg .jpeg .jpe .jfif .jif .mpo", rb"\xff\xd8\xff"),
    "WEBP": _format(".webp", rb"RIFF.{4}WEBP"),
    "AVIF": _format(".avif .avifs", _brand(b"avif", b"avis")),
    "GIF": _format(".gif", rb"GIF8[79]a"),
    "BMP": _format(".bmp .dib", rb"BM.{4}\0\0\0\0.{6}"),
    "TIFF": _format(".tif .tiff", rb"(?!.{8}CR\x02)(?:II[*+]\0|MM\0[*+])"),
    "JPEG2000": _format(
        ".jp2 .j2k .j2c .jpc .jpf .jpx", rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n"
    ),
    "PPM": _format(".ppm .pgm .pbm .pnm .pfm", rb"P[1-6f]\s+(?:#|\d)"),
}
# These have no signature that tells them from other files, so that their names have to say it.
_NAMED = {
    "TGA": _format(".tga", rb".[\0\x01](?:\x01|\x02|\x03|\x09|\x0a|\x0b).{13}[\x08\x10\x18\x20]"),
    "SGI": _format(".sgi .rgb .rgba .bw", rb"\x01\xda[\0\x01][\x01\x02]"),
    "PCX": _format(".pcx", rb"\x0a[\0\x02-\x05][\0\x01][\x01\x02\x04\x08]"),
}
_FORMATS = {**_READABLE, **_NAMED}
# Formats that not every build of Pillow reads, by the name of the feature.
_OPTIONAL = {"WEBP": "webp", "AVIF": "avif", "JPEG2000": "jpg_2000"}

_MAGICK = "convert them to PNG, for example with ImageMagick: magick mogrify -format png *{suffix}"

# The first that matches counts. Advice may use {suffix}.
_UNREADABLE: list[tuple[str, bool, _Format, str]] = [
    (
        "HEIC photos", True,
        _format(
            ".heic .heif .hif .heics .heifs",
            _brand(b"hei[cxms]", b"hev[cxms]", b"mif[12]", b"msf1"),
        ),
        "convert them to PNG: heif-convert photo.heic photo.png (libheif), or magick mogrify "
        "-format png *{suffix}",
    ),
    (
        "camera raw files", True,
        _format(
            ".cr2 .cr3 .crw .nef .nrw .arw .srf .sr2 .dng .orf .rw2 .raf .pef .srw .x3f .3fr "
            ".iiq .erf .kdc .dcr .mrw .mos .raw",
            rb"FUJIFILMCCD-RAW|II(?:RO|RS|U\0)|II\*\0....CR\x02|FOVb|\0MRM|" + _brand(b"crx "),
        ),
        "develop them to PNG: darktable-cli photo{suffix} photo.png",
    ),
    (
        "JPEG XL pictures", True,
        _format(".jxl", rb"\xff\x0a|\0\0\0\x0cJXL "),
        "convert them to PNG: djxl picture.jxl picture.png (libjxl)",
    ),
    (
        "SVG drawings", True,
        _format(".svg .svgz", rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!(?!doctype html)[^>]*>\s*)*<svg"),
        "draw them as pixels: rsvg-convert -w 256 -o drawing.png drawing.svg (librsvg)",
    ),
    (
        "layered pictures (Photoshop, Krita, GIMP)", True,
        _format(".psd .psb .kra .xcf", rb"8BPS|gimp xcf"),
        "export them as PNG: magick 'picture{suffix}[0]' picture.png",
    ),
    (
        "HDR pictures", True,
        _format(".exr .hdr .rgbe", rb"v/1\x01|#\?R(?:ADIANC|GB)E"),
        "convert them to PNG, with the tone mapping that you want: magick picture{suffix} "
        "picture.png",
    ),
    (
        "medical or astronomical images", True,
        _format(".dcm .dicom .nii .fits .fit .fts", rb".{128}DICM|SIMPLE  ="),
        "write each slice as a TIFF or a PNG of 16 bits; --range then says which numbers are black "
        "and white",
    ),
    (
        "icons or textures", True,
        _format(
            ".ico .cur .icns .dds .qoi .ktx .xpm .xbm", rb"\0\0[\x01\x02]\0.\0.{3}\0|icns|DDS |qoif"
        ),
        _MAGICK,
    ),
    (
        "pictures of other formats", True,
        _format(
            ".pam .jxr .wdp .hdp .bpg .flif .wmf .emf .pct .pict .djvu",
            rb"P7\s|II\xbc|BPG\xfb|FLIF",
        ),
        _MAGICK,
    ),
    (
        "PDF or PostScript documents", False,
        _format(".pdf .eps .ps .ai", rb"%PDF|%!PS"),
        "turn their pages into pictures: pdftoppm -png document.pdf page (Poppler)",
    ),
    (
        "videos", False,
        _format(
            ".mp4 .mov .avi .mkv .webm .m4v .mpg .mpeg .wmv .flv .3gp .ogv .mts .m2ts",
            rb"RIFF.{4}AVI |\x1aE\xdf\xa3|\0\0\x01[\xba\xb3]|"
            + _brand(b"isom", b"iso[2-9]", b"mp4[12]", b"qt  ", b"M4V ", b"avc1", b"3gp."),
        ),
        "take frames out of them: ffmpeg -i clip.mp4 -vf fps=1 clip-%05d.png",
    ),
    (
        "arrays", False,
        _format(
            ".npy .npz .mat .h5 .hdf5 .parquet .arrow .tfrecord .tfrecords .pkl .pickle .pt .pth "
            ".idx1-ubyte .idx3-ubyte",
            rb"\x93NUMPY|\x80[\x02-\x05]|\x89HDF|PAR1|ARROW1|\0\0\x08[\x01-\x04]\0",
        ),
        "write each picture to a file: PIL.Image.fromarray(array[i]).save(f'{{i:05}}.png')",
    ),
    (
        "archives", False,
        _format(
            ".zip .tar .tgz .gz .7z .rar .xz .bz2 .zst",
            rb"PK\x03\x04|7z\xbc\xaf|Rar!|\xfd7zXZ|\x1f\x8b|BZh|\x28\xb5\x2f\xfd",
        ),
        "unpack them; a single .zip, .tar or .tar.gz can be given as it is",
    ),
    (
        "sounds", False,
        _format(
            ".wav .mp3 .flac .ogg .opus .aiff .aif .au .caf .w64 .m4a",
            rb"RIFF.{4}WAVE|ID3|fLaC|OggS|FORM.{4}AIF",
        ),
        "train on sounds with: gancli train audio",
    ),
    (
        "Git LFS pointers", False,
        _format("", rb"version https://git-lfs"),
        "get the files that they stand for: git lfs pull",
    ),
    (
        "web pages", False,
        _format(".html .htm", rb"\s*<(?:!doctype|!DOCTYPE|html|HTML|head|\?xml)"),
        "download the pictures again: a server has answered with a page",
    ),
]


@cache
def readable() -> frozenset[str]:
    """Return Pillow's names of the formats that can be read here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an older Pillow does not know every feature
        missing = {kind for kind, name in _OPTIONAL.items() if not features.check(name)}
    return frozenset(_FORMATS.keys() - missing)


def suffixes() -> frozenset[str]:
    """Return the suffixes of formats that can be read here, in lower case."""
    return frozenset(suffix for kind in readable() for suffix in _FORMATS[kind].suffixes)


def usual_suffixes() -> list[str]:
    """Return one suffix of each format that can be read here."""
    return [each.suffixes[0] for kind, each in _READABLE.items() if kind in readable()]


def other_suffixes() -> frozenset[str]:
    """Return the suffixes of formats that are known and cannot be read."""
    known = [*_FORMATS.values(), *(row[2] for row in _UNREADABLE)]
    return frozenset(suffix for each in known for suffix in each.suffixes) - suffixes()


def is_image(head: bytes) -> bool:
    """Return whether a file that starts with these bytes claims to be a picture."""
    return any(_READABLE[kind].recognize(head) for kind in readable() if kind in _READABLE)


def identify(head: bytes) -> str | None:
    """Return Pillow's name of the format that a file starts with, whether it can be read or not."""
    for kind, each in _FORMATS.items():
        if each.recognize(head):
            return kind
    return None


def unreadable(name: str, head: bytes) -> Unreadable | None:
    """Return what a file is that cannot be read, or None if that is not known.

    Args:
        name: Its name; its suffix counts first.
        head: Its first bytes, or nothing to go by the name alone.
    """
    suffix = PurePosixPath(name).suffix.lower()
    for kind, each in _READABLE.items():
        if kind not in readable() and (suffix in each.suffixes or each.recognize(head)):
            advice = "install a Pillow that reads it: pip install --upgrade pillow"
            return Unreadable(f"{kind} pictures", advice, True)
    by_name = [row for row in _UNREADABLE if suffix in row[2].suffixes]
    by_head = [row for row in _UNREADABLE if head and row[2].recognize(head)]
    for title, pictures, each, advice in by_name + by_head:
        shown = suffix if suffix in each.suffixes else "".join(each.suffixes[:1])
        return Unreadable(title, advice.format(suffix=shown), pictures)
    return None
