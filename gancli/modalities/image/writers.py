"""Each way of writing pictures: one file, many, a grid, a tar, an animation, a strip."""

import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.image.canvas import Canvas, enlarged, near_square
from gancli.modalities.image.encode import MAX_PIXELS, MAX_SIDE, encode, encode_animation
from gancli.modalities.image.labels import beside, drawable
from gancli.modalities.image.pixels import to_pixels
from gancli.sampling.interpolation import route
from gancli.sampling.lazy import Lazy, Ranges
from gancli.sampling.origin import Origin
from gancli.sampling.request import Sample, SampleRequest, SeedRequests
from gancli.sampling.target import Target
from gancli.sampling.writer import FolderWriter, StreamWriter, name_of
from gancli.storage.files import write_file

_SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
_MOVING = 256  # pixels of a side that an animation is enlarged to at most, unless --scale says more


def pixels_of(sample: Sample) -> np.ndarray:
    """Return a sample's picture, uint8 (h, w, c)."""
    pixels: np.ndarray = to_pixels(sample.data[None])[0]
    return pixels


@dataclass(frozen=True)
class Style:
    """How pictures are written.

    Args:
        form: Format, such as ``png``.
        size: Side of a generated picture in pixels.
        scale: Side of the square that each of its pixels becomes.
        origin: What files say of their samples.
    """

    form: str
    size: int
    scale: int
    origin: Origin

    def file(self, sample: Sample) -> bytes:
        """Return a picture as the bytes of a file."""
        facts = self.origin.facts([sample.request.seed], [sample.label])
        return encode(enlarged(pixels_of(sample), self.scale), self.form, facts)

    def extent(self, columns: int, count: int) -> tuple[int, int]:
        """Return the width and height of so many pictures in one."""
        side = self.size * self.scale
        return columns * side, -(-count // columns) * side

    def check(self, columns: int, count: int) -> None:
        """Check that ``count`` pictures make no picture that is too large.

        Raises:
            UsageError: They do.
        """
        width, height = self.extent(columns, count)
        if height * width > MAX_PIXELS or max(height, width) > MAX_SIDE[self.form]:
            what = f"{count:,} pictures make one" if count > 1 else "The picture would be one"
            fewer = "Ask for fewer, or for separate files: a directory (-o DIR/) or a tar (--tar)."
            raise UsageError(
                f"{what} of {width:,} x {height:,} pixels, too large for {self.form.upper()} or "
                "for most programs.",
                f"Give a --scale below {self.scale}." if self.scale > 1 else fewer,
            )


def moving_scale(size: int, frames: int) -> int:
    """Return how much an animation is enlarged that nobody gave a ``--scale``."""
    scale = max(1, _MOVING // size)
    while scale > 1 and frames * (size * scale) ** 2 > MAX_PIXELS:
        scale -= 1
    return scale


class Single(StreamWriter):
    """One picture."""

    def __init__(self, seeds: Sequence[int], target: Target, style: Style) -> None:
        style.check(1, 1)
        super().__init__(SeedRequests(seeds), target)
        self.style, self.extent = style, style.extent(1, 1)

    def write(self, sample: Sample) -> None:
        self.stream.write(self.style.file(sample))


class Folder(FolderWriter):
    """A directory with a file for each seed."""

    def __init__(self, seeds: Sequence[int], target: Target, style: Style) -> None:
        style.check(1, 1)
        super().__init__(seeds, target, _SUFFIXES[style.form])
        self.style = style

    def write(self, sample: Sample) -> None:
        write_file(self.file_of(sample.request.seed), self.style.file(sample), durable=False)


class Tar(StreamWriter):
    """A tar with a file for each seed; the same seeds give the same bytes."""

    def __init__(self, seeds: Sequence[int], target: Target, style: Style) -> None:
        style.check(1, 1)
        super().__init__(SeedRequests(Ranges.of(seeds).distinct()), target)
        self.style = style

    def __enter__(self) -> Self:
        super().__enter__()
        self._tar = self._stack.enter_context(
            tarfile.open(fileobj=self.stream, mode="w|", format=tarfile.USTAR_FORMAT)
        )
        return self

    def write(self, sample: Sample) -> None:
        data = self.style.file(sample)
        # A new TarInfo belongs to nobody and is of 1970.
        member = tarfile.TarInfo(name_of(sample.request.seed, _SUFFIXES[self.style.form]))
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))
        self._tar.getmembers().clear()  # it would remember each of them


