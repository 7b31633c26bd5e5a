"""Each way of writing sounds: a file each, joined in one, or as a stream of samples."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.audio.encode import encode, normalized, pcm
from gancli.modalities.audio.inversion import mel_to_audio
from gancli.modalities.audio.spec import AudioSpec
from gancli.reporting import Reporter
from gancli.sampling.origin import Origin, as_text
from gancli.sampling.request import Sample, SampleRequest
from gancli.sampling.target import Target
from gancli.sampling.writer import FolderWriter, StreamWriter, Unwritten
from gancli.storage.files import write_file

GAP = 0.25  # seconds between clips that are joined, unless --gap says otherwise
_MAX_JOINED = 1 << 29  # samples of all channels in one file, which is made in memory
_MAX_PICTURED = 64  # clips of a spectrogram picture
_MAX_FACT = 450  # characters of each fact in a sound's comment, of which WAV has 2,048 bytes


def clip_of(sample: Sample, spec: AudioSpec, frames: int) -> np.ndarray:
    """Return a sample's sound, its peak at 0.95, float32, shape (samples, channels)."""
    return normalized(mel_to_audio(sample.data[:frames], spec, sample.request.seed))


def facts_of(samples: Sequence[Sample], origin: Origin, limit: int = 8000) -> dict[str, str]:
    """Return what a file says of samples; those between two seeds are said to be of the first."""
    pairs = list(dict.fromkeys((sample.request.seed, sample.label) for sample in samples))
    return origin.facts([seed for seed, _ in pairs], [label for _, label in pairs], limit)


def comment_of(samples: Sequence[Sample], origin: Origin) -> str:
    """Return what a sound file says of samples."""
    return as_text(facts_of(samples, origin, _MAX_FACT))


def spectrogram_file(
    samples: Sequence[Sample], spec: AudioSpec, frames: int, facts: Mapping[str, str],
    times: Sequence[tuple[float, float]] = (),
) -> bytes:
    """Return a PNG of the spectrograms of samples, with axes.

    Where there is one sound of all, ``times`` says where each begins and ends in it, in seconds.
    """
    from gancli.modalities.audio.spectrogram import as_png  # Pillow

    return as_png([sample.data[:frames] for sample in samples], spec, frames, facts, times)


def joined(clips: Iterable[np.ndarray], gap: int) -> Iterator[np.ndarray]:
    """Yield clips, each (samples, channels), with ``gap`` samples of silence between them."""
    for index, clip in enumerate(clips):
        if index and gap:
            yield np.zeros((gap, clip.shape[1]), np.float32)
        yield clip


class Clips:
    """Turns samples into sound, and keeps count.

    Args:
        spec: Of the model.
        frames: The most that a clip may have.
        picture: Where a picture of the spectrograms goes, or None.
        reporter: Receives the figures.
        origin: What files say of their samples.
    """

    def __init__(
        self, spec: AudioSpec, frames: int, picture: Path | None, reporter: Reporter,
        origin: Origin,
    ) -> None:
        self.spec, self.frames, self.picture, self.origin = spec, frames, picture, origin
        self._reporter, self._started = reporter, time.monotonic()
        self._pictured: list[Sample] = []
        self._seconds = 0.0

    @property
    def files(self) -> list[Path]:
        """Files that are written beside the sounds."""
        return [] if self.picture is None else [self.picture]

    def sound(self, sample: Sample) -> np.ndarray:
        """Return a sample's sound, shape (samples, channels)."""
        self.remember(sample)
        clip = clip_of(sample, self.spec, self.frames)
        self._seconds += len(clip) / self.spec.rate
        return clip

    def remember(self, sample: Sample) -> None:
        """Keep a sample for the picture."""
        if self.picture is not None and len(self._pictured) < _MAX_PICTURED:
            self._pictured.append(sample)

    def finish(self) -> None:
        """Write the picture and report the figures, if there was sound."""
        if self.picture is not None:
            facts = facts_of(self._pictured, self.origin)
            png = spectrogram_file(self._pictured, self.spec, self.frames, facts)
            write_file(self.picture, png)
        if not self._seconds:
            return
        work = time.monotonic() - self._started
        self._reporter.figure("sound_seconds", round(self._seconds, 3))
        self._reporter.figure("real_time_factor", round(work / self._seconds, 4))


class Folder(FolderWriter):
    """A directory with a file for each seed."""

    def __init__(self, seeds: Sequence[int], target: Target, form: str, clips: Clips) -> None:
        super().__init__(seeds, target, f".{form}", clips.files)
        self.form, self.clips = form, clips

    def write(self, sample: Sample) -> None:
        comment = comment_of([sample], self.clips.origin)
        data = encode(self.clips.sound(sample), self.clips.spec.rate, self.form, comment)
        write_file(self.file_of(sample.request.seed), data, durable=False)

    def finish(self) -> None:
        self.clips.finish()


class Joined(StreamWriter):
    """One file of all clips, with a gap between them."""

    def __init__(
        self, requests: Sequence[SampleRequest], target: Target, form: str, gap: int, clips: Clips
    ) -> None:
        spec, count = clips.spec, len(requests)
        samples = count * clips.frames * spec.hop + (count - 1) * gap
        if samples * spec.channels > _MAX_JOINED:
            raise UsageError(
                f"{count:,} clips make one sound of {samples / spec.rate / 3600:,.0f} hours, too "
                "long for one file.",
                "Ask for fewer, or for separate files (-o DIR/), or for --raw, which has no end.",
            )
        super().__init__(requests, target, clips.files)
        self.form, self.gap, self.clips = form, gap, clips
        self._sounds: list[np.ndarray] = []
        self._samples: list[Sample] = []

    def write(self, sample: Sample) -> None:
        self._sounds.append(self.clips.sound(sample))
        self._samples.append(sample)

    def finish(self) -> None:
        sound = np.concatenate(list(joined(self._sounds, self.gap)))
        comment = comment_of(self._samples, self.clips.origin)
        self.stream.write(encode(sound, self.clips.spec.rate, self.form, comment))
        self.clips.finish()


class Unheard(Unwritten):
    """No sound, but the picture of the spectrograms if one is asked for."""

    def __init__(
        self, requests: Sequence[SampleRequest], target: Target, clips: Clips
    ) -> None:
        super().__init__(requests, clips.files, target.force)
        self.clips = clips

    def write(self, sample: Sample) -> None:
        self.clips.remember(sample)

    def finish(self) -> None:
        self.clips.finish()


class RawStream(StreamWriter):
    """Plain samples as they are made: whoever plays them from standard output need not wait."""

    def __init__(
        self, requests: Sequence[SampleRequest], target: Target, gap: int, clips: Clips
    ) -> None:
        super().__init__(requests, target, clips.files)
        self.gap, self.clips, self._first = gap, clips, True

    def open(self) -> AbstractContextManager[BinaryIO]:
        return nullcontext(self.target.stdout()) if self.target.path is None else super().open()

    def write(self, sample: Sample) -> None:
        sound = self.clips.sound(sample)
        if not self._first and self.gap:
            self.stream.write(pcm(np.zeros((self.gap, sound.shape[1]), np.float32)))
        self._first = False
        self.stream.write(pcm(sound))
        self.stream.flush()

    def finish(self) -> None:
        self.clips.finish()
