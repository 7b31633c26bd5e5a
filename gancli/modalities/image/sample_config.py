"""Options of sampling images."""

from dataclasses import dataclass

from gancli.config import option
from gancli.sampling.config import SampleConfig


@dataclass(frozen=True, kw_only=True)
class ImageSampleConfig(SampleConfig):
    """Options of ``gancli sample image``."""

    truncation: float | None = option(
        None, "Draw noise again that is beyond this many deviations: fewer oddities, less variety.",
        "Samples", minimum=0.01, maximum=10.0,
    )
    grid: bool = option(False, "Lay all samples out in one picture.", "Output")
    tar: bool = option(False, "Write a tar of pictures.", "Output")
    format: str | None = option(
        None, "Format where no file name says it.", "Output", choices=("png", "jpeg", "webp", "gif")
    )
    interpolate: int | None = option(
        None, "This many frames from each seed to the next: an animated GIF or WebP, else a strip.",
        "Samples", minimum=2, maximum=1000,
    )
