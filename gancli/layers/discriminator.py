"""What every discriminator returns."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class DiscriminatorOutput:
    """What a discriminator says of a batch.

    A discriminator also has an attribute ``mixes_items``: whether an item's logit depends in
    training on its neighbors in the batch, as with batch normalization or minibatch statistics.

    Args:
        logits: How real each item is, shape (n,).
        features: What the logits are made of, shape (n, k).
    """

    logits: torch.Tensor
    features: torch.Tensor
