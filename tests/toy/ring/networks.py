"""Two small perceptrons and the distance of points from the ring."""

from torch import nn

from gancli.losses.adversarial import objective
from gancli.phases.adversarial import AdversarialPhase


class Perceptron(nn.Sequential):
    def __init__(self, inputs, width, outputs):
        super().__init__(
            nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width),
            nn.LeakyReLU(0.2), nn.Linear(width, outputs),
        )

    def forward(self, z, labels=None):
        found = super().forward(z)
        return found.squeeze(1) if found.shape[1] == 1 else found


def build(config):
    return {
        "generator": Perceptron(4, config.width, 2),
        "discriminator": Perceptron(2, config.width, 1),
    }


def phases(config):
    return [
        AdversarialPhase(
            objective=objective("relativistic"), latent=4,
            prepare=lambda batch, generator: batch["points"], augment=lambda x, generator: x,
            joint=True, r1=0.1, r2=0.1, gp=0.0, penalty_every=1, penalty_share=0.25,
            d_steps=1, g_lr=2e-3, d_lr=2e-3, beta1=0.0, beta2=0.99, lr_end=0.0, batch=64, share=1.0,
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
