"""Convert sound to log-mel frames (torch)."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from gancli.modalities.audio.filters import mel_filters
from gancli.modalities.audio.frames import FLOOR, MIN_VALUE, silence
from gancli.modalities.audio.spec import AudioSpec


@lru_cache(maxsize=8)
def _transform(
    rate: int, window: int, bins: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the window (window,) and the mel filters (window / 2 + 1, bins) on a device."""
    filters = torch.from_numpy(mel_filters(rate, window, bins))
    return torch.hann_window(window, device=device), filters.to(device)


def log_mel(
    samples: torch.Tensor, rate: int, hop: int, window: int, bins: int
) -> torch.Tensor:
    """Return the natural logarithm of mel magnitudes, shape (n, t // hop, channels * bins).

    Magnitudes of a Hann window, zero-padded at both ends; triangular filters on the HTK mel scale.

    Args:
        samples: Shape (n, t, channels), in [-1, 1].
        rate, hop, window, bins: As in :class:`gancli.modalities.audio.spec.AudioSpec`.
    """
    n, length, channels = samples.shape
    weights, filters = _transform(rate, window, bins, samples.device)
    spectrum = torch.stft(
        samples.transpose(1, 2).flatten(0, 1), window, hop, window=weights, pad_mode="constant",
        return_complex=True,
    )
    magnitudes = spectrum.abs()[..., : length // hop].transpose(1, 2) @ filters
    log_magnitudes: torch.Tensor = (magnitudes + FLOOR).log()
    return log_magnitudes.view(n, channels, -1, bins).transpose(1, 2).flatten(2)


@torch.no_grad()
def statistics(
    clips: Sequence[np.ndarray], rate: int, hop: int, window: int, bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and std of the log-mel of clips (t, channels), each (channels * bins,)."""
    sums = squares = np.zeros(0)
    count = 0
    for clip in clips:
        padded = np.pad(clip, ((0, max(hop - len(clip), 0)), (0, 0)))
        samples = torch.from_numpy(padded.astype(np.float32))[None]
        frames = log_mel(samples, rate, hop, window, bins)[0].double().numpy()
        sums, squares = _add(sums, frames.sum(0)), _add(squares, np.square(frames).sum(0))
        count += len(frames)
    mean = sums / count
    return mean, np.sqrt(np.maximum(squares / count - mean**2, 0.0))


def _add(total: np.ndarray, values: np.ndarray) -> np.ndarray:
    return total + values if len(total) else values


@torch.no_grad()
def to_items(samples: torch.Tensor, lengths: torch.Tensor, spec: AudioSpec) -> torch.Tensor:
    """Return real clips as items, float32, shape (n, frames, depth).

    A frame holds the log-mel of each channel, normalized by the mean and standard deviation of
    the data, and then 1 inside the clip or -1 after its end.

    Args:
        samples: int16, shape (n, frames * hop, channels), zeros after the end.
        lengths: Frames inside each clip, shape (n,).
        spec: The spec of the data.
    """
    mean, std = (
        torch.tensor(values, device=samples.device) for values in (spec.mean, spec.deviation)
    )
    bands = log_mel(samples.float() / 32768, spec.rate, spec.hop, spec.window, spec.bins)
    bands = ((bands - mean) / std).clamp_min(MIN_VALUE)
    positions = torch.arange(bands.shape[1], device=samples.device)
    inside = (positions < lengths[:, None])[..., None]
    bands = torch.where(inside, bands, torch.from_numpy(silence(spec)).to(samples.device))
    return torch.cat([bands, inside.float() * 2 - 1], 2)
