"""Options of sampling sounds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gancli.config import option
from gancli.errors import UsageError
from gancli.sampling.config import SampleConfig

if TYPE_CHECKING:
    from gancli.modalities.audio.spec import AudioSpec


@dataclass(frozen=True, kw_only=True)
class AudioSampleConfig(SampleConfig):
    """Options of ``gancli sample audio``."""

    length: float | None = option(
        None, "Longest clip, e.g. 500ms or 3s; longer than in training only where clips were "
        "slices of long recordings.", "Samples", parse="duration", metavar="DURATION",
    )
    interpolate: int | None = option(
        None, "This many clips from each seed to the next, joined.", "Samples", minimum=2,
        maximum=1000,
    )
    gap: float | None = option(
        None, "Seconds of silence between clips that are joined; 0.25 if left out.", "Output",
        minimum=0.0, maximum=3600.0,
    )
    spectrogram: str | None = option(
        None, "Write a picture of the spectrograms, too.", "Output", metavar="FILE.png"
    )
    raw: bool = option(
        False, "Write plain samples without a header: 16 bit, little endian.", "Output"
    )
    format: str | None = option(
        None, "Format where no file name says it.", "Output", choices=("wav", "flac", "ogg")
    )

    def frames(self, spec: "AudioSpec") -> int:
        """Return the frames that the generator is to make at most.

        Raises:
            UsageError: The model cannot make such clips.
        """
        if self.length is None:
            return spec.frames
        wanted = round(self.length * spec.rate / spec.hop)
        if wanted < 1 or (spec.ends and wanted > spec.frames):
            raise UsageError(
                f"--length {self.length:g}s cannot be: clips of this model last up to "
                f"{spec.seconds:.2f} s.",
                "It has learnt where clips end. Ask for less, or join several with -n and --gap.",
            )
        return wanted
