"""Sounds made up for the tests of audio."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gancli.modalities.audio.spec import AudioSpec
from gancli.reporting import Silent

RATE = 8000


class Heard(Silent):
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="session")
def tone():
    """Return what makes a decaying tone, float32, shape (samples,)."""

    def make(seconds=0.3, pitch=440.0, rate=RATE, level=0.5, decay=2.0):
        time = np.arange(round(seconds * rate)) / rate
        return (level * np.sin(2 * np.pi * pitch * time) * np.exp(-decay * time)).astype("f4")

    return make


@pytest.fixture(scope="session")
def encoded():
    """Return what makes the bytes of a sound file."""

    def make(samples, rate=RATE, form="WAV", subtype=None):
        out = io.BytesIO()
        soundfile.write(out, samples, rate, format=form, subtype=subtype)
        return out.getvalue()

    return make


@pytest.fixture
def folder(tmp_path):
    """Return what writes files and returns their folder."""

    def make(files: dict[str, bytes]) -> Path:
        for name, data in files.items():
            path = tmp_path / "sounds" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / "sounds"

    return make


@pytest.fixture(scope="session")
def clips(tone, encoded):
    """Return what makes files of tones, of pitches and lengths of their own."""

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
    """Return what makes a spec of 8 kHz, 16 frames of 128 samples and 8 bands."""

    def make(**values) -> AudioSpec:
        table = {
            "rate": RATE, "channels": 1, "hop": 128, "window": 512, "bins": 8, "frames": 16,
            "ends": True, "trim": True, "classes": (), "class_counts": (), "count": 6, **values,
        }
        columns = table["channels"] * table["bins"]
        return AudioSpec(**{"mean": (0.0,) * columns, "deviation": (1.0,) * columns, **table})

    return make
