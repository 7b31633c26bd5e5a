"""Minibatch standard deviation."""

import torch
from torch import nn

from gancli.runtime.ranks import active


class MinibatchStddev(nn.Module):
    """Append a channel with the mean standard deviation over a group of up to four pictures.

    It lets the discriminator see whether a generator repeats the same picture (Karras et al. 2018,
    arXiv 1710.10196). Input (n, c, h, w), output (n, c + 1, h, w). A batch of odd size is a single
    group. Groups are of the whole batch that processes compute together.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        whole = x.float()
        ranks = active()
        if ranks.linked:
            n = int(ranks.sum(torch.tensor(len(x))))
            rows = slice(ranks.rank, None, ranks.world)
            own = whole.new_zeros(n, *x.shape[1:])
            own[rows] = whole
            whole = ranks.differentiable_sum(own)
        n = len(whole)
        group = next((size for size in (4, 2) if n % size == 0), n)
        groups = whole.reshape(group, n // group, *x.shape[1:])
        std = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3)).repeat(group)
        if ranks.linked:
            std = std[rows]
        n, _, h, w = x.shape
        return torch.cat([x, std.to(x.dtype).view(n, 1, 1, 1).expand(n, 1, h, w)], 1)
