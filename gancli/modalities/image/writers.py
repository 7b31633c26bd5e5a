"""Each way in which pictures leave: one file, many, a grid, a tar, an animation, a strip."""

import io
import math
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.base import Items, Stdout
from gancli.modalities.image.encode import MAX_PIXELS, MAX_SIDE, encode, encode_animation
from gancli.modalities.image.pixels import to_pixels
from gancli.sampling.interpolation import route
from gancli.sampling.target import held_back, refuse_existing
from gancli.storage.files import replacing, write_file

_SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
_SMALLEST = 16  # pixels of a side, before the real one is known


def name_of(seed: int, form: str) -> str:
    """Return the file name of a seed's picture; names sort as seeds do, up to a million."""
    return f"seed-{seed:06d}{_SUFFIXES[form]}"


def ranges(seeds: Sequence[int]) -> str:
    """Return seeds as ``--seeds`` takes them, such as 0-63,99."""
    spans: list[list[int]] = []
    for seed in seeds:
        if spans and seed == spans[-1][1] + 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    return ",".join(f"{low}-{high}" if high > low else f"{low}" for low, high in spans)


class Writer(ABC):
    """Writes the pictures of some seeds, in one way.

    Args:
        path: File or directory, or None for standard output.
        form: ``png``, ``jpeg``, ``webp`` or ``gif``.
    """

    def __init__(self, path: Path | None, form: str) -> None:
        self.path = path
        self.form = form

    def files(self, seeds: list[int]) -> list[Path]:
        """Return the files that will be written."""
        return [] if self.path is None else [self.path]

    def write(self, items: Items, seeds: list[int], force: bool, stdout: Stdout) -> list[Path]:
        """Write the pictures and return the files.

        Raises:
            GancliError: A file is there already or cannot be written.
            UsageError: The result would be too large.
        """
        refuse_existing(self.files(seeds), force)
        with self._open(stdout) as stream:
            self._fill(stream, items, seeds)
        return self.files(seeds)

    def _open(self, stdout: Stdout) -> AbstractContextManager[BinaryIO]:
        return held_back(stdout) if self.path is None else replacing(self.path)

    @abstractmethod
    def _fill(self, stream: BinaryIO, items: Items, seeds: list[int]) -> None: ...


def _pixels(items: Items, keys: Sequence[Any]) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield each key with its picture, uint8 (h, w, c), a few in memory at a time."""
    for key, item, _ in items(keys):
        yield key, to_pixels(item[None])[0]


class Single(Writer):
    """One picture."""

    def _fill(self, stream: BinaryIO, items: Items, seeds: list[int]) -> None:
        ((seed, pixels),) = _pixels(items, seeds)
        stream.write(encode(pixels, self.form, "seed", str(seed)))


class Folder(Writer):
    """A directory with a file for each seed."""

    def files(self, seeds: list[int]) -> list[Path]:
        assert self.path is not None
        return [self.path / name_of(seed, self.form) for seed in dict.fromkeys(seeds)]

    def _open(self, stdout: Stdout) -> AbstractContextManager[BinaryIO]:
        return nullcontext(io.BytesIO())  # each file is opened on its own

    def _fill(self, stream: BinaryIO, items: Items, seeds: list[int]) -> None:
        assert self.path is not None
        for seed, pixels in _pixels(items, list(dict.fromkeys(seeds))):
            data = encode(pixels, self.form, "seed", str(seed))
            write_file(self.path / name_of(seed, self.form), data, durable=False)


class Tar(Writer):
    """A tar with a file for each seed; the same seeds give the same bytes."""

    def _fill(self, stream: BinaryIO, items: Items, seeds: list[int]) -> None:
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
            for seed, pixels in _pixels(items, list(dict.fromkeys(seeds))):
                data = encode(pixels, self.form, "seed", str(seed))
                # A new TarInfo belongs to nobody and is of 1970.
                member = tarfile.TarInfo(name_of(seed, self.form))
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


class _Canvas(Writer):
    """Pictures laid out in one."""

    def _fill(self, stream: BinaryIO, items: Items, seeds: list[int]) -> None:
        keys = self._keys(seeds)
        columns = self._columns(len(keys))
        check_area(columns, len(keys), (_SMALLEST, _SMALLEST), self.form)
        canvas = lay_out((pixels for _, pixels in _pixels(items, keys)), len(keys), columns,
                         self.form)
        stream.write(encode(canvas, self.form, "seeds", ranges(seeds)))

    def _keys(self, seeds: list[int]) -> Sequence[Any]:
        return seeds

    @abstractmethod
    def _columns(self, count: int) -> int: ...


class Grid(_Canvas):
    """A near-square grid, filled row by row."""

    def _columns(self, count: int) -> int:
        return near_square(count)


class _Interpolation(Writer):
    """The ways that show what is between seeds.

    Args:
        path, form: As for every writer.
        frames: Pictures from each seed to the next.
    """

    def __init__(self, path: Path | None, form: str, frames: int) -> None:
        super().__init__(path, form)
        self.frames = frames


class Strip(_Interpolation, _Canvas):
    """One row that leads from the first seed to the last."""

    def _keys(self, seeds: list[int]) -> Sequence[Any]:
        return route(seeds, self.frames, closed=False)

    def _columns(self, count: int) -> int:
        return count


class Animation(_Interpolation):
    """A loop through all seeds."""

    def _fill(self, stream: BinaryIO, items: Items, seeds: list[int]) -> None:
        keys = route(seeds, self.frames, closed=True)
        check_area(near_square(len(keys)), len(keys), (_SMALLEST, _SMALLEST), self.form)
        frames: list[np.ndarray] = []
        for _, pixels in _pixels(items, keys):
            if not frames:
                check_area(near_square(len(keys)), len(keys), pixels.shape, self.form)
            frames.append(pixels)
        stream.write(encode_animation(frames, self.form))


def near_square(count: int) -> int:
    """Return the columns of a grid that is about as wide as high."""
    return math.isqrt(count - 1) + 1


def check_area(columns: int, count: int, shape: tuple[int, ...], form: str) -> None:
    """Check that ``count`` pictures of shape (h, w, ...) make no picture that is too large.

    Raises:
        UsageError: They do.
    """
    height, width = -(-count // columns) * shape[0], columns * shape[1]
    if height * width > MAX_PIXELS or max(height, width) > MAX_SIDE[form]:
        raise UsageError(
            f"{count:,} pictures make one of {width:,} x {height:,} pixels, too large for "
            f"{form.upper()} or for most programs.",
            "Ask for fewer, or for separate files: a directory (-o DIR/) or a tar (--tar).",
        )


def lay_out(pictures: Iterator[np.ndarray], count: int, columns: int, form: str) -> np.ndarray:
    """Return pictures, each uint8 (h, w, c), in rows of one; missing cells are white or clear."""
    canvas = np.zeros((0, 0, 0), np.uint8)
    for index, pixels in enumerate(pictures):
        height, width, depth = pixels.shape
        if index == 0:
            check_area(columns, count, pixels.shape, form)
            rows = -(-count // columns)
            empty = 0 if depth == 4 else 255
            canvas = np.full((rows * height, columns * width, depth), empty, np.uint8)
        top, left = index // columns * height, index % columns * width
        canvas[top : top + height, left : left + width] = pixels
    return canvas
