"""The score-function estimator: how drawn, discrete steps learn from rewards."""

import torch

from gancli.runtime.ranks import ALONE, Ranks


def rewards_to_go(rewards: torch.Tensor, discount: float) -> torch.Tensor:
    """Return each step's discounted sum of the rewards from it on, shape (n, steps)."""
    gains = torch.zeros_like(rewards)
    total = torch.zeros_like(rewards[:, 0])
    for step in range(rewards.shape[1] - 1, -1, -1):
        total = rewards[:, step] + discount * total
        gains[:, step] = total
    return gains


def advantages(
    gains: torch.Tensor, mask: torch.Tensor, max_advantage: float, ranks: Ranks = ALONE
) -> torch.Tensor:
    """Return gains over a baseline, in units of their standard deviation, clipped.

    The baseline of an item at a step is the mean of the others that are still running there: it
    does not depend on the item's own step, so the gradient stays unbiased (Kool et al. 2019, "Buy
    4 REINFORCE samples, get a baseline for free"). Scaling and clipping do bias it, for less noise.

    Args:
        gains: Shape (n, steps).
        mask: Which steps belong to an item, bool, shape (n, steps).
        max_advantage: Limit on the size of an advantage.
        ranks: The processes that have the other items of the batch, of as many steps.

    Returns:
        Shape (n, steps), 0 where an item has no step or no other runs.
    """
    inside = mask.to(gains.dtype)
    others = ranks.sum(inside.sum(0)) - inside
    baseline = (ranks.sum((gains * inside).sum(0)) - gains * inside) / others.clamp_min(1)
    centered = (gains - baseline) * inside * (others > 0)
    count = ranks.sum(inside.sum()).clamp_min(1)
    std = (ranks.sum(centered.square().sum()) / count).sqrt().clamp_min(1e-6)
    return (centered / std).clamp(-max_advantage, max_advantage)
