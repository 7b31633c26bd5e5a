"""Gumbel-softmax: a draw from a discrete distribution that has a slope."""

import torch
from torch.nn.functional import one_hot

from gancli.runtime.shard import Shard


def straight_through(
    logits: torch.Tensor, temperature: float, shard: Shard
) -> torch.Tensor:
    """Return one-hot draws whose gradient is that of the softened ones.

    Sources: Jang et al. 2016 (arXiv 1611.01144), Maddison et al. 2016 (arXiv 1611.00712).

    Args:
        logits: Shape (n, size); minus infinity is never drawn.
        temperature: Small is nearer to a true draw, and noisier.
        shard: Of the rows; source of the noise.
    """
    uniform = shard.uniform(logits.shape[1])
    noise = -torch.log(-torch.log(uniform.clamp(1e-10, 1 - 1e-7)))
    soft = ((logits + noise) / temperature).softmax(1)
    hard = one_hot(soft.argmax(1), logits.shape[1]).to(soft.dtype)
    return hard + soft - soft.detach()
