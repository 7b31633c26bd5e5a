"""Between requests and sounds: the generator's inputs, writers, previews."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.audio.config import AudioConfig, AudioSampleConfig
from gancli.modalities.audio.encode import FORMATS, encode
from gancli.modalities.audio.inputs import generator_inputs
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.audio.writers import (
    GAP,
    Clips,
    Folder,
    Joined,
    RawStream,
    Unheard,
    clip_of,
    comment_of,
    facts_of,
    joined,
    spectrogram_file,
)
from gancli.reporting import Reporter
from gancli.sampling.codec import Picture
from gancli.sampling.interpolation import check_route, route
from gancli.sampling.origin import Origin
from gancli.sampling.request import Inputs, Sample, SampleRequest, SeedRequests
from gancli.sampling.target import Stdout, Target, parse_target
from gancli.sampling.writer import Writer
from gancli.storage.files import write_file

_PREVIEWED = 16  # clips of a preview: as many as someone listens to


@dataclass(frozen=True)
class AudioCodec:
    """The :class:`gancli.sampling.codec.PictureCodec` of sounds.

    Args:
        spec, config: Of the model.
    """

    spec: AudioSpec
    config: AudioConfig

    def inputs(self, requests: Sequence[SampleRequest], options: AudioSampleConfig) -> Inputs:
        return generator_inputs(requests, self.spec, self.config, options)

    def writer(
        self, seeds: Sequence[int], options: AudioSampleConfig, reporter: Reporter, stdout: Stdout,
        model: str,
    ) -> Writer:
        """Return what writes the clips of seeds.

        Clips that go to one file or to standard output are joined, with a gap between them. The
        figures that the reporter gets are the seconds of sound, gaps not counted, and the
        real-time factor: seconds of work for one of sound.
        """
        self.inputs([SampleRequest(seeds[0])], options)  # refuses an unknown class or length
        _check_format(options)
        target = parse_target(options, "sounds", FORMATS, stdout)
        form = _form(target, options)
        origin = Origin.of(model, self.spec.classes, options)
        clips = Clips(self.spec, options.frames(self.spec), _picture(options), reporter, origin)
        if target.folder:
            for flag, value in (("--interpolate", options.interpolate), ("--gap", options.gap)):
                if value is not None:
                    raise UsageError(
                        f"{flag} joins clips, but -o is a directory.",
                        f"Name a file with -o, or leave {flag} out.",
                    )
            return Folder(seeds, target, form, clips)
        requests: Sequence[SampleRequest] = SeedRequests(seeds)
        if options.interpolate is not None:
            check_route(len(seeds), options.guided)
            requests = route(seeds, options.interpolate, closed=False)
        if options.show and options.output is None:
            files = {"--raw": options.raw, "--format": options.format, "--gap": options.gap}
            Unheard.refuse(files)
            return Unheard(requests, target, clips)
        gap = round((GAP if options.gap is None else options.gap) * self.spec.rate)
        if form == "raw":
            return RawStream(requests, target, gap, clips)
        return Joined(requests, target, form, gap, clips)

    def preview(self, samples: Sequence[Sample], path: Path) -> None:
        """Write the first clips joined as WAV, and their spectrograms as PNG."""
        samples, rate = samples[:_PREVIEWED], self.spec.rate
        clips = [clip_of(sample, self.spec, self.spec.frames) for sample in samples]
        gap = round(GAP * rate)
        sound = np.concatenate(list(joined(clips, gap)))
        origin = Origin("", self.spec.classes)
        wav = encode(sound, rate, "wav", comment_of(samples, origin))
        write_file(path.with_name(path.name + ".wav"), wav)
        starts = np.cumsum([0, *(len(clip) + gap for clip in clips)]).tolist()
        times = [(start / rate, (start + len(clip)) / rate)
                 for start, clip in zip(starts, clips, strict=False)]
        facts = {"software": "gancli", **facts_of(samples, origin)}
        png = spectrogram_file(samples, self.spec, self.spec.frames, facts, times)
        write_file(path.with_name(path.name + ".png"), png)

    def pictures(
        self, samples: Sequence[Sample], options: AudioSampleConfig, width: int
    ) -> list[Picture]:
        """Return what a terminal shows of samples: their spectrograms in one picture."""
        from gancli.modalities.audio.spectrogram import spectrograms  # Pillow

        frames = options.frames(self.spec)
        items = [sample.data[:frames] for sample in samples]
        return [Picture(spectrograms(items, self.spec, frames, width))]


def _check_format(options: AudioSampleConfig) -> None:
    if options.raw and options.format is not None:
        raise UsageError("--raw has no --format.", "Keep one of them.")


def _form(target: Target, options: AudioSampleConfig) -> str:
    """Return the format that the name says, else ``--raw`` or ``--format``, else WAV."""
    asked = "raw" if options.raw else options.format
    named = FORMATS.get(target.suffix)
    if named and asked not in (None, named):
        option = "--raw" if options.raw else f"--format {asked}"
        raise UsageError(
            f"-o {options.output} contradicts {option}.",
            "Leave --raw and --format out, or rename it.",
        )
    return named or asked or "wav"


def _picture(options: AudioSampleConfig) -> Path | None:
    if options.spectrogram is None:
        return None
    path = Path(options.spectrogram)
    if path.suffix.lower() != ".png":
        raise UsageError(
            f"--spectrogram {path} is not a PNG.", "Give a name that ends with .png."
        )
    return path
