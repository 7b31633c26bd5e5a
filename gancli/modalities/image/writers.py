"""Each way of writing pictures: one file, many, a grid, a tar, an animation, a strip."""

import io
import math
import tarfile
from collections.abc import Sequence
from typing import Self

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.image.encode import MAX_PIXELS, MAX_SIDE, encode, encode_animation
from gancli.modalities.image.pixels import to_pixels
from gancli.sampling.interpolation import route
from gancli.sampling.request import Sample, SampleRequest, SeedRequests
from gancli.sampling.target import Target
from gancli.sampling.writer import StreamWriter, Writer
from gancli.storage.files import write_file

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


def _pixels(sample: Sample) -> np.ndarray:
    """Return a sample's picture, uint8 (h, w, c)."""
    pixels: np.ndarray = to_pixels(sample.data[None])[0]
    return pixels


def _file(sample: Sample, form: str) -> bytes:
    return encode(_pixels(sample), form, "seed", str(sample.request.seed))


class Single(StreamWriter):
    """One picture."""

    def __init__(self, seeds: Sequence[int], target: Target, form: str) -> None:
        super().__init__(SeedRequests(seeds), target)
        self.form = form

    def write(self, sample: Sample) -> None:
        self.stream.write(_file(sample, self.form))


class Folder(Writer):
    """A directory with a file for each seed."""

    def __init__(self, seeds: Sequence[int], target: Target, form: str) -> None:
        assert target.path is not None
        self.path, self.form = target.path, form
        distinct = list(dict.fromkeys(seeds))
        files = [self.path / name_of(seed, form) for seed in distinct]
        super().__init__(SeedRequests(distinct), files, target.force)

    def write(self, sample: Sample) -> None:
        path = self.path / name_of(sample.request.seed, self.form)
        write_file(path, _file(sample, self.form), durable=False)


class Tar(StreamWriter):
    """A tar with a file for each seed; the same seeds give the same bytes."""

    def __init__(self, seeds: Sequence[int], target: Target, form: str) -> None:
        super().__init__(SeedRequests(list(dict.fromkeys(seeds))), target)
        self.form = form

    def __enter__(self) -> Self:
        super().__enter__()
        self._tar = self._stack.enter_context(
            tarfile.open(fileobj=self.stream, mode="w|", format=tarfile.USTAR_FORMAT)
        )
        return self

    def write(self, sample: Sample) -> None:
        data = _file(sample, self.form)
        # A new TarInfo belongs to nobody and is of 1970.
        member = tarfile.TarInfo(name_of(sample.request.seed, self.form))
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))


class _LaidOut(StreamWriter):
    """Pictures laid out in one.

    Args:
        seeds: That the file names.
        requests: What is laid out.
        columns: Pictures in a row.
        target, form: Where the picture goes, in which format.
    """

    def __init__(
        self, seeds: Sequence[int], requests: Sequence[SampleRequest], columns: int, target: Target,
        form: str,
    ) -> None:
        check_area(columns, len(requests), (_SMALLEST, _SMALLEST), form)
        super().__init__(requests, target)
        self.seeds, self.columns, self.form = seeds, columns, form
        self._canvas: Canvas | None = None

    def write(self, sample: Sample) -> None:
        pixels = _pixels(sample)
        if self._canvas is None:
            check_area(self.columns, len(self.requests), pixels.shape, self.form)
            self._canvas = Canvas(len(self.requests), self.columns, pixels.shape)
        self._canvas.add(pixels)

    def finish(self) -> None:
        assert self._canvas is not None
        self.stream.write(encode(self._canvas.pixels, self.form, "seeds", ranges(self.seeds)))


class Grid(_LaidOut):
    """A near-square grid, filled row by row."""

    def __init__(self, seeds: Sequence[int], target: Target, form: str) -> None:
        super().__init__(seeds, SeedRequests(seeds), near_square(len(seeds)), target, form)


class Strip(_LaidOut):
    """One row that leads from the first seed to the last, ``frames`` from each to the next."""

    def __init__(self, seeds: Sequence[int], frames: int, target: Target, form: str) -> None:
        requests = route(seeds, frames, closed=False)
        super().__init__(seeds, requests, len(requests), target, form)


class Animation(StreamWriter):
    """A loop through all seeds, ``frames`` from each to the next."""

    def __init__(self, seeds: Sequence[int], frames: int, target: Target, form: str) -> None:
        requests = route(seeds, frames, closed=True)
        self._check_area(len(requests), (_SMALLEST, _SMALLEST), form)
        super().__init__(requests, target)
        self.form = form
        self._pictures: list[np.ndarray] = []

    @staticmethod
    def _check_area(count: int, shape: tuple[int, ...], form: str) -> None:
        check_area(near_square(count), count, shape, form)  # a grid of its frames is as large

    def write(self, sample: Sample) -> None:
        pixels = _pixels(sample)
        if not self._pictures:
            self._check_area(len(self.requests), pixels.shape, self.form)
        self._pictures.append(pixels)

    def finish(self) -> None:
        self.stream.write(encode_animation(self._pictures, self.form))


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


class Canvas:
    """Pictures in rows of one; missing cells are white, or clear where there is transparency.

    Args:
        count: Number of pictures.
        columns: Pictures in a row.
        shape: Of each, (h, w, c).
    """

    def __init__(self, count: int, columns: int, shape: tuple[int, ...]) -> None:
        self._height, self._width, depth = shape
        self._columns, self._filled = columns, 0
        size = (-(-count // columns) * self._height, columns * self._width, depth)
        self.pixels = np.full(size, 0 if depth == 4 else 255, np.uint8)

    def add(self, picture: np.ndarray) -> None:
        """Fill the next cell with a picture, uint8."""
        row, column = divmod(self._filled, self._columns)
        top, left = row * self._height, column * self._width
        self.pixels[top : top + self._height, left : left + self._width] = picture
        self._filled += 1
