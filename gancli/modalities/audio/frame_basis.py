"""A basis of principal components for windows of log-mel frames, and the maps to and from it."""

import math

import torch
from torch import nn

from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.frames import after_end
from gancli.modalities.audio.inputs import components
from gancli.modalities.audio.spec import AudioSpec

_MAX_WINDOWS = 20_000  # to compute the components from


class FrameBasis(nn.Module):
    """The first principal components of windows of ``2 * size`` frames, ``size`` apart.

    Neighboring frames and bands of real sounds are correlated, so real windows lie close to a
    subspace of few dimensions. A generator that outputs weights of the components stays in this
    subspace, and a discriminator that reads only their weights does not see what is outside it.

    Args:
        spec: The spec of the sounds.
        config: Gives the frames of a step and the number of components.

    Attributes:
        size: Frames in a step; a window is two steps.
        bands: Mel bands of all channels.
        components: Number of components.
        shapes: The components, orthonormal, by decreasing variance: (components, 2 * size * bands).
        mean: Mean of all windows, shape (2 * size * bands,).
        deviation: Standard deviation of the weight of each component, shape (components,).
    """

    def __init__(self, spec: AudioSpec, config: AudioConfig) -> None:
        super().__init__()
        self.size = size = config.step_frames
        self.bands, self.components = spec.depth - 1, components(spec, config)
        values = 2 * size * self.bands
        # Zero until fitted to data or loaded with a model.
        self.register_buffer("shapes", torch.zeros(self.components, values))
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("deviation", torch.zeros(self.components))
        self.register_buffer("padding", torch.from_numpy(after_end(spec)), persistent=False)

    shapes: torch.Tensor
    mean: torch.Tensor
    deviation: torch.Tensor
    padding: torch.Tensor

    def windows(self, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return overlapping windows of items (n, frames, depth), padded with silence at both ends.

        Returns:
            Their log-mel (n, steps + 1, 2 * size * bands), and their presence, which is 1 inside a
            clip and -1 after its end (n, steps + 1, 2 * size).
        """
        n, frames, depth = items.shape
        before = self.padding.expand(n, self.size, -1)
        after = self.padding.expand(n, self.size + -frames % self.size, -1)
        # Not by unfold: its backward pass takes as long as the recurrent cell.
        padded = torch.cat([before, items, after], 1)
        steps = padded.view(n, padded.shape[1] // self.size, self.size, depth)
        windows = torch.cat([steps[:, :-1], steps[:, 1:]], 2)
        return windows[..., :-1].flatten(2), windows[..., -1]

    @torch.no_grad()
    def fit(self, items: torch.Tensor) -> None:
        """Set the components to those of items (n, frames, depth)."""
        bands, presence = self.windows(items)
        inside = (presence > 0).all(2)
        if inside.sum() < self.components:  # clips too short for whole windows
            inside = (presence > 0).any(2)
        windows = bands[inside]
        windows = windows[:: -(-len(windows) // _MAX_WINDOWS)].double()
        mean = windows.mean(0)
        centered = windows - mean
        variances, vectors = torch.linalg.eigh(centered.T @ centered / len(windows))  # ascending
        self.mean.copy_(mean)
        self.shapes.copy_(vectors.flip(1).T[: self.components])
        self.deviation.copy_(variances.flip(0)[: self.components].clamp_min(0).sqrt())


class FrameEncoder(FrameBasis):
    """Map items (n, frames, depth) to the inputs of a network, (n, steps + 1, outputs).

    For each window these are the weights of its components, and the presence of its frames.
    """

    @property
    def outputs(self) -> int:
        """Values for each window."""
        return self.components + 2 * self.size

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        bands, presence = self.windows(items)
        return torch.cat([(bands - self.mean) @ self.shapes.T, presence], 2)


class FrameDecoder(FrameBasis):
    """Map weights (n, steps + 1, components) to frames (n, steps * size, bands) by overlap-add.

    Weights are in standard deviations. Each window fades out while the next one fades in.
    """

    def __init__(self, spec: AudioSpec, config: AudioConfig) -> None:
        super().__init__(spec, config)
        phase = (torch.arange(2 * self.size) + 0.5) * (math.pi / (2 * self.size))
        self.register_buffer("fade", phase.sin().square()[:, None], persistent=False)

    fade: torch.Tensor

    def forward(self, weights: torch.Tensor) -> torch.Tensor:
        windows = (weights * self.deviation) @ self.shapes + self.mean
        faded = windows.view(*weights.shape[:2], 2 * self.size, self.bands) * self.fade
        fade_in, fade_out = faded.chunk(2, 2)
        return (fade_out[:, :-1] + fade_in[:, 1:]).flatten(1, 2)
