"""Each way of writing sounds: a file each, joined in one, or as a stream of samples."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gancli.modalities.audio.encode import encode, normalized, pcm
from gancli.modalities.audio.spec import AudioSpec
from gancli.reporting import Reporter
from gancli.sampling.request import Sample, SampleRequest, SeedRequests
from gancli.sampling.target import Target
from gancli.sampling.writer import StreamWriter, Writer
from gancli.storage.files import write_file

GAP = 0.25  # seconds between clips that are joined, unless --gap says otherwise
_MAX_PICTURED = 64  # clips of a spectrogram picture


def name_of(seed: int, form: str) -> str:
    """Return the file name of a seed's clip."""
    return f"seed-{seed:06d}.{form}"


def clip_of(sample: Sample, spec: AudioSpec, frames: int) -> np.ndarray:
    """Return a sample's sound, its peak at 0.95, float32, shape (samples, channels)."""
    from gancli.modalities.audio.inversion import mel_to_audio  # torch

    return normalized(mel_to_audio(sample.data[:frames], spec, sample.request.seed))


def spectrogram_file(
    items: Sequence[np.ndarray], spec: AudioSpec, frames: int,
    times: Sequence[tuple[float, float]] = (),
) -> bytes:
    """Return a PNG of the spectrograms of items, each (frames, depth).

    Where there is one sound of all, ``times`` says where each begins and ends in it, in seconds.
    """
    from gancli.modalities.audio.spectrogram import spectrograms  # torch

    return spectrograms(items, spec, frames, times)


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
        reporter: Hears the figures.
    """

    def __init__(
        self, spec: AudioSpec, frames: int, picture: Path | None, reporter: Reporter
    ) -> None:
        self.spec, self.frames, self.picture = spec, frames, picture
        self._reporter, self._started = reporter, time.monotonic()
        self._pictured: list[np.ndarray] = []
        self._seconds: list[float] = []

    @property
    def files(self) -> list[Path]:
        """Files that are written beside the sounds."""
        return [] if self.picture is None else [self.picture]

    def sound(self, sample: Sample) -> np.ndarray:
        """Return a sample's sound, shape (samples, channels)."""
        if self.picture is not None and len(self._pictured) < _MAX_PICTURED:
            self._pictured.append(sample.data[: self.frames])
        clip = clip_of(sample, self.spec, self.frames)
        self._seconds.append(len(clip) / self.spec.rate)
        return clip

    def finish(self) -> None:
        """Write the picture and report the figures."""
        if self.picture is not None:
            write_file(self.picture, spectrogram_file(self._pictured, self.spec, self.frames))
        seconds, work = sum(self._seconds), time.monotonic() - self._started
        self._reporter.figure("sound_seconds", round(seconds, 3))
        self._reporter.figure("real_time_factor", round(work / seconds, 4))


class Folder(Writer):
    """A directory with a file for each seed."""

    def __init__(self, seeds: Sequence[int], target: Target, form: str, clips: Clips) -> None:
        assert target.path is not None
        self.path, self.form, self.clips = target.path, form, clips
        distinct = list(dict.fromkeys(seeds))
        files = [self.path / name_of(seed, form) for seed in distinct]
        requests = SeedRequests(distinct)
        super().__init__(requests, [*files, *clips.files], target.force)

    def write(self, sample: Sample) -> None:
        data = encode(self.clips.sound(sample), self.clips.spec.rate, self.form)
        write_file(self.path / name_of(sample.request.seed, self.form), data, durable=False)

    def finish(self) -> None:
        self.clips.finish()


class Joined(StreamWriter):
    """One file of all clips, with a gap between them."""

    def __init__(
        self, requests: Sequence[SampleRequest], target: Target, form: str, gap: int, clips: Clips
    ) -> None:
        super().__init__(requests, target, clips.files)
        self.form, self.gap, self.clips = form, gap, clips
        self._sounds: list[np.ndarray] = []

    def write(self, sample: Sample) -> None:
        self._sounds.append(self.clips.sound(sample))

    def finish(self) -> None:
        sound = np.concatenate(list(joined(self._sounds, self.gap)))
        self.stream.write(encode(sound, self.clips.spec.rate, self.form))
        self.clips.finish()


class RawStream(StreamWriter):
    """Plain samples on standard output, as they are made: whoever plays them need not wait."""

    def __init__(
        self, requests: Sequence[SampleRequest], target: Target, gap: int, clips: Clips
    ) -> None:
        super().__init__(requests, target, clips.files)
        self.gap, self.clips, self._first = gap, clips, True

    def open(self) -> AbstractContextManager[BinaryIO]:
        return nullcontext(self.target.stdout())

    def write(self, sample: Sample) -> None:
        sound = self.clips.sound(sample)
        if not self._first and self.gap:
            self.stream.write(pcm(np.zeros((self.gap, sound.shape[1]), np.float32)))
        self._first = False
        self.stream.write(pcm(sound))
        self.stream.flush()

    def finish(self) -> None:
        self.clips.finish()
