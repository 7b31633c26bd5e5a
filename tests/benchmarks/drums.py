"""Percussive sounds made from formulas, to train on by hand.

    python tests/benchmarks/drums.py FOLDER --count 600

Writes WAV files of 16 kHz in one folder: kicks (a sine that falls in pitch), snares (a tone and
noise) and hats (high noise), each with a pitch, a decay and a loudness of its own. Nothing in a
name says which is which, so that a training has no classes.
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile

_RATE = 16_000


def kick(random: np.random.Generator) -> np.ndarray:
    time = np.arange(int(random.uniform(0.2, 0.45) * _RATE)) / _RATE
    low, drop = random.uniform(40, 65), random.uniform(80, 220)
    phase = 2 * np.pi * np.cumsum(low + drop * np.exp(-time * random.uniform(20, 45))) / _RATE
    return np.sin(phase) * np.exp(-time * random.uniform(7, 14))


def snare(random: np.random.Generator) -> np.ndarray:
    time = np.arange(int(random.uniform(0.12, 0.3) * _RATE)) / _RATE
    tone = np.sin(2 * np.pi * random.uniform(150, 240) * time) * np.exp(-time * 30)
    noise = random.standard_normal(len(time)) * np.exp(-time * random.uniform(12, 28))
    return random.uniform(0.4, 0.9) * tone + 0.4 * noise


def hat(random: np.random.Generator) -> np.ndarray:
    time = np.arange(int(random.uniform(0.04, 0.22) * _RATE)) / _RATE
    noise = np.diff(random.standard_normal(len(time) + 2), 2)  # no low frequencies
    return 0.3 * noise * np.exp(-time * random.uniform(18, 70))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    given.folder.mkdir(parents=True)
    for index in range(given.count):
        sound = (kick, snare, hat)[random.integers(3)](random)
        sound *= random.uniform(0.3, 0.95) / np.abs(sound).max()
        soundfile.write(given.folder / f"hit-{index:04}.wav", sound.astype(np.float32), _RATE)


if __name__ == "__main__":
    main()
