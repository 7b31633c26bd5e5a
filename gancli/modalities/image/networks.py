"""The DCGAN's generator and discriminator, for any picture side that is a multiple of 4.

Source: Radford et al. 2015, arXiv 1511.06434. Class-conditional when there are classes: an
embedding beside z in the generator, a projection in the discriminator (Miyato and Koyama 2018,
arXiv 1802.05637).
"""

from functools import partial

import torch
from torch import nn

from gancli.layers.activation import activation, output_activation
from gancli.layers.discriminator import DiscriminatorOutput
from gancli.layers.initialization import initialize, normal_scale
from gancli.layers.minibatch import MinibatchStddev
from gancli.layers.names import needs_bias
from gancli.layers.normalization import ModulatedBatchNorm, normalization, weight_norm
from gancli.layers.resampling import UpSample, down_sample
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.ladder import channels, sides
from gancli.modalities.image.spec import ImageSpec
from gancli.phases.base import Networks


def prepared(layer: nn.Module, norm: str, init: str, slope: float) -> nn.Module:
    """Return the layer with its first weights, under spectral norm if that is asked for."""
    initialize(layer, init, slope)
    return weight_norm(norm, layer)


def _generator_norm(name: str, channels: int, code: int) -> nn.Module:
    """Return a normalization of the generator, given the size of its code."""
    if name == "modulated":
        return ModulatedBatchNorm(channels, code)
    return normalization(name, channels)


class Generator(nn.Module):
    """z (n, latent) and labels (n,) to pictures (n, depth, size, size) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, config: ImageConfig) -> None:
        super().__init__()
        assert config.g_width is not None  # the budget has chosen it
        ladder = sides(spec.size)
        widths = channels(config.g_width, len(ladder) - 1)[::-1]
        wrap = partial(prepared, norm=config.g_norm, init=config.init, slope=config.slope)
        self.embedding = (
            nn.Embedding(len(spec.classes), config.latent) if spec.classes else None
        )
        self.start = (widths[0], ladder[0], ladder[0])
        code = config.latent * (2 if spec.classes else 1)
        self.project = wrap(
            nn.Linear(code, widths[0] * ladder[0] ** 2, bias=needs_bias(config.g_norm))
        )
        body: list[nn.Module] = []
        for depth, width in enumerate(widths):
            last = depth + 1 == len(widths)
            body += [
                _generator_norm(config.g_norm, width, code),
                activation(config.g_activation, config.slope),
                UpSample(
                    config.up, width, spec.depth if last else widths[depth + 1],
                    ladder[depth + 1], last or needs_bias(config.g_norm), wrap,
                ),
            ]
        self.body = nn.Sequential(*body, output_activation(config.g_output))

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        code = z if self.embedding is None else torch.cat([z, self.embedding(labels)], 1)
        x = self.project(code).view(-1, *self.start).contiguous(memory_format=torch.channels_last)
        for layer in self.body:
            x = layer(x, code) if isinstance(layer, ModulatedBatchNorm) else layer(x)
        images: torch.Tensor = x
        return images


class Discriminator(nn.Module):
    """Pictures (n, depth, size, size) and labels (n,) to logits (n,) and features (n, k)."""

    def __init__(self, spec: ImageSpec, config: ImageConfig) -> None:
        super().__init__()
        assert config.d_width is not None
        self.mixes_items = config.d_norm == "batch" or config.minibatch_stddev
        widths = channels(config.d_width, len(sides(spec.size)) - 1)
        wrap = partial(prepared, norm=config.d_norm, init=config.init, slope=config.slope)
        body: list[nn.Module] = []
        inputs, side = spec.depth, spec.size
        for depth, width in enumerate(widths):
            # DCGAN leaves the layer next to the picture without normalization.
            norm = config.d_norm if depth or config.d_norm == "spectral" else "none"
            body += down_sample(
                config.down, inputs, width, wrap, normalization(norm, width),
                activation(config.d_activation, config.slope), bias=needs_bias(norm),
            )
            inputs, side = width, side // 2
        if config.minibatch_stddev:
            body.append(MinibatchStddev())
            inputs += 1
        if config.head == "pool":
            body.append(nn.AdaptiveAvgPool2d(1))
            side = 1
        self.body = nn.Sequential(*body, nn.Flatten())
        features = inputs * side**2
        self.linear = wrap(nn.Linear(features, 1))
        self.projection: nn.Module | None = None
        if spec.classes:
            projection = nn.Embedding(len(spec.classes), features)
            nn.init.normal_(projection.weight, 0.0, features**-0.5)
            self.projection = wrap(projection)

    def forward(
        self, images: torch.Tensor, labels: torch.Tensor | None = None
    ) -> DiscriminatorOutput:
        features = self.body(images)
        logits: torch.Tensor = self.linear(features).squeeze(1)
        if self.projection is not None:
            logits = logits + (features * self.projection(labels)).sum(1)
        return DiscriminatorOutput(logits, features)


def build(spec: ImageSpec, config: ImageConfig) -> Networks:
    """Return the generator and the discriminator, in channels-last memory."""
    networks = Networks(Generator(spec, config), Discriminator(spec, config))
    for network in networks.named().values():
        if config.init == "normal":
            network.apply(normal_scale)
        network.to(memory_format=torch.channels_last)
    return networks
