"""What sampling needs of a modality, for one model: numpy alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from gancli.reporting import Reporter
from gancli.sampling.config import SampleConfig
from gancli.sampling.request import Inputs, Sample, SampleRequest
from gancli.sampling.target import Stdout
from gancli.sampling.writer import Writer

OptionsT_contra = TypeVar("OptionsT_contra", bound=SampleConfig, contravariant=True)


class Codec(Protocol[OptionsT_contra]):
    """Turns requests into a generator's inputs, and its items into files."""

    def inputs(self, requests: Sequence[SampleRequest], options: OptionsT_contra) -> Inputs:
        """Return the generator's inputs, a row for each request."""

    def writer(
        self, seeds: Sequence[int], options: OptionsT_contra, reporter: Reporter, stdout: Stdout,
        model: str,
    ) -> Writer:
        """Return what writes the samples of seeds; whatever can be refused is refused here.

        Args:
            seeds: Of the samples.
            options: How they are made and written.
            reporter: Receives notes on what was chosen.
            stdout: Gives standard output.
            model: Name of the model, for the files' comments.

        Raises:
            UsageError: The options do not go together.
            GancliError: A file already exists (without ``force``) or cannot be written.
        """

    def preview(self, samples: Sequence[Sample], path: Path) -> None:
        """Write a picture, or a text, of a few samples beside ``path``, with a fitting suffix.

        A run's report shows what ends with ``.png``, ``.wav`` (beside the picture) and ``.txt`` (a
        line a sample).
        """


@dataclass(frozen=True, eq=False)
class Picture:
    """What a terminal shows of samples.

    Args:
        pixels: uint8, shape (h, w, c), gray, RGB or RGBA.
        caption: A line above it; may be empty.
        scale: Side of the square that each pixel becomes; as much as there is room for if None.
    """

    pixels: np.ndarray
    caption: str = ""
    scale: int | None = None


class PictureCodec(Codec[OptionsT_contra], Protocol[OptionsT_contra]):
    """A codec whose samples can be seen; its options may be ``shown``."""

    def pictures(
        self, samples: Sequence[Sample], options: OptionsT_contra, width: int
    ) -> list[Picture]:
        """Return what a terminal shows of samples.

        Args:
            samples: Some of those that the writer asked for, in order.
            options: How they were made.
            width: Pixels beside each other that the terminal has room for.
        """
