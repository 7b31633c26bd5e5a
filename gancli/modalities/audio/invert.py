"""From log-mel frames back to sound."""

from functools import lru_cache

import numpy as np
import torch

from gancli.modalities.audio.mel import FLOOR, filters, from_item
from gancli.modalities.audio.spec import AudioSpec
from gancli.sampling.seeds import philox

ITERATIONS = 32
_MOMENTUM = 0.99
_UPDATES = 10  # of the magnitudes
_PURPOSE = 3  # of the random numbers


@lru_cache(maxsize=4)
def _inverse(spec: AudioSpec) -> torch.Tensor:
    inverse: torch.Tensor = torch.linalg.pinv(filters(spec))
    return inverse


@torch.no_grad()
def invert(
    item: np.ndarray, spec: AudioSpec, seed: int, iterations: int = ITERATIONS
) -> np.ndarray:
    """Return the sound of an item, float32, shape (samples, channels).

    Magnitudes come from the mel bands by the pseudo-inverse, and are then brought nearer to them
    by multiplicative updates (Lee and Seung 2001); phases by the fast Griffin-Lim algorithm
    (Perraudin et al. 2013) from random ones.

    Args:
        item: Shape (frames, depth).
        spec: Of the model.
        seed: Of the first phases.
        iterations: Of Griffin-Lim.
    """
    bands = (torch.from_numpy(from_item(item, spec)).exp() - FLOOR).clamp_min(0)
    # The transform has a last frame, centred on the very end, that items leave out.
    bands = torch.cat([bands, bands[..., -1:]], 2)
    magnitudes = _magnitudes(bands, spec)
    length = (bands.shape[2] - 1) * spec.hop
    window = torch.hann_window(spec.window)
    shape = tuple(magnitudes.shape)
    angles = torch.from_numpy(philox(seed, _PURPOSE).random(shape, np.float32)) * (2 * np.pi)
    phases = torch.polar(torch.ones(shape), angles)
    before = torch.zeros_like(phases)
    step = _MOMENTUM / (1 + _MOMENTUM)
    for _ in range(iterations):
        sound = torch.istft(
            magnitudes * phases, spec.window, spec.hop, window=window, length=length
        )
        now = torch.stft(
            sound, spec.window, spec.hop, window=window, pad_mode="constant",
            return_complex=True,
        )
        phases = now - step * before
        phases = phases / phases.abs().clamp_min(1e-12)
        before = now
    found = torch.istft(magnitudes * phases, spec.window, spec.hop, window=window, length=length)
    samples: np.ndarray = found.T.contiguous().numpy()
    return samples


def _magnitudes(bands: torch.Tensor, spec: AudioSpec) -> torch.Tensor:
    """Return magnitudes (channels, frequencies, frames) that make these bands."""
    weights = filters(spec)  # (frequencies, bins)
    found = (_inverse(spec).T @ bands).clamp_min(1e-4)
    for _ in range(_UPDATES):
        made = weights.T @ found
        found = found * (weights @ bands) / (weights @ made).clamp_min(1e-8)
    return found
