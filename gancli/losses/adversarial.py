"""Adversarial losses as functions of the discriminator's logits.

Every loss takes logits of real and generated items, shape (n,), paired item by item, and returns
a loss per item, shape (n,), so that one definition serves the mean and its gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn.functional import relu, softplus

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Objective:
    """The two players' losses.

    Args:
        discriminator: Loss of the discriminator.
        generator: Loss of the generator.
        paired: Whether the generator's loss looks at real logits too.
        sloped: Whether the discriminator's loss has a slope at every generated logit, so that
            one pass can serve both networks.
    """

    discriminator: Loss
    generator: Loss
    paired: bool = False
    sloped: bool = True


_OBJECTIVES = {
    # Jolicoeur-Martineau 2018 (arXiv 1807.00734); with R1 and R2: Huang et al. 2024
    # (R3GAN, arXiv 2501.05441).
    "relativistic": Objective(
        lambda real, fake: softplus(fake - real),
        lambda real, fake: softplus(real - fake),
        paired=True,
    ),
    # Goodfellow et al. 2014 (arXiv 1406.2661), non-saturating.
    "bce": Objective(
        lambda real, fake: softplus(-real) + softplus(fake),
        lambda real, fake: softplus(-fake),
    ),
    # Mao et al. 2017 (arXiv 1611.04076), a = 0, b = c = 1.
    "least-squares": Objective(
        lambda real, fake: ((real - 1).square() + fake.square()) / 2,
        lambda real, fake: (fake - 1).square() / 2,
        sloped=False,
    ),
    # Lim and Ye 2017 (arXiv 1705.02894).
    "hinge": Objective(
        lambda real, fake: relu(1 - real) + relu(1 + fake),
        lambda real, fake: -fake,
        sloped=False,
    ),
    # Arjovsky et al. 2017 (arXiv 1701.07875).
    "wasserstein": Objective(
        lambda real, fake: fake - real,
        lambda real, fake: -fake,
    ),
}


def objective(name: str) -> Objective:
    """Return an objective by its name on the command line."""
    return _OBJECTIVES[name]