class LaidOut(StreamWriter):
    """Pictures laid out in one, row by row.

    Args:
        seeds: That the file names.
        requests: What is laid out.
        columns: Pictures in a row.
        target, style: Where the picture goes, and how.
    """

    def __init__(
        self, seeds: Sequence[int], requests: Sequence[SampleRequest], columns: int, target: Target,
        style: Style,
    ) -> None:
        style.check(columns, len(requests))
        super().__init__(requests, target)
        self.seeds, self.columns, self.style = seeds, columns, style
        self.extent = style.extent(columns, len(requests))
        self._labels: list[int | None] = []
        self._canvas: Canvas | None = None

    def write(self, sample: Sample) -> None:
        pixels = pixels_of(sample)
        if self._canvas is None:
            self._canvas = Canvas(len(self.requests), self.columns, pixels.shape)
        self._canvas.add(pixels)
        self._labels.append(sample.label)

    def picture(self) -> np.ndarray:
        """Return what is to be written, uint8 (h, w, c)."""
        assert self._canvas is not None
        return enlarged(self._canvas.pixels, self.style.scale)

    def finish(self) -> None:
        facts = self.style.origin.facts(self.seeds, self._labels)
        self.stream.write(encode(self.picture(), self.style.form, facts))


class Grid(LaidOut):
    """A near-square grid."""

    def __init__(self, seeds: Sequence[int], target: Target, style: Style) -> None:
        super().__init__(seeds, SeedRequests(seeds), near_square(len(seeds)), target, style)


class ClassGrid(LaidOut):
    """A row for each class, with its name: the same seeds in each.

    Args:
        seeds: Of each row.
        labels: Numbers of the classes.
        target, style: Where the picture goes, and how.
    """

    def __init__(
        self, seeds: Sequence[int], labels: Sequence[int], target: Target, style: Style
    ) -> None:
        super().__init__(seeds, class_requests(seeds, labels), len(seeds), target, style)
        self.rows = {label: style.origin.classes[label] for label in labels}
        self.unnamed = [name for name in self.rows.values() if not drawable(name)]

    def picture(self) -> np.ndarray:
        names = [str(label) if name in self.unnamed else name for label, name in self.rows.items()]
        return beside(names, super().picture())

    def finish(self) -> None:
        self._labels = list(self.rows)  # one for each row, not for each picture
        super().finish()


def class_requests(seeds: Sequence[int], labels: Sequence[int]) -> Sequence[SampleRequest]:
    """Return the requests of each seed in the first class, then in the second, and so on."""

    def request(place: int) -> SampleRequest:
        row, column = divmod(place, len(seeds))
        return SampleRequest(seeds[column], label=labels[row])

    return Lazy(range(len(labels) * len(seeds)), request)


class Strip(LaidOut):
    """One row that leads from the first seed to the last, ``frames`` from each to the next."""

    def __init__(self, seeds: Sequence[int], frames: int, target: Target, style: Style) -> None:
        requests = route(seeds, frames, closed=False)
        super().__init__(seeds, requests, len(requests), target, style)

    def finish(self) -> None:
        self._labels = self._labels[:1]  # all are of one class
        super().finish()


class Animation(StreamWriter):
    """A loop through all seeds, ``frames`` from each to the next."""

    def __init__(self, seeds: Sequence[int], frames: int, target: Target, style: Style) -> None:
        requests = route(seeds, frames, closed=True)
        style.check(near_square(len(requests)), len(requests))  # a grid of its frames is as large
        super().__init__(requests, target)
        self.seeds, self.style = seeds, style
        self._pictures: list[np.ndarray] = []
        self._label: int | None = None

    def write(self, sample: Sample) -> None:
        self._pictures.append(pixels_of(sample))
        self._label = sample.label

    def finish(self) -> None:
        frames = (enlarged(picture, self.style.scale) for picture in self._pictures)
        facts = self.style.origin.facts(self.seeds, [self._label])
        self.stream.write(encode_animation(frames, self.style.form, facts))
