"""What sampling needs of a modality, for one model: numpy alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

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
        self, seeds: Sequence[int], options: OptionsT_contra, reporter: Reporter, stdout: Stdout
    ) -> Writer:
        """Return what writes the samples of seeds; whatever can be refused is refused here.

        Raises:
            UsageError: The options do not go together.
            GancliError: A file exists already (without ``force``) or cannot be written.
        """

    def preview(self, samples: Sequence[Sample], path: Path) -> None:
        """Write a picture, or a text, of a few samples beside ``path``, with a fitting suffix.

        A run's report shows what ends with ``.png``, ``.wav`` (beside the picture) and ``.txt`` (a
        line a sample).
        """
