"""Feature matching."""

import torch


def feature_distance(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute distance of two batches' mean features (n, k), a scalar.

    Source: Salimans et al. 2016, arXiv 1606.03498; the absolute instead of the squared distance.
    """
    return (real.mean(0) - fake.mean(0)).abs().mean()
