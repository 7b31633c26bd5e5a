"""Ways from mel frames back to sound: how near they come, and what they cost.

    python tests/benchmarks/inversion.py TEST --train TRAIN --clips 60

TEST and TRAIN are sound data as ``gancli train audio`` takes it. Each clip of TEST becomes mel
frames and sound again. Prints, for each way, means over clips: mel, the error of the log-mel frames
of the new sound, and full, that of its magnitudes above the floor, both in dB; and ms, CPU
milliseconds a clip on one thread, median of clips. Ways differ in magnitudes (pseudo-inverse; with
multiplicative updates; a network that learned them from TRAIN; the true ones, a bound that no way
reaches) and in phases (Griffin-Lim, its fast version, torchaudio's of both).
"""

import argparse
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchaudio.functional import griffinlim

from gancli.data.source import open_source
from gancli.modalities.audio import inversion
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.dataset import load
from gancli.modalities.audio.filters import mel_filters
from gancli.modalities.audio.frames import FLOOR
from gancli.modalities.audio.inspect import inspect
from gancli.reporting import Silent

_DB = 20 / np.log(10)


def clips(path, spec, count, seed=0):
    """Yield sounds, float32, shape (1, samples), at most ``count``."""
    dataset = load(open_source(str(path)), spec, AudioConfig(), Silent())
    lengths = dataset.arrays["lengths"]
    for index in np.random.default_rng(seed).permutation(len(lengths))[:count]:
        samples = dataset.arrays["samples"][index, : lengths[index] * spec.hop, 0]
        yield torch.from_numpy(samples.astype(np.float32) / 32768)[None]


def spectrum(sound, spec):
    """Return magnitudes (1, frequencies, frames)."""
    return torch.stft(
        sound, spec.window, spec.hop, window=torch.hann_window(spec.window),
        pad_mode="constant", return_complex=True,
    ).abs()


def filters_of(spec):
    return torch.from_numpy(mel_filters(spec.rate, spec.window, spec.bins))


def mel_to_magnitudes(bands, spec, updates):
    return torch.from_numpy(inversion.mel_to_magnitudes(bands.numpy(), spec, updates))


def griffin_lim(wanted, spec, seed, iterations, momentum):
    sound = inversion.griffin_lim(wanted.numpy(), spec, seed, iterations, momentum)
    return torch.from_numpy(np.ascontiguousarray(sound))


def torchaudio_way(wanted, spec, seed, iterations, momentum):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return griffinlim(
            wanted, torch.hann_window(spec.window), spec.window, spec.hop, spec.window, 1.0,
            iterations, momentum, (wanted.shape[2] - 1) * spec.hop, True,
        )


class Learnt(nn.Module):
    """Log-mel bands of a frame and its neighbours to what the log-magnitudes lack."""

    def __init__(self, bins, frequencies):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(bins, 256, 3, padding=1), nn.ReLU(), nn.Conv1d(256, 256, 1), nn.ReLU(),
            nn.Conv1d(256, frequencies, 1),
        )

    def forward(self, bands, spec):
        start = mel_to_magnitudes(bands, spec, 10)
        return (start + FLOOR).log() + self.body((bands + FLOOR).log())


def learn(path, spec, steps):
    """Return the network fitted to the magnitudes of clips, and the seconds that it took."""
    weights = filters_of(spec)
    sounds = list(clips(path, spec, 1500))
    torch.manual_seed(0)
    network = Learnt(spec.bins, len(weights))
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    started = time.process_time()
    for step in range(steps):
        chosen = [sounds[(step * 8 + k) % len(sounds)] for k in range(8)]
        true = torch.cat([spectrum(each, spec) for each in chosen], 2)
        wanted = (true + FLOOR).log()
        loss = (network(weights.T @ true, spec) - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network, time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("test", type=Path)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--steps", type=int, default=1000, help="of the network that learns")
    given = parser.parse_args()
    torch.set_num_threads(1)
    spec, _ = inspect(open_source(str(given.train)), AudioConfig())
    weights = filters_of(spec)
    network, seconds = learn(given.train, spec, given.steps)
    print(f"{spec.rate} Hz, {spec.bins} bands; the network learned for {seconds:.0f} CPU seconds")

    @torch.no_grad()
    def learned(bands):
        return (network(bands, spec).exp() - FLOOR).clamp_min(0)

    updated = {count: partial(mel_to_magnitudes, spec=spec, updates=count)
               for count in (0, 10, 50)}
    ways = {
        "pseudo-inverse, Griffin-Lim 32": (updated[0], griffin_lim, 32, 0.0),
        "updates 10, Griffin-Lim 32": (updated[10], griffin_lim, 32, 0.0),
        "updates 10, Griffin-Lim 128": (updated[10], griffin_lim, 128, 0.0),
        "updates 10, torchaudio 32": (updated[10], torchaudio_way, 32, 0.0),
        "updates 10, torchaudio fast 32": (updated[10], torchaudio_way, 32, 0.99),
        **{f"updates 10, fast {count}": (updated[10], griffin_lim, count, 0.99)
           for count in (8, 16, 32, 64, 128)},
        "pseudo-inverse, fast 32": (updated[0], griffin_lim, 32, 0.99),
        "updates 50, fast 32": (updated[50], griffin_lim, 32, 0.99),
        "learned, fast 32": (learned, griffin_lim, 32, 0.99),
        "true, fast 32": (None, griffin_lim, 32, 0.99),
    }
    found = defaultdict(list)
    for seed, sound in enumerate(clips(given.test, spec, given.clips)):
        true = spectrum(sound, spec)
        bands = weights.T @ true
        for name, (make, phases, iterations, momentum) in ways.items():  # in turn, for the times
            started = time.process_time()
            wanted = true if make is None else make(bands)
            new = phases(wanted, spec, seed, iterations=iterations, momentum=momentum)
            spent = time.process_time() - started
            made = spectrum(new, spec)
            mel = ((weights.T @ made + FLOOR).log() - (bands + FLOOR).log()).abs().mean()
            full = ((made + FLOOR).log() - (true + FLOOR).log()).abs().mean()
            found[name].append((float(mel) * _DB, float(full) * _DB, 1e3 * spent))
    print("\n| way | mel, dB | full, dB | ms |\n|---|---|---|---|")
    for name, rows in found.items():
        mel, full, _ = np.mean(rows, 0)
        print(f"| {name} | {mel:.2f} | {full:.2f} | {np.median(np.array(rows)[:, 2]):.0f} |")


if __name__ == "__main__":
    main()
