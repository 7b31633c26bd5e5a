"""Cut the bundled sample from the whole of Fashion-MNIST.

    python tests/benchmarks/cut_samples.py fashion-mnist.zip samples/data/fashion-mnist.zip

The source is a zip of 28x28 grey PNGs in the class folders 0 to 9. Of each class every tenth
picture in the order of names is taken, written as the smallest PNG that several filters and
compressions give, and stored under the garment's name. Pixels stay as they are; the bytes depend on
the version of zlib alone.
"""

import argparse
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

GARMENTS = (
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
    "ankle-boot",
)
EACH = 600
_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_RLE, zlib.Z_HUFFMAN_ONLY)


def filtered(pixels: np.ndarray) -> np.ndarray:
    """Return the rows under each of PNG's five filters, uint8, shape (5, height, width)."""
    wide = pixels.astype(np.int16)
    left = np.pad(wide, ((0, 0), (1, 0)))[:, :-1]
    above = np.pad(wide, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(wide, ((1, 0), (1, 0)))[:-1, :-1]
    guess = left + above - corner
    distances = np.stack([abs(guess - left), abs(guess - above), abs(guess - corner)])
    paeth = np.choose(distances.argmin(0), [left, above, corner])
    predictions = np.stack([np.zeros_like(wide), left, above, (left + above) // 2, paeth])
    return ((wide - predictions) % 256).astype(np.uint8)


def _streams(pixels: np.ndarray) -> Iterator[bytes]:
    """Yield ways to filter the picture: one filter throughout, and the best guess for each row."""
    rows = filtered(pixels)
    signed = np.abs(rows.astype(np.int8).astype(np.int16)).sum(2)
    distinct = np.array([[len(np.unique(row)) for row in each] for each in rows])
    choices = [np.full(len(pixels), kind) for kind in range(5)]
    for choice in (*choices, signed.argmin(0), distinct.argmin(0)):
        yield b"".join(
            bytes([kind]) + rows[kind, row].tobytes() for row, kind in enumerate(choice)
        )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def small_png(pixels: np.ndarray) -> bytes:
    """Return a grey picture, uint8, shape (height, width), as a small PNG."""
    packed = []
    for stream in _streams(pixels):
        for strategy in _STRATEGIES:
            packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
            packed.append(packer.compress(stream) + packer.flush())
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", min(packed, key=len)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def pixels_of(data: bytes) -> np.ndarray:
    """Return a PNG's pixels, which must be 28x28 and 8-bit grey."""
    image = Image.open(io.BytesIO(data))
    if image.mode != "L" or image.size != (28, 28):
        raise SystemExit(f"A picture is {image.mode} {image.size}, not 28x28 grey.")
    return np.asarray(image)


def cut(source: Path, target: Path) -> None:
    """Write the sample."""
    with zipfile.ZipFile(source) as whole, zipfile.ZipFile(target, "w") as part:
        chosen = []
        for number, garment in enumerate(GARMENTS):
            names = sorted(name for name in whole.namelist() if name.startswith(f"{number}/"))
            names = [name for name in names if name.endswith(".png")]
            for index in range(EACH):
                name = names[index * len(names) // EACH]
                chosen.append((f"{garment}/{Path(name).name}", name))
        for new, old in sorted(chosen):
            pixels = pixels_of(whole.read(old))
            data = small_png(pixels)
            if not np.array_equal(pixels_of(data), pixels):
                raise SystemExit(f"{old} would not come out as it is.")
            entry = zipfile.ZipInfo(new, (2020, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            part.writestr(entry, data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    cut(arguments.source, arguments.target)
    digest = hashlib.sha256(arguments.target.read_bytes()).hexdigest()
    print(f"{digest}  {arguments.target}  {arguments.target.stat().st_size:,} bytes")
