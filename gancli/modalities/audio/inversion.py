"""From log-mel frames back to sound."""

from functools import lru_cache

import numpy as np
import torch

from gancli.modalities.audio.mel import FLOOR, filters, from_item
from gancli.modalities.audio.spec import AudioSpec
from gancli.sampling.seeds import philox

_PURPOSE = 3  # of the random numbers


@lru_cache(maxsize=4)
def _inverse(spec: AudioSpec) -> torch.Tensor:
    inverse: torch.Tensor = torch.linalg.pinv(filters(spec))
    return inverse


@torch.no_grad()
def mel_to_audio(item: np.ndarray, spec: AudioSpec, seed: int) -> np.ndarray:
    """Return the sound of an item, float32, shape (samples, channels).

    Args:
        item: Shape (frames, depth).
        spec: Of the model.
        seed: Of the first phases.
    """
    bands = (torch.from_numpy(from_item(item, spec)).exp() - FLOOR).clamp_min(0)
    # The transform has a last frame, centered on the very end, that items leave out.
    bands = torch.cat([bands, bands[..., -1:]], 2)
    samples: np.ndarray = griffin_lim(magnitudes(bands, spec), spec, seed).T.contiguous().numpy()
    return samples


def magnitudes(bands: torch.Tensor, spec: AudioSpec, updates: int = 10) -> torch.Tensor:
    """Return magnitudes (channels, frequencies, frames) that make these mel bands.

    The pseudo-inverse of the mel filters, brought nearer to the bands by multiplicative updates
    (Lee and Seung 2001, Algorithms for non-negative matrix factorization).

    Args:
        bands: Shape (channels, bins, frames).
        spec: Of the model.
        updates: How many.
    """
    weights = filters(spec)  # (frequencies, bins)
    found = (_inverse(spec).T @ bands).clamp_min(1e-4)
    for _ in range(updates):
        made = weights.T @ found
        found = found * (weights @ bands) / (weights @ made).clamp_min(1e-8)
    return found


def griffin_lim(
    wanted: torch.Tensor, spec: AudioSpec, seed: int, iterations: int = 32, momentum: float = 0.99
) -> torch.Tensor:
    """Return sound (channels, samples) whose magnitudes come near to those wanted.

    The fast algorithm of Perraudin et al. 2013. torchaudio's draws its first phases from torch's
    global generator, and pads by reflection, which a short clip is too short for and which the
    frames of this project do not do; ``tests/benchmarks/inversion.py`` compares the two.

    Args:
        wanted: Shape (channels, frequencies, frames).
        spec: Of the model.
        seed: Of the first phases.
        iterations: How many.
        momentum: 0 is the algorithm of Griffin and Lim 1984.
    """
    length = (wanted.shape[2] - 1) * spec.hop
    window = torch.hann_window(spec.window)
    shape = tuple(wanted.shape)
    angles = torch.from_numpy(philox(seed, _PURPOSE).random(shape, np.float32)) * (2 * np.pi)
    phases = torch.polar(torch.ones(shape), angles)
    before = torch.zeros_like(phases)
    step = momentum / (1 + momentum)
    for _ in range(iterations):
        sound = torch.istft(
            wanted * phases, spec.window, spec.hop, window=window, length=length
        )
        now = torch.stft(
            sound, spec.window, spec.hop, window=window, pad_mode="constant",
            return_complex=True,
        )
        phases = now - step * before
        phases = phases / phases.abs().clamp_min(1e-12)
        before = now
    found: torch.Tensor = torch.istft(
        wanted * phases, spec.window, spec.hop, window=window, length=length
    )
    return found
