"""How strongly to augment, from how far the discriminator has overfitted.

Source: Karras et al. 2020, arXiv 2006.06676, whose r_v this is: it needs no more than differences
of logits, so it also serves relativistic losses, which say nothing of a single item.
"""

from collections.abc import Callable

import torch
from torch import nn

from gancli.runtime.shard import Shard

AUGMENTATION = "augmentation"  # its name among the networks of a training
LOOK_EVERY = 8  # steps between looks at held-out items, which cost a pass without gradients

_TARGET = 0.5  # of the way from real items that were trained on to generated ones
_ITEMS = 50_000  # real items over which the strength may go from 0 to 1
_MAX = 0.8  # with all items augmented, generated ones begin to look augmented
_MEMORY = 0.8  # of the averages from look to look


Augment = Callable[[torch.Tensor, Shard], torch.Tensor]


class AugmentationStrength(nn.Module):
    """The probability that an item is augmented, which follows the discriminator's overfitting.

    Overfitting is (D(train) - D(held out)) / (D(train) - D(generated)), each a mean logit: 0 while
    held-out items are as real as those trained on, 1 when they are taken for generated ones. Above
    one half the strength grows, below it falls.

    It is a module without weights, so that a checkpoint holds it.

    Attributes:
        strength: 0 to 1, a scalar.
        logits: Averages over the last looks: of items trained on, held out, and generated.
        looks: 1 once there was one.
    """

    strength: torch.Tensor
    logits: torch.Tensor
    looks: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("strength", torch.zeros(()))
        self.register_buffer("logits", torch.zeros(3))
        self.register_buffer("looks", torch.zeros(()))

    def forward(self, items: torch.Tensor, augment: Augment, shard: Shard) -> torch.Tensor:
        """Return each item augmented or as it is, shape (n, ...)."""
        if not self.strength:
            return items
        uniform = shard.uniform(*(1,) * (items.ndim - 1))
        return torch.where(uniform < self.strength, augment(items, shard), items)

    @torch.no_grad()
    def look(
        self, train: torch.Tensor, held_out: torch.Tensor, generated: torch.Tensor, shard: Shard
    ) -> None:
        """Adapt to the logits (n,) of three kinds of items, each a shard of as many."""
        kinds = (train, held_out, generated)
        means = shard.ranks.sum(torch.stack([shard.mean(logits) for logits in kinds]))
        keep = _MEMORY * (self.looks > 0)
        self.looks.fill_(1)
        self.logits.copy_(keep * self.logits + (1 - keep) * means)
        seen = self.logits[0] - self.logits[2]
        overfitting = (self.logits[0] - self.logits[1]) / seen.clamp(min=1e-6)
        step = shard.whole * LOOK_EVERY / _ITEMS
        self.strength.add_(step * torch.sign(overfitting - _TARGET)).clamp_(0.0, _MAX)
