"""Sound as log-mel frames. The one module that loads torchaudio."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch.nn.functional import pad

from gancli.errors import GancliError
from gancli.modalities.audio.spec import ROUND, AudioSpec

# Magnitude that counts as silence: 85 dB below a sine at full scale. Lower ones would spend the
# networks on the noise of recordings.
FLOOR = 1e-2
_LOWEST = -4.0  # deviations below the mean that an item holds at least


@lru_cache(maxsize=8)
def _spectrum(
    rate: int, hop: int, window: int, bins: int, device: torch.device
) -> torch.nn.Module:
    """Return the transform from samples (..., t) to mel magnitudes (..., bins, t // hop + 1).

    One for each device: moving one that others hold would move theirs.

    Raises:
        GancliError: torchaudio cannot be loaded.
    """
    try:
        from torchaudio.transforms import MelSpectrogram
    except (ImportError, OSError, RuntimeError) as error:
        raise GancliError(
            f"torchaudio cannot be loaded beside torch {torch.__version__}: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}.",
            "Install torch and torchaudio from the same place, both for the CPU or both for "
            "CUDA; gancli doctor shows which are there.",
        ) from error
    transform: torch.nn.Module = MelSpectrogram(
        sample_rate=rate, n_fft=window, hop_length=hop, n_mels=bins, power=1.0,
        center=True, pad_mode="constant",
    )
    return transform.to(device)


def filters(spec: AudioSpec) -> torch.Tensor:
    """Return the weight of each frequency in each band, (window / 2 + 1, bins), on the CPU."""
    transform = _spectrum(spec.rate, spec.hop, spec.window, spec.bins, torch.device("cpu"))
    weights: torch.Tensor = transform.mel_scale.fb  # type: ignore[union-attr, assignment]
    return weights


def log_mel(
    samples: torch.Tensor, rate: int, hop: int, window: int, bins: int
) -> torch.Tensor:
    """Return the natural logarithm of mel magnitudes, shape (n, t // hop, channels * bins).

    Args:
        samples: Shape (n, t, channels), in [-1, 1].
        rate, hop, window, bins: As in :class:`gancli.modalities.audio.spec.AudioSpec`.
    """
    frames = samples.shape[1] // hop
    transform = _spectrum(rate, hop, window, bins, samples.device)
    magnitudes = transform(samples.transpose(1, 2).contiguous())[..., :frames]
    found: torch.Tensor = (magnitudes + FLOOR).log().permute(0, 3, 1, 2).flatten(2)
    return found


@torch.no_grad()
def statistics(
    clips: Sequence[np.ndarray], rate: int, hop: int, window: int, bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of each channel's bands over the frames of clips (t, channels)."""
    total = square = np.zeros(0)
    count = 0
    for clip in clips:
        padded = np.pad(clip, ((0, max(hop - len(clip), 0)), (0, 0)))
        samples = torch.from_numpy(padded.astype(np.float32))[None]
        frames = log_mel(samples, rate, hop, window, bins)[0].double().numpy()
        total, square = _add(total, frames.sum(0)), _add(square, np.square(frames).sum(0))
        count += len(frames)
    mean = total / count
    return mean, np.sqrt(np.maximum(square / count - mean**2, 0.0))


def _add(total: np.ndarray, values: np.ndarray) -> np.ndarray:
    return total + values if len(total) else values


def silence(spec: AudioSpec) -> torch.Tensor:
    """Return what an item holds after its end, shape (channels * bins,)."""
    mean, deviation = _scale(spec)
    quiet: torch.Tensor = ((math.log(FLOOR) - mean) / deviation).clamp_min(_LOWEST)
    return quiet


def after_end(spec: AudioSpec) -> torch.Tensor:
    """Return a frame after a clip's end, shape (depth,)."""
    return pad(silence(spec), (0, 1), value=-1.0)


@lru_cache(maxsize=8)
def _scale(spec: AudioSpec) -> tuple[torch.Tensor, torch.Tensor]:
    # On the CPU even where networks are only outlined: what is kept here serves all.
    return torch.tensor(spec.mean, device="cpu"), torch.tensor(spec.deviation, device="cpu")


@torch.no_grad()
def to_items(samples: torch.Tensor, lengths: torch.Tensor, spec: AudioSpec) -> torch.Tensor:
    """Return what the discriminator sees of real clips, float32, shape (n, frames, depth).

    Args:
        samples: int16, shape (n, frames * hop, channels), zeros after the end.
        lengths: Frames inside each clip, shape (n,).
        spec: Of the data.
    """
    mean, deviation = (each.to(samples.device) for each in _scale(spec))
    found = log_mel(samples.float() / 32768, spec.rate, spec.hop, spec.window, spec.bins)
    found = ((found - mean) / deviation).clamp_min(_LOWEST)
    places = torch.arange(found.shape[1], device=samples.device)
    inside = (places < lengths[:, None])[..., None]
    found = torch.where(inside, found, silence(spec).to(samples.device))
    return torch.cat([found, inside.float() * 2 - 1], 2)


def frames_inside(item: np.ndarray, spec: AudioSpec) -> int:
    """Return where an item (frames, depth) ends: after its last frame that says it goes on.

    A generator in training is now and then in doubt for a frame in the middle, so the first frame
    that says otherwise would cut whole clips to nothing.
    """
    if not spec.ends:
        return len(item)
    inside = np.flatnonzero(item[:, -1] >= 0)
    return max(min(ROUND, len(item)), int(inside[-1]) + 1 if len(inside) else 0)


def from_item(item: np.ndarray, spec: AudioSpec) -> np.ndarray:
    """Return the log-mel frames of an item (frames, depth), shape (channels, bins, inside)."""
    inside = item[: frames_inside(item, spec), :-1]
    frames = inside * np.array(spec.deviation) + np.array(spec.mean)
    shaped: np.ndarray = frames.reshape(len(frames), spec.channels, spec.bins).transpose(1, 2, 0)
    return shaped.astype(np.float32)
