"""Which way sounds leave, by the options and the name that they get."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gancli.errors import GancliError, UsageError
from gancli.modalities.audio.config import AudioSampleConfig
from gancli.modalities.audio.encode import FORMATS, encode, normalized, pcm
from gancli.modalities.audio.inversion import mel_to_audio
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.audio.spectrogram import spectrograms
from gancli.modalities.base import Items, Stdout
from gancli.reporting import Reporter
from gancli.sampling.interpolation import Between, check_way, route
from gancli.sampling.target import held_back, refuse_existing
from gancli.storage.files import replacing, write_file

_GAP = 0.25  # seconds between clips that are joined, if nothing else is said
_PICTURED = 64  # clips of a spectrogram picture at most


def name_of(seed: int, form: str) -> str:
    """Return the file name of a seed's clip."""
    return f"seed-{seed:06d}.{form}"


def write(
    items: Items, seeds: list[int], spec: AudioSpec, options: AudioSampleConfig,
    reporter: Reporter, stdout: Stdout,
) -> list[Path]:
    """Write the clips of seeds and return the files; see the contract of a modality.

    Clips that go to one file or to standard output are joined, with a gap between them. The
    result's figures are the seconds of sound, gaps not counted, and the real-time factor: seconds
    of work for one of sound.

    Raises:
        UsageError: The options do not go together.
        GancliError: A file is there already or cannot be written.
    """
    started = time.monotonic()
    path, form, folder = _target(options)
    spec = replace(spec, frames=options.frames(spec))
    picture = _picture(options)
    keys: Sequence[int | Between] = seeds
    if options.interpolate is not None:
        check_way(len(seeds), options.guided)
        if folder:
            raise UsageError(
                "--interpolate joins clips, but -o is a directory.", "Name a file with -o."
            )
        keys = route(seeds, options.interpolate, closed=False)
    if folder:
        assert path is not None
        keys = seeds = list(dict.fromkeys(seeds))
        files = [path / name_of(seed, form) for seed in seeds]
    else:
        files = [] if path is None else [path]
    refuse_existing([*files, *([picture] if picture else [])], options.force)
    kept: list[np.ndarray] = []
    heard: list[float] = []
    clips = _clips(items, keys, spec, kept if picture else None, heard)
    if folder:
        if options.gap is not None:
            raise UsageError(
                "--gap joins clips, but -o is a directory.", "Name a file, or leave --gap out."
            )
        for file, clip in zip(files, clips, strict=True):
            write_file(file, encode(clip, spec.rate, form), durable=False)
    else:
        _write_joined(clips, path, form, spec, options, stdout)
    if picture:
        write_file(picture, spectrograms(kept, spec))
        files = [*files, picture]
    reporter.figure("sound_seconds", round(sum(heard), 3))
    reporter.figure("real_time_factor", round((time.monotonic() - started) / sum(heard), 4))
    return files


def _write_joined(
    clips: Iterator[np.ndarray], path: Path | None, form: str, spec: AudioSpec,
    options: AudioSampleConfig, stdout: Stdout,
) -> None:
    gap = round((_GAP if options.gap is None else options.gap) * spec.rate)
    parts = _with_gaps(clips, gap, spec.channels)
    if form == "raw" and path is None:  # as they are made: whoever plays them need not wait
        stream = stdout()
        for part in parts:
            stream.write(pcm(part))
            stream.flush()
        return
    with held_back(stdout) if path is None else replacing(path) as stream:
        stream.write(encode(np.concatenate(list(parts)), spec.rate, form))


def _with_gaps(
    clips: Iterator[np.ndarray], gap: int, channels: int
) -> Iterator[np.ndarray]:
    for index, clip in enumerate(clips):
        if index and gap:
            yield np.zeros((gap, channels), np.float32)
        yield clip


def _clips(
    items: Items, keys: Sequence[int | Between], spec: AudioSpec, kept: list[np.ndarray] | None,
    heard: list[float],
) -> Iterator[np.ndarray]:
    """Yield the sound of each key, its peak at 0.95, and note its frames and seconds."""
    for key, item, _ in items(keys):
        item = item[: spec.frames]
        if kept is not None and len(kept) < _PICTURED:
            kept.append(item)
        clip = normalized(mel_to_audio(item, spec, key.first if isinstance(key, Between) else key))
        heard.append(len(clip) / spec.rate)
        yield clip


def _target(options: AudioSampleConfig) -> tuple[Path | None, str, bool]:
    """Return the path (None: standard output), the format, and whether it is a directory.

    Raises:
        UsageError: The options do not go together.
    """
    if options.raw and options.format is not None:
        raise UsageError("--raw has no --format.", "Keep one of them.")
    if options.output in (None, "-"):
        return None, "raw" if options.raw else options.format or "wav", False
    assert options.output is not None
    if not options.output:
        raise UsageError("-o names nothing.", "Give a file, a directory, or - for stdout.")
    path = Path(options.output)
    suffix = path.suffix.lower()
    if options.output.endswith(("/", os.sep)) or path.is_dir() or not suffix:
        if path.exists() and not path.is_dir():
            raise GancliError(f"{path} is a file, not a directory.", "Name another with -o.")
        return path, "raw" if options.raw else options.format or "wav", True
    if suffix not in FORMATS:
        raise UsageError(
            f"-o {options.output}: sounds cannot be written as {suffix}.",
            f"Choose one of: {', '.join(FORMATS)}, or a directory with a / at its end.",
        )
    form = FORMATS[suffix]
    if (options.raw and form != "raw") or options.format not in (None, form):
        raise UsageError(
            f"-o {options.output} is no {'raw' if options.raw else options.format}.",
            "Leave --raw and --format out, or rename it.",
        )
    return path, form, False


def _picture(options: AudioSampleConfig) -> Path | None:
    if options.spectrogram is None:
        return None
    path = Path(options.spectrogram)
    if path.suffix.lower() != ".png":
        raise UsageError(
            f"--spectrogram {path} is no PNG.", "Give a name that ends with .png."
        )
    return path


def preview(items: np.ndarray, spec: AudioSpec, path: Path) -> None:
    """Write clips joined as WAV, and their spectrograms as PNG, beside ``path``."""
    count = min(len(items), 16)
    clips = (normalized(mel_to_audio(item, spec, seed)) for seed, item in enumerate(items[:count]))
    joined = np.concatenate(list(_with_gaps(clips, round(_GAP * spec.rate), spec.channels)))
    write_file(path.with_name(path.name + ".wav"), encode(joined, spec.rate, "wav"))
    write_file(path.with_name(path.name + ".png"), spectrograms(list(items), spec))
