"""Features of pictures by a person's own network, as ONNX: nothing is unpickled or run from it."""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate

from gancli.errors import GancliError, UsageError
from gancli.evaluation.evaluate import Features

_TOGETHER = 50


def open_features(path: Path) -> Features:
    """Return the map from pictures (n, c, h, w) in [-1, 1] to the network's output, (n, dims).

    The network has one input, of shape (batch, 1 or 3, side, side), to which pictures are resized.
    Distances of its output are never called FID: that is defined by one file of Inception's
    weights and one way of resizing, and no ONNX file proves to be the former.

    Raises:
        UsageError: There is no such file.
        GancliError: onnxruntime is missing, or the file is not such a network.
    """
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", "Name a network in ONNX's format.")
    try:
        import onnxruntime
    except ImportError as error:
        raise GancliError(
            "--features needs onnxruntime, which is not installed.",
            "Install it with: pip install onnxruntime",
        ) from error
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        (feed,) = session.get_inputs()
        batch, channels, *sides = feed.shape
        if channels not in (1, 3) or len(sides) != 2:
            raise ValueError(f"its input has the shape {feed.shape}")
    except Exception as error:  # onnxruntime raises kinds of its own for each fault
        raise GancliError(
            f"{path} cannot be used for features: {error}.",
            "Give a network with one input of shape (batch, 3, side, side).",
        ) from error
    size = tuple(side for side in sides if isinstance(side, int))  # a free side has a name

    together = batch if isinstance(batch, int) else _TOGETHER

    def features(items: torch.Tensor) -> np.ndarray:
        if items.ndim != 4:
            raise UsageError("--features is for pictures alone.", "Leave --features out.")
        rows = []
        for part in torch.split(items, together):
            count = len(part)
            if isinstance(batch, int) and count < batch:  # a batch of a fixed size has to be full
                part = torch.cat([part, part[-1:].expand(batch - count, *part.shape[1:])])
            color = part[:, :3] if part.shape[1] >= 3 else part[:, :1].expand(-1, 3, -1, -1)
            x = color if channels == 3 else color.mean(1, keepdim=True)
            if len(size) == 2:
                x = interpolate(x, size=size, mode="bilinear", antialias=True)
            (output, *_) = session.run(None, {feed.name: x.contiguous().numpy()})
            rows.append(np.asarray(output, np.float64).reshape(len(part), -1)[:count])
        return np.concatenate(rows)

    return features
