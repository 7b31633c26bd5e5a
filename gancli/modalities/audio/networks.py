"""A recurrent generator and discriminator over frames of sound, several to a step."""

import torch
from torch import nn
from torch.nn.functional import pad

from gancli.layers.activation import activation
from gancli.layers.recurrent import Recurrent
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.mel import silence
from gancli.modalities.audio.spec import AudioSpec


def stacked(items: torch.Tensor, size: int, filler: torch.Tensor) -> torch.Tensor:
    """Return items (n, frames, depth) as steps (n, steps, size * depth), filled up at the end."""
    missing = -items.shape[1] % size
    if missing:
        items = torch.cat([items, filler.expand(len(items), missing, -1)], 1)
    return items.reshape(len(items), -1, size * items.shape[2])


def blended(blocks: torch.Tensor) -> torch.Tensor:
    """Return overlapping blocks (n, steps, 2 * size, depth) as frames (n, steps * size, depth).

    The second half of a block fades out while the first half of the next one fades in.
    """
    n, steps, twice, depth = blocks.shape
    begun, ended = blocks.chunk(2, 2)
    before = torch.cat([begun[:, :1], ended[:, :-1]], 1)
    share = (torch.arange(twice // 2, device=blocks.device) + 0.5) / (twice // 2)
    frames: torch.Tensor = before.lerp(begun, share.to(blocks.dtype)[:, None])
    return frames.reshape(n, -1, depth)


def after_end(spec: AudioSpec) -> torch.Tensor:
    """Return a frame after a clip's end, shape (depth,)."""
    return pad(silence(spec), (0, 1), value=-1.0)


class Generator(nn.Module):
    """Random numbers (n, latent + steps * noise) and labels (n,) to items (n, frames, depth).

    The first ``latent`` numbers, the code, and the class set the first state and are seen at each
    step; the rest is fresh noise for each. No output is fed back. A clip that has an end is
    silent after it, so that what the discriminator sees there gives nothing away.
    """

    def __init__(self, spec: AudioSpec, config: AudioConfig) -> None:
        super().__init__()
        self.latent, self.noise = config.latent, config.noise
        self.steps = -(-spec.frames // config.step_frames)
        self.frames, self.depth, self.ends = spec.frames, spec.depth, spec.ends
        self.made = config.step_frames * (2 if config.overlap else 1)  # frames of a step
        self.overlap = config.overlap
        self.embedding = nn.Embedding(len(spec.classes), config.latent) if spec.classes else None
        told = config.latent * (2 if spec.classes else 1)
        self.cell = Recurrent(
            config.g_cell, told + config.noise + self.ends, config.g_width, config.g_layers
        )
        self.states = 0 if config.g_cell == "transformer" else 1 + (config.g_cell == "lstm")
        self.layers = config.g_layers
        self.start = nn.Linear(told, max(self.states, 1) * config.g_layers * config.g_width)
        self.head = nn.Sequential(
            nn.LayerNorm(config.g_width), nn.Linear(config.g_width, 2 * config.g_width),
            activation(config.g_activation, config.slope),
            nn.Linear(2 * config.g_width, self.made * spec.depth),
        )
        self.register_buffer("silence", silence(spec), persistent=False)

    silence: torch.Tensor

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        told, fresh = z[:, : self.latent], z[:, self.latent :]
        fresh = fresh.view(len(z), -1, self.noise)
        steps = fresh.shape[1]
        if self.embedding is not None:
            told = torch.cat([told, self.embedding(labels)], 1)
        given = [told[:, None].expand(-1, steps, -1), fresh]
        if self.ends:  # where in the clip this is; a slice of a recording has no such place
            place = torch.arange(steps, device=z.device, dtype=z.dtype) / self.steps
            given.append(place.view(1, steps, 1).expand(len(z), -1, -1))
        state = None
        if self.states:
            first = self.start(told).tanh().view(len(z), self.states, self.layers, -1)
            state = [each.transpose(0, 1).contiguous() for each in first.unbind(1)]
        hidden, _ = self.cell(torch.cat(given, 2), state)
        blocks = self.head(hidden).reshape(len(z), steps, self.made, self.depth)
        made = blended(blocks) if self.overlap else blocks.flatten(1, 2)
        made = made[:, : self.frames] if steps == self.steps else made
        sound = made[..., :-1]
        if not self.ends:
            return torch.cat([sound, torch.ones_like(made[..., -1:])], 2)
        presence = made[..., -1:].tanh()
        share = (presence + 1) / 2
        sound = self.silence + share * (sound - self.silence)
        return torch.cat([sound, presence], 2)


class Discriminator(nn.Module):
    """Items (n, frames, depth) and labels (n,) to logits (n,)."""

    def __init__(self, spec: AudioSpec, config: AudioConfig) -> None:
        super().__init__()
        self.step_frames = config.step_frames
        self.read = nn.Sequential(
            nn.Linear(config.step_frames * spec.depth, 2 * config.d_width),
            activation(config.d_activation, config.slope),
            nn.Linear(2 * config.d_width, config.d_width),
            activation(config.d_activation, config.slope),
        )
        self.cell = Recurrent(
            config.d_cell, config.d_width, config.d_width, config.d_layers,
            config.d_direction == "both",
        )
        features = 2 * self.cell.outputs
        self.whole = nn.Linear(features, 1)
        self.each = nn.Linear(self.cell.outputs, 1)
        self.projection = None
        if spec.classes:
            self.projection = nn.Embedding(len(spec.classes), features)
            nn.init.normal_(self.projection.weight, 0.0, features**-0.5)
        self.register_buffer("filler", after_end(spec), persistent=False)

    filler: torch.Tensor

    def judge(
        self, items: torch.Tensor, labels: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits (n,), and the features (n, k) that they come from."""
        hidden, _ = self.cell(self.read(stacked(items, self.step_frames, self.filler)))
        features = torch.cat([hidden.mean(1), hidden.amax(1)], 1)
        logits = self.whole(features)[:, 0] + self.each(hidden)[..., 0].mean(1)
        if self.projection is not None:
            logits = logits + (features * self.projection(labels)).sum(1)
        return logits, features

    def class_logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return a logit of each class (n, classes) from features (n, k)."""
        assert self.projection is not None
        return features @ self.projection.weight.T

    def forward(self, items: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        return self.judge(items, labels)[0]


class Encoder(nn.Module):
    """Items (n, frames, depth) to mean and log-variance of their codes, each (n, latent)."""

    def __init__(self, spec: AudioSpec, config: AudioConfig) -> None:
        super().__init__()
        self.step_frames = config.step_frames
        self.cell = Recurrent(
            "lstm", config.step_frames * spec.depth, config.g_width, 1, both=True
        )
        self.code = nn.Linear(2 * self.cell.outputs, 2 * config.latent)
        self.register_buffer("filler", after_end(spec), persistent=False)

    filler: torch.Tensor

    def forward(self, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden, _ = self.cell(stacked(items, self.step_frames, self.filler))
        mean, variance = self.code(
            torch.cat([hidden.mean(1), hidden.amax(1)], 1)
        ).chunk(2, 1)
        return mean, variance.clamp(-10, 10)


def build(spec: AudioSpec, config: AudioConfig) -> dict[str, nn.Module]:
    """Return the generator and the discriminator."""
    return {"generator": Generator(spec, config), "discriminator": Discriminator(spec, config)}
