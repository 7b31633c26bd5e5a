"""DiffAugment: the same random, differentiable changes for real and generated pictures.

Source: Zhao et al. 2020, arXiv 2006.10738. Each function takes (n, c, h, w) in [-1, 1] and
the shard that they are, which draws their random numbers, and returns the same shape.
"""

import torch

from gancli.runtime.shard import Shard

_ODD = 0.25  # part of the shifts along each axis


def color(x: torch.Tensor, shard: Shard) -> torch.Tensor:
    """Change brightness by up to .5, saturation by up to x2, contrast by x.5 to x1.5."""
    x = x + shard.uniform(1, 1, 1, dtype=x.dtype) - 0.5
    if x.shape[1] > 1:
        mean = x.mean(1, keepdim=True)
        x = (x - mean) * (shard.uniform(1, 1, 1, dtype=x.dtype) * 2) + mean
    mean = x.mean((1, 2, 3), keepdim=True)
    return (x - mean) * (shard.uniform(1, 1, 1, dtype=x.dtype) + 0.5) + mean


def translation(x: torch.Tensor, shard: Shard) -> torch.Tensor:
    """Shift by up to an eighth of the side, mostly by even numbers, repeating the edge.

    The paper fills with zero, a gray that generated pictures then take up. Its shifts are as often
    odd as even, which hides from the discriminator which pixels of a 2x2 tile are rough, and
    generated pictures become checkered.
    """
    n, _, h, w = x.shape
    max_pairs = h // 16
    pairs = shard.integers(-max_pairs, max_pairs + 1, 1, copies=2)
    odd = shard.uniform(1, copies=2) < _ODD
    # Towards the middle, so that no shift is larger than an eighth.
    shift = 2 * pairs - odd * torch.where(pairs > 0, 1, -1)
    rows = (torch.arange(h, device=x.device) + shift[0]).clamp(0, h - 1)
    columns = (torch.arange(w, device=x.device) + shift[1]).clamp(0, w - 1)
    pixels = x.permute(0, 2, 3, 1)
    items = torch.arange(n, device=x.device)[:, None, None]
    return pixels[items, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cutout(x: torch.Tensor, shard: Shard) -> torch.Tensor:
    """Zero a square of half the side, anywhere."""
    h, w = x.shape[2:]
    center = shard.integers(0, h + 1, 1, copies=2)
    rows = (torch.arange(h, device=x.device) - center[0]).abs() <= h // 4
    columns = (torch.arange(w, device=x.device) - center[1]).abs() <= w // 4
    hole = rows[:, :, None] & columns[:, None, :]
    return x * (~hole).to(x.dtype)[:, None]


_AUGMENTATIONS = {"color": color, "translation": translation, "cutout": cutout}


class Augment:
    """Apply augmentations by name, in the order of the paper."""

    def __init__(self, names: list[str]) -> None:
        self.augmentations = [augment for name, augment in _AUGMENTATIONS.items() if name in names]

    def __call__(self, x: torch.Tensor, shard: Shard) -> torch.Tensor:
        for augment in self.augmentations:
            x = augment(x, shard)
        return x
