"""Which way pictures leave, by the options and the name that they get."""

import os
from pathlib import Path

import numpy as np

from gancli.errors import GancliError, UsageError
from gancli.modalities.base import Items, Stdout
from gancli.modalities.image.config import ImageSampleConfig
from gancli.modalities.image.encode import ANIMATED, FORMATS, encode
from gancli.modalities.image.pixels import to_pixels
from gancli.modalities.image.writers import (
    Animation,
    Folder,
    Grid,
    Single,
    Strip,
    Tar,
    Writer,
    lay_out,
    near_square,
)
from gancli.reporting import Reporter
from gancli.sampling.interpolation import check_way
from gancli.storage.files import write_file

_SMALL = 48  # pixels of a side below which a preview is enlarged


def write(
    items: Items,
    seeds: list[int],
    options: ImageSampleConfig,
    reporter: Reporter,
    stdout: Stdout,
) -> list[Path]:
    """Write the pictures of seeds and return the files; see the contract of a modality.

    Raises:
        UsageError: The options do not go together, or the result would be too large.
        GancliError: A file is there already or cannot be written.
    """
    writer = choose_writer(len(seeds), options)
    if isinstance(writer, Grid) and not options.grid:
        reporter.note(
            f"The {len(seeds):,} pictures become one grid, since {options.output} is one file; "
            "-o DIR/ gives a file each."
        )
    return writer.write(items, seeds, options.force, stdout)


def choose_writer(count: int, options: ImageSampleConfig) -> Writer:
    """Return the writer for ``count`` pictures.

    Raises:
        UsageError: The options do not go together.
    """
    asked = [name for name in ("grid", "tar", "interpolate") if getattr(options, name)]
    if len(asked) > 1:
        raise UsageError(
            "Only one of " + " and ".join(f"--{name}" for name in asked) + " can hold.",
            "Keep one of them.",
        )
    path, suffix = _target(options.output)
    form = _form(suffix, options)
    if options.interpolate is not None:
        check_way(count, options.guided)
        _need_file(path, suffix, "--interpolate")
        if form in ANIMATED:
            return Animation(path, form, options.interpolate)
        return Strip(path, form, options.interpolate)
    if form == "gif":
        raise UsageError(
            "A GIF is an animation between seeds.",
            "Add --interpolate 16, or choose png, jpeg or webp.",
        )
    if options.grid:
        _need_file(path, suffix, "--grid")
        return Grid(path, form)
    if options.tar and suffix not in (None, ".tar"):
        raise UsageError("--tar makes a tar.", "Give -o a name that ends with .tar.")
    if options.tar or suffix == ".tar":
        return Tar(path, form)
    if suffix == "":
        return Folder(path, form)
    if count == 1:
        return Single(path, form)
    if path is None:
        raise UsageError(
            f"{count:,} pictures cannot be one on standard output.",
            "n > 1 is a grid (--grid) or a tar (--tar); -o DIR/ gives a file each.",
        )
    return Grid(path, form)


def _target(output: str | None) -> tuple[Path | None, str | None]:
    """Return the path and its suffix: None and None for standard output, "" for a directory."""
    if output in (None, "-"):
        return None, None
    assert output is not None
    path = Path(output)
    if not output:
        raise UsageError("-o names nothing.", "Give a file, a directory, or - for stdout.")
    if output.endswith(("/", os.sep)) or path.is_dir():
        return path, ""
    suffix = path.suffix.lower()
    if suffix not in ("", ".tar", *FORMATS):
        raise UsageError(
            f"-o {output}: pictures cannot be written as {suffix}.",
            f"Choose one of: {', '.join([*FORMATS, '.tar'])}, or a directory with a / at its end.",
        )
    if suffix == "" and path.exists():
        raise GancliError(f"{path} is a file, not a directory.", "Name another with -o.")
    return path, suffix


def _form(suffix: str | None, options: ImageSampleConfig) -> str:
    """Return the format that the name says, else ``--format``, else PNG."""
    named = FORMATS.get(suffix or "")
    if named and options.format not in (None, named):
        raise UsageError(
            f"-o {options.output} is no {options.format}.", "Leave --format out, or rename it."
        )
    return named or options.format or "png"


def _need_file(path: Path | None, suffix: str | None, flag: str) -> None:
    if path is not None and suffix not in FORMATS:
        raise UsageError(
            f"{flag} makes one picture, but -o {path} is no name of one.",
            "Give a name such as faces.png.",
        )


def preview(items: np.ndarray, path: Path) -> None:
    """Write a grid as PNG, enlarged twice if its pictures are small.

    Args:
        items: Float, shape (n, c, h, w), in [-1, 1].
        path: Where; ``.png`` is added if it is missing.
    """
    canvas = lay_out(iter(to_pixels(items)), len(items), near_square(len(items)), "png")
    if items.shape[-1] < _SMALL:
        canvas = canvas.repeat(2, 0).repeat(2, 1)
    if path.suffix != ".png":
        path = path.with_name(path.name + ".png")
    write_file(path, encode(canvas, "png", "software", "gancli"))
