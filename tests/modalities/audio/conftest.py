"""Synthetic sounds for the tests of audio."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import Recorder

from gancli.modalities.audio.spec import AudioSpec

RATE = 8000


@pytest.fixture
def reporter() -> Recorder:
    return Recorder()


@pytest.fixture(scope="session")
def tone():
    """Return a function that makes a decaying tone, float32, shape (samples,)."""

    def make(seconds=0.3, pitch=440.0, rate=RATE, level=0.5, decay=2.0):
        time = np.arange(round(seconds * rate)) / rate
        return (level * np.sin(2 * np.pi * pitch * time) * np.exp(-decay * time)).astype("f4")

    return make


@pytest.fixture(scope="session")
def encoded():
    """Return a function that encodes samples as the bytes of a sound file."""

    def make(samples, rate=RATE, form="WAV", subtype=None):
        out = io.BytesIO()
        soundfile.write(out, samples, rate, format=form, subtype=subtype)
        return out.getvalue()

    return make


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes files and returns their folder."""

    def make(files: dict[str, bytes]) -> Path:
        for name, data in files.items():
            path = tmp_path / "sounds" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / "sounds"

    return make


@pytest.fixture(scope="session")
def clips(tone, encoded):
    """Return a function that makes files of tones of different pitches and lengths."""

    def make(count=6, prefix="", seconds=0.3, rate=RATE):
        return {
            f"{prefix}{index:03}.wav": encoded(
                tone(seconds + 0.01 * (index % 5), 300 + 20 * index, rate), rate
            )
            for index in range(count)
        }

    return make


@pytest.fixture(scope="session")
def audio_spec():
    """Return a function that makes a spec of 8 kHz, 16 frames of 128 samples and 8 bands."""

    def make(**values) -> AudioSpec:
        table = {
            "rate": RATE, "channels": 1, "hop": 128, "window": 512, "bins": 8, "frames": 16,
            "ends": True, "trim": True, "classes": (), "class_counts": (), "count": 6, **values,
        }
        columns = table["channels"] * table["bins"]
        return AudioSpec(**{"mean": (0.0,) * columns, "deviation": (1.0,) * columns, **table})

    return make
