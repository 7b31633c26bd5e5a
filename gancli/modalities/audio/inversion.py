"""Convert log-mel frames back to sound."""

from functools import lru_cache

import numpy as np
import torch

from gancli.modalities.audio.mel import FLOOR, from_item, mel_filters
from gancli.modalities.audio.spec import AudioSpec
from gancli.sampling.seeds import Stream, philox


@lru_cache(maxsize=4)
def _inverse_filters(spec: AudioSpec) -> torch.Tensor:
    """Return the pseudo-inverse of the mel filters, shape (bins, window / 2 + 1)."""
    inverse: torch.Tensor = torch.linalg.pinv(mel_filters(spec))
    return inverse


@torch.no_grad()
def mel_to_audio(item: np.ndarray, spec: AudioSpec, seed: int) -> np.ndarray:
    """Return the waveform of an item: its clip's log-mel inverted by Griffin-Lim.

    The mel bands give the magnitudes of all frequencies, by :func:`mel_to_magnitudes`, and these
    the phases and samples, by :func:`griffin_lim`.

    Args:
        item: Shape (frames, depth), as :func:`gancli.modalities.audio.mel.to_items` returns it.
        spec: The spec of the model.
        seed: Fixes the initial phases.

    Returns:
        Samples, float32, shape (frames inside the clip * hop, channels), not normalized.
    """
    bands = (torch.from_numpy(from_item(item, spec)).exp() - FLOOR).clamp_min(0)
    # The transform has one more frame, centered on the very end, that items leave out.
    bands = torch.cat([bands, bands[..., -1:]], 2)
    magnitudes = mel_to_magnitudes(bands, spec)
    samples: np.ndarray = griffin_lim(magnitudes, spec, seed).T.contiguous().numpy()
    return samples


def mel_to_magnitudes(bands: torch.Tensor, spec: AudioSpec, updates: int = 10) -> torch.Tensor:
    """Return magnitudes (channels, window / 2 + 1, frames) whose mel bands are close to these.

    The pseudo-inverse of the mel filters, refined by multiplicative updates (Lee and Seung 2001,
    Algorithms for non-negative matrix factorization).

    Args:
        bands: Mel magnitudes, shape (channels, bins, frames).
        spec: The spec of the model.
        updates: Number of multiplicative updates.
    """
    filters = mel_filters(spec)
    magnitudes = (_inverse_filters(spec).T @ bands).clamp_min(1e-4)
    for _ in range(updates):
        estimate = filters.T @ magnitudes
        magnitudes = magnitudes * (filters @ bands) / (filters @ estimate).clamp_min(1e-8)
    return magnitudes


def griffin_lim(
    magnitudes: torch.Tensor, spec: AudioSpec, seed: int, iterations: int = 32,
    momentum: float = 0.99,
) -> torch.Tensor:
    """Return sound (channels, samples) whose magnitudes are close to those given.

    The fast algorithm of Perraudin et al. 2013, A fast Griffin-Lim algorithm. torchaudio's version
    draws the initial phases from torch's global generator and pads by reflection, which needs
    clips longer than half a window and differs from the frames here;
    ``tests/benchmarks/inversion.py`` compares the two.

    Args:
        magnitudes: Shape (channels, window / 2 + 1, frames).
        spec: The spec of the model.
        seed: Fixes the initial phases.
        iterations: Number of iterations.
        momentum: 0 gives the algorithm of Griffin and Lim 1984.
    """
    length = (magnitudes.shape[2] - 1) * spec.hop
    window = torch.hann_window(spec.window)
    shape = tuple(magnitudes.shape)
    angles = torch.from_numpy(philox(seed, Stream.PHASE).random(shape, np.float32)) * (2 * np.pi)
    phases = torch.polar(torch.ones(shape), angles)
    previous = torch.zeros_like(phases)
    factor = momentum / (1 + momentum)
    for _ in range(iterations):
        sound = torch.istft(
            magnitudes * phases, spec.window, spec.hop, window=window, length=length
        )
        spectrum = torch.stft(
            sound, spec.window, spec.hop, window=window, pad_mode="constant",
            return_complex=True,
        )
        phases = spectrum - factor * previous
        phases = phases / phases.abs().clamp_min(1e-12)
        previous = spectrum
    sound = torch.istft(magnitudes * phases, spec.window, spec.hop, window=window, length=length)
    return sound
