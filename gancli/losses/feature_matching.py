"""Feature matching."""

import torch


def feature_matching(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return about the mean absolute distance of two batches' mean features (n, k), a scalar.

    The difference of one half of the batches says in which direction the other half's means
    should move. The plain distance of batch means is mostly chance, and the generator makes that
    chance smaller by making its items more alike.

    Source: Salimans et al. 2016, arXiv 1606.03498, with two halves in place of a square.
    """
    first = real[::2].mean(0) - fake[::2].mean(0)
    second = real[1::2].mean(0) - fake[1::2].mean(0)
    return (first.detach().sign() * second + second.detach().sign() * first).mean() / 2
