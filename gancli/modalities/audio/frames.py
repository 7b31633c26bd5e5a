"""What an item's frames mean: log-mel bands, normalized, and whether the clip goes on (numpy)."""

import math

import numpy as np

from gancli.modalities.audio.spec import FRAME_MULTIPLE, AudioSpec

# Magnitude that counts as silence, 85 dB below a sine at full scale: with a lower floor the
# networks would spend capacity on the background noise of recordings.
FLOOR = 1e-2
FAINT = 3.0  # softplus of its negative, 0.05, is how strong the noise of a weight begins
MIN_VALUE = -4.0  # lowest value of an item, in standard deviations from the mean


def silence(spec: AudioSpec) -> np.ndarray:
    """Return the bands of a silent frame of an item, float32, shape (channels * bins,)."""
    mean, std = (np.array(values, np.float32) for values in (spec.mean, spec.deviation))
    bands: np.ndarray = (np.float32(math.log(FLOOR)) - mean) / std
    return bands.clip(min=np.float32(MIN_VALUE))


def after_end(spec: AudioSpec) -> np.ndarray:
    """Return a frame of an item after the end of its clip, float32, shape (depth,)."""
    return np.append(silence(spec), np.float32(-1))


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
