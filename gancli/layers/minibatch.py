"""Minibatch standard deviation."""

import torch
from torch import nn


class MinibatchStddev(nn.Module):
    """Append a channel with the mean standard deviation over a group of up to four pictures.

    It lets the discriminator see whether a generator repeats the same picture (Karras et al. 2018,
    arXiv 1710.10196). Input (n, c, h, w), output (n, c + 1, h, w). A batch of odd size is a single
    group.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, _, h, w = x.shape
        group = next((size for size in (4, 2) if n % size == 0), n)
        groups = x.float().reshape(group, n // group, *x.shape[1:])
        std = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
        return torch.cat([x, std.to(x.dtype).repeat(group).view(n, 1, 1, 1).expand(n, 1, h, w)], 1)
