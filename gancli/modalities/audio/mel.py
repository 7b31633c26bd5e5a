"""Convert sound to log-mel frames. No other module imports torchaudio."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch.nn.functional import pad

from gancli.errors import GancliError
from gancli.modalities.audio.spec import FRAME_MULTIPLE, AudioSpec

# Magnitude that counts as silence, 85 dB below a sine at full scale: with a lower floor the
# networks would spend capacity on the background noise of recordings.
FLOOR = 1e-2
_MIN_VALUE = -4.0  # lowest value of an item, in standard deviations from the mean


@lru_cache(maxsize=8)
def _mel_transform(
    rate: int, hop: int, window: int, bins: int, device: torch.device
) -> torch.nn.Module:
    """Return the transform from samples (..., t) to mel magnitudes (..., bins, t // hop + 1).

    There is one for each device, since moving a shared one would move it for all callers.

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
            "CUDA; gancli doctor shows what is installed.",
        ) from error
    transform: torch.nn.Module = MelSpectrogram(
        sample_rate=rate, n_fft=window, hop_length=hop, n_mels=bins, power=1.0,
        center=True, pad_mode="constant",
    )
    return transform.to(device)


def mel_filters(spec: AudioSpec) -> torch.Tensor:
    """Return the weight of each frequency in each mel band, (window / 2 + 1, bins), on the CPU."""
    transform = _mel_transform(spec.rate, spec.hop, spec.window, spec.bins, torch.device("cpu"))
    weights: torch.Tensor = transform.mel_scale.fb  # type: ignore[union-attr, assignment]
    return weights


def log_mel(
    samples: torch.Tensor, rate: int, hop: int, window: int, bins: int
) -> torch.Tensor:
    """Return the natural logarithm of mel magnitudes, shape (n, t // hop, channels * bins).

    Magnitudes of a Hann window, zero-padded at both ends; triangular filters on the HTK mel scale.

    Args:
        samples: Shape (n, t, channels), in [-1, 1].
        rate, hop, window, bins: As in :class:`gancli.modalities.audio.spec.AudioSpec`.
    """
    frames = samples.shape[1] // hop
    transform = _mel_transform(rate, hop, window, bins, samples.device)
    magnitudes = transform(samples.transpose(1, 2).contiguous())[..., :frames]
    log_magnitudes: torch.Tensor = (magnitudes + FLOOR).log().permute(0, 3, 1, 2).flatten(2)
    return log_magnitudes


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


def silence(spec: AudioSpec) -> torch.Tensor:
    """Return the bands of a silent frame of an item, shape (channels * bins,)."""
    mean, std = _mean_and_std(spec)
    bands: torch.Tensor = ((math.log(FLOOR) - mean) / std).clamp_min(_MIN_VALUE)
    return bands


def after_end(spec: AudioSpec) -> torch.Tensor:
    """Return a frame of an item after the end of its clip, shape (depth,)."""
    return pad(silence(spec), (0, 1), value=-1.0)


@lru_cache(maxsize=8)
def _mean_and_std(spec: AudioSpec) -> tuple[torch.Tensor, torch.Tensor]:
    # On the CPU even under the meta device, since the cached tensors are shared by all callers.
    return torch.tensor(spec.mean, device="cpu"), torch.tensor(spec.deviation, device="cpu")


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
    mean, std = (tensor.to(samples.device) for tensor in _mean_and_std(spec))
    bands = log_mel(samples.float() / 32768, spec.rate, spec.hop, spec.window, spec.bins)
    bands = ((bands - mean) / std).clamp_min(_MIN_VALUE)
    positions = torch.arange(bands.shape[1], device=samples.device)
    inside = (positions < lengths[:, None])[..., None]
    bands = torch.where(inside, bands, silence(spec).to(samples.device))
    return torch.cat([bands, inside.float() * 2 - 1], 2)


def frames_inside(item: np.ndarray, spec: AudioSpec) -> int:
    """Return the length of the clip in an item (frames, depth): up to its last frame inside.

    Not up to the first frame outside: a generator in training sometimes marks a single frame in
    the middle as outside, and that would cut off the rest of the clip.
    """
    if not spec.ends:
        return len(item)
    inside = np.flatnonzero(item[:, -1] >= 0)
    return max(min(FRAME_MULTIPLE, len(item)), int(inside[-1]) + 1 if len(inside) else 0)


def from_item(item: np.ndarray, spec: AudioSpec) -> np.ndarray:
    """Return the log-mel inside the clip of an item (frames, depth): (channels, bins, inside)."""
    inside = item[: frames_inside(item, spec), :-1]
    frames = inside * np.array(spec.deviation) + np.array(spec.mean)
    bands: np.ndarray = frames.reshape(len(frames), spec.channels, spec.bins).transpose(1, 2, 0)
    return bands.astype(np.float32)
