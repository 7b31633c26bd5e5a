"""Two small perceptrons and the distance of points from the ring."""

import torch
from torch import nn

from gancli.layers.discriminator import DiscriminatorOutput
from gancli.losses.adversarial import objective
from gancli.modalities.base import Trainable, call_generator
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.base import Networks


def hidden_layers(inputs, width):
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2)
    )


class Generator(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body, self.points = hidden_layers(4, width), nn.Linear(width, 2)

    def forward(self, z, labels=None):
        return self.points(self.body(z))


class Discriminator(nn.Module):
    mixes_items = False

    def __init__(self, width):
        super().__init__()
        self.body, self.logit = hidden_layers(2, width), nn.Linear(width, 1)

    def forward(self, points, labels=None):
        features = self.body(points)
        return DiscriminatorOutput(self.logit(features).squeeze(1), features)


def build(spec, config):
    return Networks(Generator(config.width), Discriminator(config.width))


def real(items, spec):
    return torch.from_numpy(items.arrays["points"]), None


def phases(spec, config, dataset):
    return [
        AdversarialPhase(
            objective=objective("relativistic"), latent=4,
            prepare=lambda batch, shard: batch.arrays["points"], augment=lambda x, shard: x,
            joint=True, r1=0.1, r2=0.1, gp=0.0, penalty_every=1, penalty_fraction=0.25,
            d_steps=1, g_lr=2e-3, d_lr=2e-3, beta1=0.0, beta2=0.99, lr_end=0.0, batch_size=64,
            fraction=1.0,
        )
    ]


class RingScorer:
    floor = 0.0

    def score(self, items):
        return float((items.norm(dim=1) - 1).abs().mean() + items.mean(0).norm())

    def diversity(self, items):
        return float(items.std(0).mean() / 0.7071)

    def loss(self, generator):
        return None

    def notes(self, items):
        return {}

    def projected(self, items):
        return items.double().numpy()


TRAINABLE = Trainable(
    build=build,
    start=lambda spec, config, dataset: build(spec, config),
    generate=call_generator,
    real=real,
    phases=phases,
    scorer=lambda dataset, spec, config, seed: RingScorer(),
)
