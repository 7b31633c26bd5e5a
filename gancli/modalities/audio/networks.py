"""A recurrent generator and discriminator over frames of sound, several to a step."""

import torch
from torch import nn
from torch.nn.functional import softplus

from gancli.layers.activation import activation
from gancli.layers.discriminator import DiscriminatorOutput
from gancli.layers.recurrent import Recurrent
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.frame_basis import FrameDecoder, FrameEncoder
from gancli.modalities.audio.frames import FAINT, silence
from gancli.modalities.audio.spec import AudioSpec
from gancli.phases.base import Networks


class Generator(nn.Module):
    """Random numbers (n, latent + windows * k) and labels (n,) to items (n, frames, depth).

    The first ``latent`` numbers, the code, and the class set the first state and are seen at each
    step; the rest is noise, k numbers a step: ``noise`` that the cell sees, and one for each
    component of the step's window, which is added to its weight as strongly as the network says:
    the texture that no network of this size could make out of a few numbers (as StyleGAN's noise
    inputs do, Karras et al. 2018, arXiv 1812.04948). No output is fed back. A clip that has an
    end is silent after it, so that what the discriminator sees there gives nothing away.
    """

    def __init__(self, spec: AudioSpec, config: AudioConfig) -> None:
        super().__init__()
        self.latent, self.noise = config.latent, config.noise
        self.frames, self.ends = spec.frames, spec.ends
        self.steps = -(-spec.frames // config.step_frames)
        self.embedding = nn.Embedding(len(spec.classes), config.latent) if spec.classes else None
        condition = config.latent * (2 if spec.classes else 1)
        self.cell = Recurrent(
            config.g_cell, condition + config.noise + self.ends, config.g_width, config.g_layers
        )
        self.states = 0 if config.g_cell == "transformer" else 1 + (config.g_cell == "lstm")
        self.layers = config.g_layers
        self.start = nn.Linear(condition, max(self.states, 1) * config.g_layers * config.g_width)
        self.shapes = FrameDecoder(spec, config)
        # Of each window: the weights, the strengths of their noise, and where the clip goes on.
        self.parts = [self.shapes.components, self.shapes.components, config.step_frames]
        self.head = nn.Sequential(
            nn.LayerNorm(config.g_width), nn.Linear(config.g_width, 2 * config.g_width),
            activation(config.g_activation, config.slope),
            nn.Linear(2 * config.g_width, sum(self.parts)),
        )
        self.register_buffer("silence", torch.from_numpy(silence(spec)), persistent=False)

    silence: torch.Tensor

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        n = z.shape[0]  # not len(), of which exporters make a constant
        condition, step_noise = z[:, : self.latent], z[:, self.latent :]
        step_noise = step_noise.view(n, -1, self.noise + self.shapes.components)
        noise, texture = step_noise[..., : self.noise], step_noise[..., self.noise :]
        windows = step_noise.shape[1]
        if self.embedding is not None:
            condition = torch.cat([condition, self.embedding(labels)], 1)
        inputs = [condition[:, None].expand(-1, windows, -1), noise]
        if self.ends:  # where in the clip this is; a slice of a recording has no such place
            place = torch.arange(windows, device=z.device, dtype=z.dtype) / self.steps
            inputs.append(place.view(1, windows, 1).expand(n, -1, -1))
        state = None
        if self.states:
            initial = self.start(condition).tanh().view(n, self.states, self.layers, -1)
            state = [part.transpose(0, 1).contiguous() for part in initial.unbind(1)]
        hidden, _ = self.cell(torch.cat(inputs, 2), state)
        weights, strengths, presence = self.head(hidden).split(self.parts, 2)
        sound = self.shapes(weights + softplus(strengths - FAINT) * texture)
        presence = presence[:, 1:].flatten(1)[..., None]  # the first window is all but past
        if windows == self.steps + 1:
            sound, presence = sound[:, : self.frames], presence[:, : self.frames]
        if not self.ends:
            return torch.cat([sound, torch.ones_like(presence)], 2)
        presence = presence.tanh()
        sound = self.silence + (presence + 1) / 2 * (sound - self.silence)
        return torch.cat([sound, presence], 2)


class Discriminator(nn.Module):
    """Items (n, frames, depth) and labels (n,) to logits (n,) and features (n, k)."""

    mixes_items = False

    def __init__(self, spec: AudioSpec, config: AudioConfig) -> None:
        super().__init__()
        self.shapes = FrameEncoder(spec, config)
        self.read = nn.Sequential(
            nn.Linear(self.shapes.outputs, 2 * config.d_width),
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

    def forward(
        self, items: torch.Tensor, labels: torch.Tensor | None = None
    ) -> DiscriminatorOutput:
        hidden, _ = self.cell(self.read(self.shapes(items)))
        features = torch.cat([hidden.mean(1), hidden.amax(1)], 1)
        logits = self.whole(features)[:, 0] + self.each(hidden)[..., 0].mean(1)
        if self.projection is not None:
            logits = logits + (features * self.projection(labels)).sum(1)
        return DiscriminatorOutput(logits, features)


class Encoder(nn.Module):
    """Items (n, frames, depth) to mean and log-variance of their codes, each (n, latent)."""

    def __init__(self, spec: AudioSpec, config: AudioConfig) -> None:
        super().__init__()
        self.shapes = FrameEncoder(spec, config)
        self.cell = Recurrent("lstm", self.shapes.outputs, config.g_width, 1, bidirectional=True)
        self.code = nn.Linear(2 * self.cell.outputs, 2 * config.latent)

    def forward(self, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden, _ = self.cell(self.shapes(items))
        pooled = torch.cat([hidden.mean(1), hidden.amax(1)], 1)
        mean, log_variance = self.code(pooled).chunk(2, 1)
        return mean, log_variance.clamp(-10, 10)


def build(spec: AudioSpec, config: AudioConfig) -> Networks:
    """Return the generator and the discriminator."""
    return Networks(Generator(spec, config), Discriminator(spec, config))
