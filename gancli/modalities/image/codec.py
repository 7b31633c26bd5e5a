"""Between requests and pictures: the generator's inputs, writers, previews."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.image.config import ImageConfig, ImageSampleConfig
from gancli.modalities.image.encode import ANIMATED, FORMATS, encode
from gancli.modalities.image.inputs import generator_inputs
from gancli.modalities.image.pixels import to_pixels
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.image.writers import (
    Animation,
    Canvas,
    Folder,
    Grid,
    Single,
    Strip,
    Tar,
    near_square,
)
from gancli.reporting import Reporter
from gancli.sampling.interpolation import check_route
from gancli.sampling.request import Inputs, Sample, SampleRequest
from gancli.sampling.target import Stdout, Target, parse_target
from gancli.sampling.writer import Writer
from gancli.storage.files import write_file

_SMALL = 48  # pixels of a side below which a preview is enlarged


@dataclass(frozen=True)
class ImageCodec:
    """The :class:`gancli.sampling.codec.Codec` of images.

    Args:
        spec, config: Of the model.
    """

    spec: ImageSpec
    config: ImageConfig

    def inputs(self, requests: Sequence[SampleRequest], options: ImageSampleConfig) -> Inputs:
        return generator_inputs(requests, self.spec, self.config, options)

    def writer(
        self, seeds: Sequence[int], options: ImageSampleConfig, reporter: Reporter, stdout: Stdout
    ) -> Writer:
        self.inputs([SampleRequest(seeds[0])], options)  # refuses an unknown class
        writer = choose_writer(seeds, options, stdout)
        if isinstance(writer, Grid) and not options.grid:
            reporter.note(
                f"The {len(seeds):,} pictures become one grid, since {options.output} is one "
                "file; -o DIR/ writes a file each."
            )
        return writer

    def preview(self, samples: Sequence[Sample], path: Path) -> None:
        """Write a grid as PNG, enlarged twice if its pictures are small."""
        pictures = to_pixels(np.stack([sample.data for sample in samples]))
        canvas = Canvas(len(pictures), near_square(len(pictures)), pictures[0].shape)
        for picture in pictures:
            canvas.add(picture)
        scale = 2 if self.spec.size < _SMALL else 1
        pixels = canvas.pixels.repeat(scale, 0).repeat(scale, 1)
        png = encode(pixels, "png", "software", "gancli")
        write_file(path.with_name(path.name + ".png"), png)


def choose_writer(seeds: Sequence[int], options: ImageSampleConfig, stdout: Stdout) -> Writer:
    """Return the writer of the pictures of seeds.

    Raises:
        UsageError: The options do not go together, or the result would be too large.
        GancliError: A file exists already.
    """
    layouts = {"grid": options.grid, "tar": options.tar, "interpolate": options.interpolate}
    asked = [f"--{name}" for name, value in layouts.items() if value]
    if len(asked) > 1:
        raise UsageError(f"Only one of {' and '.join(asked)} can hold.", "Keep one of them.")
    target = parse_target(options, "pictures", [*FORMATS, ".tar"], stdout)
    form = _form(target, options)
    if options.interpolate is not None:
        check_route(len(seeds), options.guided)
        _need_file(target, "--interpolate")
        kind = Animation if form in ANIMATED else Strip
        return kind(seeds, options.interpolate, target, form)
    if form == "gif":
        raise UsageError(
            "A GIF is an animation between seeds.",
            "Add --interpolate 16, or choose png, jpeg or webp.",
        )
    if options.grid:
        _need_file(target, "--grid")
        return Grid(seeds, target, form)
    if options.tar and target.path is not None and target.suffix != ".tar":
        raise UsageError("--tar makes a tar.", "Give -o a name that ends with .tar.")
    if options.tar or target.suffix == ".tar":
        return Tar(seeds, target, form)
    if target.folder:
        return Folder(seeds, target, form)
    if len(seeds) == 1:
        return Single(seeds, target, form)
    if target.path is None:
        raise UsageError(
            f"{len(seeds):,} pictures cannot be one on standard output.",
            "n > 1 is a grid (--grid) or a tar (--tar); -o DIR/ writes a file each.",
        )
    return Grid(seeds, target, form)


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
