"""Feature matching."""

import torch

from gancli.runtime.shard import Shard


def feature_matching(real: torch.Tensor, fake: torch.Tensor, shard: Shard) -> torch.Tensor:
    """Return about the mean absolute distance of two batches' mean features, a scalar.

    The difference of one half of the batches says in which direction the other half's means
    should move. The plain distance of batch means is mostly chance, and the generator makes that
    chance smaller by making its items more alike.

    Source: Salimans et al. 2016, arXiv 1606.03498, with two halves in place of a square.

    Args:
        real, fake: Features of this process's items, shape (n, k).
        shard: Of the batches; the result is this process's share of the distance.
    """
    even, odd = shard.halves()
    first, second = (
        real[half].sum(0) / count - fake[half].sum(0) / count
        for half, count in ((even, -(-shard.whole // 2)), (odd, shard.whole // 2))
    )
    signs = shard.ranks.sum(torch.stack([first, second])).sign()
    return (signs[0] * second + signs[1] * first).mean() / 2
