"""Windows of frames as weights of the shapes that a data set's frames are made of."""

import math

import torch
from torch import nn

from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.inputs import components
from gancli.modalities.audio.mel import after_end
from gancli.modalities.audio.spec import AudioSpec

_WINDOWS = 20_000  # to find the shapes in


class FrameBasis(nn.Module):
    """The first principal components of windows of ``2 * size`` frames, ``size`` apart.

    Real frames fill few of the directions that there are, since neighbours in time and frequency
    hear much of the same. A generator that weighs components cannot make what is far from every
    sound, and a discriminator that sees nothing but their weights does not ask for it.

    Args:
        spec: Of the sounds.
        config: Of the training.
    """

    def __init__(self, spec: AudioSpec, config: AudioConfig) -> None:
        super().__init__()
        self.size = size = config.step_frames
        self.bands, self.components = spec.depth - 1, components(spec, config)
        values = 2 * size * self.bands
        # Zero until they are found in data or loaded with a model.
        self.register_buffer("shapes", torch.zeros(self.components, values))
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("deviation", torch.zeros(self.components))
        self.register_buffer("filler", after_end(spec), persistent=False)

    shapes: torch.Tensor
    mean: torch.Tensor
    deviation: torch.Tensor
    filler: torch.Tensor

    def windows(self, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return windows of items (n, frames, depth), filled up at both ends with silence.

        Returns:
            Their sound (n, steps + 1, 2 * size * bands), and where the clip goes on
            (n, steps + 1, 2 * size).
        """
        after = self.size + -items.shape[1] % self.size
        before, behind = (self.filler.expand(len(items), each, -1) for each in (self.size, after))
        # Not unfold, whose gradient takes as long as the cell.
        padded = torch.cat([before, items, behind], 1)
        steps = padded.view(len(items), -1, self.size, items.shape[2])
        found = torch.cat([steps[:, :-1], steps[:, 1:]], 2)
        return found[..., :-1].flatten(2), found[..., -1]

    @torch.no_grad()
    def fit(self, items: torch.Tensor) -> None:
        """Find the components in items (n, frames, depth)."""
        sound, there = self.windows(items)
        inside = (there > 0).all(2)
        if inside.sum() < self.components:  # clips too short for whole windows
            inside = (there > 0).any(2)
        found = sound[inside]
        found = found[:: -(-len(found) // _WINDOWS)].double()
        mean = found.mean(0)
        centered = found - mean
        values, vectors = torch.linalg.eigh(centered.T @ centered / len(found))
        self.mean.copy_(mean)
        self.shapes.copy_(vectors.flip(1).T[: self.components])
        self.deviation.copy_(values.flip(0)[: self.components].clamp_min(0).sqrt())


class FrameEncoder(FrameBasis):
    """Items (n, frames, depth) to what a network reads of them, (n, steps + 1, outputs).

    That is the weights of the components in each window, and where in it the clip goes on.
    """

    @property
    def outputs(self) -> int:
        return self.components + 2 * self.size

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        sound, there = self.windows(items)
        return torch.cat([(sound - self.mean) @ self.shapes.T, there], 2)


class FrameDecoder(FrameBasis):
    """Weights (n, steps + 1, components), in deviations, to frames (n, steps * size, bands).

    Each window fades out while the next one fades in.
    """

    def __init__(self, spec: AudioSpec, config: AudioConfig) -> None:
        super().__init__(spec, config)
        place = (torch.arange(2 * self.size) + 0.5) * (math.pi / (2 * self.size))
        self.register_buffer("fade", place.sin().square()[:, None], persistent=False)

    fade: torch.Tensor

    def forward(self, weights: torch.Tensor) -> torch.Tensor:
        windows = (weights * self.deviation) @ self.shapes + self.mean
        faded = windows.view(*weights.shape[:2], 2 * self.size, self.bands) * self.fade
        begun, ended = faded.chunk(2, 2)
        return (ended[:, :-1] + begun[:, 1:]).flatten(1, 2)
