"""Options of every modality's sampling."""

from dataclasses import dataclass

from gancli.config import option


@dataclass(frozen=True, kw_only=True)
class SampleConfig:
    """Options of ``gancli sample``; a modality adds its own by inheriting."""

    n: int = option(
        1, "Number of samples.", "Samples", minimum=1, maximum=10_000_000, flags=("-n",)
    )
    seed: int | None = option(
        None, "Seed of the first sample; the next ones count up. By default random, and printed.",
        "Samples", minimum=0, maximum=2**62,
    )
    seeds: str | None = option(
        None, "The seeds themselves, such as 0-63,99.", "Samples", metavar="A-B,C"
    )
    class_name: str | None = option(
        None, "Class (label) to draw, by name or number; otherwise as often as in the data.",
        "Samples", flags=("--class",), metavar="CLASS",
    )
    guided: int = option(
        1, "Let the discriminator choose each sample among this many candidates: nearer to real "
        "data, for as many times the work.", "Samples", minimum=1, maximum=256,
    )
    output: str | None = option(
        None, "Output file, directory, or - for standard output.", "Output",
        flags=("-o", "--output"), metavar="FILE|DIR|-",
    )
    force: bool = option(False, "Overwrite existing files.", "Output")
    batch: int = option(
        64, "Batch size: samples computed at a time; never changes a sample.", "Compute",
        minimum=1, maximum=65536,
    )
    device: str = option(
        "auto", "Where to compute; auto takes a GPU if there is one.", "Compute",
        choices=("auto", "cpu", "cuda", "mps"),
    )
    engine: str = option(
        "auto", "What computes: numpy, which starts at once, or torch, which can use a GPU; auto "
        "takes numpy on the CPU. They differ in the last bits.", "Compute",
        choices=("auto", "numpy", "torch"),
    )

    @property
    def scored(self) -> bool:
        """Whether the discriminator has to look at each sample."""
        return self.guided > 1

    @property
    def shown(self) -> bool:
        """Whether the terminal is to show the samples; only a PictureCodec's options say so."""
        return False
