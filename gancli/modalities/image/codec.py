"""Between requests and pictures: the generator's inputs, writers, previews."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.image.canvas import Canvas, enlarged, near_square
from gancli.modalities.image.config import ImageConfig, ImageSampleConfig
from gancli.modalities.image.encode import ANIMATED, FORMATS, encode
from gancli.modalities.image.inputs import generator_inputs
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.image.writers import (
    Animation,
    ClassGrid,
    Folder,
    Grid,
    LaidOut,
    Single,
    Strip,
    Style,
    Tar,
    class_requests,
    moving_scale,
    pixels_of,
)
from gancli.reporting import Reporter
from gancli.sampling.classes import class_index
from gancli.sampling.codec import Picture
from gancli.sampling.interpolation import check_route, route
from gancli.sampling.origin import Origin
from gancli.sampling.request import Inputs, Sample, SampleRequest, SeedRequests
from gancli.sampling.target import Stdout, Target, parse_target
from gancli.sampling.writer import Unwritten, Writer
from gancli.storage.files import write_file

_SMALL = 48  # pixels of a side below which a preview is enlarged
_STAMP = 256  # pixels of a file's shorter side below which --scale is mentioned


@dataclass(frozen=True)
class ImageCodec:
    """The :class:`gancli.sampling.codec.PictureCodec` of images.

    Args:
        spec, config: Of the model.
    """

    spec: ImageSpec
    config: ImageConfig

    def inputs(self, requests: Sequence[SampleRequest], options: ImageSampleConfig) -> Inputs:
        return generator_inputs(requests, self.spec, self.config, options)

    def writer(
        self, seeds: Sequence[int], options: ImageSampleConfig, reporter: Reporter, stdout: Stdout,
        model: str,
    ) -> Writer:
        self.inputs([SampleRequest(seeds[0])], options)  # refuses an unknown class
        _check_layouts(options)
        if options.show and options.output is None:
            Unwritten.refuse({"--tar": options.tar, "--format": options.format})
            return Unwritten(self._requests(seeds, options), [], options.force)
        origin = Origin.of(model, self.spec.classes, options)
        writer = self._choose_writer(seeds, options, origin, stdout)
        for sentence in _sentences(writer, seeds, options):
            reporter.note(sentence)
        return writer

    def preview(self, samples: Sequence[Sample], path: Path) -> None:
        """Write a grid as PNG, enlarged twice if its pictures are small."""
        grid = _grid(samples, near_square(len(samples)))
        pixels = enlarged(grid, 2 if self.spec.size < _SMALL else 1)
        facts = Origin("", self.spec.classes).facts(
            [sample.request.seed for sample in samples], [sample.label for sample in samples]
        )
        png = encode(pixels, "png", {"software": "gancli", **facts})
        write_file(path.with_name(path.name + ".png"), png)

    def pictures(
        self, samples: Sequence[Sample], options: ImageSampleConfig, width: int
    ) -> list[Picture]:
        """Return what a terminal shows of samples: one picture, or one for each class."""
        max_columns = max(1, width // self.spec.size)  # pictures beside each other
        if options.grid != "classes":
            columns = min(max_columns, near_square(len(samples)))
            return [Picture(_grid(samples, columns), scale=options.scale)]
        rows = dict[int, list[Sample]]()
        for sample in samples:
            assert sample.label is not None
            rows.setdefault(sample.label, []).append(sample)
        return [
            Picture(_grid(row, min(max_columns, len(row))), self.spec.classes[label], options.scale)
            for label, row in rows.items()
        ]

    def _requests(
        self, seeds: Sequence[int], options: ImageSampleConfig
    ) -> Sequence[SampleRequest]:
        """Return what is shown where nothing is written."""
        if options.interpolate is not None:
            check_route(len(seeds), options.guided)
            return route(seeds, options.interpolate, closed=False)
        if options.grid == "classes":
            return class_requests(seeds, self._rows(options))
        return SeedRequests(seeds)

    def _rows(self, options: ImageSampleConfig) -> list[int]:
        """Return the numbers of the classes that a grid of classes shows.

        Raises:
            UsageError: The model has no classes.
        """
        classes = self.spec.classes
        if not classes:
            raise UsageError("This model has no classes.", "Give --grid alone.")
        if options.class_name is None:
            return list(range(len(classes)))
        return [class_index(options.class_name, classes)]

    def _choose_writer(
        self, seeds: Sequence[int], options: ImageSampleConfig, origin: Origin, stdout: Stdout
    ) -> Writer:
        """Return the writer of the pictures of seeds.

        Raises:
            UsageError: The options do not go together, or the result would be too large.
            GancliError: A file already exists.
        """
        target = parse_target(options, "pictures", [*FORMATS, ".tar"], stdout)
        form = _form(target, options)
        style = Style(form, self.spec.size, options.scale or 1, origin)
        if options.interpolate is not None:
            check_route(len(seeds), options.guided)
            _need_file(target, "--interpolate")
            if form not in ANIMATED:
                return Strip(seeds, options.interpolate, target, style)
            if options.scale is None:
                scale = moving_scale(self.spec.size, len(seeds) * options.interpolate)
                style = Style(form, self.spec.size, scale, origin)
            return Animation(seeds, options.interpolate, target, style)
        if form == "gif":
            raise UsageError(
                "A GIF is an animation between seeds.",
                "Add --interpolate 16, or choose png, jpeg or webp.",
            )
        if options.grid:
            _need_file(target, "--grid")
            if options.grid == "classes":
                return ClassGrid(seeds, self._rows(options), target, style)
            return Grid(seeds, target, style)
        if options.tar and target.path is not None and target.suffix != ".tar":
            raise UsageError("--tar makes a tar.", "Give -o a name that ends with .tar.")
        if options.tar or target.suffix == ".tar":
            return Tar(seeds, target, style)
        if target.folder:
            return Folder(seeds, target, style)
        if len(seeds) == 1:
            return Single(seeds, target, style)
        if target.path is None:
            raise UsageError(
                f"{len(seeds):,} pictures cannot be one on standard output.",
                "n > 1 is a grid (--grid) or a tar (--tar); -o DIR/ writes a file each.",
            )
        return Grid(seeds, target, style)


def _grid(samples: Sequence[Sample], columns: int) -> np.ndarray:
    """Return samples in one picture, uint8 (h, w, c)."""
    pictures = [pixels_of(sample) for sample in samples]
    canvas = Canvas(len(pictures), columns, pictures[0].shape)
    for picture in pictures:
        canvas.add(picture)
    return canvas.pixels


def _sentences(writer: Writer, seeds: Sequence[int], options: ImageSampleConfig) -> list[str]:
    """Return what was chosen, and which option changes it."""
    found = []
    if isinstance(writer, Grid) and not options.grid:
        found.append(
            f"The {len(seeds):,} pictures become one grid, since {options.output} is one file; "
            "-o DIR/ writes a file each."
        )
    if isinstance(writer, ClassGrid):
        found.append(
            f"The grid has {len(writer.rows):,} rows, one for each class, with the same "
            f"{len(seeds):,} seeds in each."
        )
        if writer.unnamed:
            found.append(
                f"No font here has all letters of {len(writer.unnamed):,} of the names; numbers "
                "stand for them, which --class takes, too."
            )
    if options.scale is not None:
        return found
    if isinstance(writer, Animation) and writer.style.scale > 1:
        side = writer.style.scale * writer.style.size
        found.append(
            f"The animation is enlarged {writer.style.scale} times, to {side} x {side} pixels; "
            "--scale changes it."
        )
    if isinstance(writer, Single | LaidOut) and writer.files and min(writer.extent) < _STAMP:
        scale = max(2, min(2 * _STAMP // min(writer.extent), 1600 // max(writer.extent)))
        what = f"{'' if isinstance(writer, Single) else 'A picture in '}{options.output}"
        found.append(
            f"{what} is {writer.style.size} pixels wide; --scale {scale} enlarges it."
        )
    return found


def _check_layouts(options: ImageSampleConfig) -> None:
    layouts = {"grid": options.grid, "tar": options.tar, "interpolate": options.interpolate}
    asked = [f"--{name}" for name, value in layouts.items() if value]
    if len(asked) > 1:
        raise UsageError(f"Only one of {' and '.join(asked)} can hold.", "Keep one of them.")


def _form(target: Target, options: ImageSampleConfig) -> str:
    """Return the format that the name says, else ``--format``, else PNG."""
    named = FORMATS.get(target.suffix)
    if named and options.format not in (None, named):
        raise UsageError(
            f"-o {options.output} contradicts --format {options.format}.",
            "Leave --format out, or rename it.",
        )
    return named or options.format or "png"


def _need_file(target: Target, flag: str) -> None:
    if target.path is not None and target.suffix not in FORMATS:
        raise UsageError(
            f"{flag} makes one picture, but -o {target.path} is not the name of one.",
            "Give a name such as faces.png.",
        )
