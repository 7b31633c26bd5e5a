"""Drawing a token from logits and a number, the same on any device and at any batch size."""

from typing import NamedTuple

import torch


class Filters(NamedTuple):
    """What is changed in a distribution before a token is drawn; None changes nothing.

    Args:
        temperature: Divides the logits, shape (n,).
        top_k: Only so many likeliest are left, shape (n,).
        top_p: Only the likeliest that have this probability together are left (Holtzman et al.
            2019, arXiv 1904.09751), shape (n,).
    """

    temperature: torch.Tensor | None = None
    top_k: torch.Tensor | None = None
    top_p: torch.Tensor | None = None


def drop_unlikely(logits: torch.Tensor, filters: Filters) -> torch.Tensor:
    """Return filtered logits, shape (n, size); the likeliest is always left."""
    if filters.temperature is not None:
        logits = logits / filters.temperature[:, None]
    if filters.top_k is None and filters.top_p is None:
        return logits
    ranked, order = logits.sort(dim=1, descending=True, stable=True)
    drop = torch.zeros_like(ranked, dtype=torch.bool)
    if filters.top_k is not None:
        ranks = torch.arange(ranked.shape[1], device=logits.device)
        drop |= ranks >= filters.top_k[:, None]
    if filters.top_p is not None:
        probabilities = ranked.masked_fill(drop, -torch.inf).softmax(1)
        drop |= probabilities.cumsum(1) - probabilities >= filters.top_p[:, None]
    return logits.masked_fill(torch.zeros_like(drop).scatter(1, order, drop), -torch.inf)


def draw(logits: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Return a token for each row: the inverse of the cumulative distribution at its noise.

    Args:
        logits: Shape (n, size); minus infinity is never drawn.
        noise: In [0, 1), shape (n,).

    Returns:
        Ids, int64, shape (n,).
    """
    cumulative = logits.softmax(1).cumsum(1)
    tokens = (cumulative <= noise[:, None] * cumulative[:, -1:]).sum(1)
    return tokens.clamp_max(logits.shape[1] - 1)
