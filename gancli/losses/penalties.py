"""Gradient penalties on the discriminator."""

from collections.abc import Callable

import torch

from gancli.runtime.shard import Shard

_NOISE_STD = 0.1

Discriminate = Callable[[torch.Tensor], torch.Tensor]
NormSq = Callable[[torch.Tensor], torch.Tensor]


def euclidean_sq(gradient: torch.Tensor) -> torch.Tensor:
    """Return the squared Euclidean norm of each gradient, shape (n,)."""
    return gradient.flatten(1).square().sum(1)


class SobolevSq:
    """The squared norm of pictures' gradients (n, c, h, w), shape (n,), less where they are fine.

    Power at f cycles across the picture counts 1 / (1 + (f / cutoff)^2) times, as in the dual of a
    Sobolev norm. Source: Adler and Lunz 2018, arXiv 1806.06621. Fine detail has little power in
    pictures too, so a discriminator must be steep there to see that it is wrong.
    """

    def __init__(self, cutoff: float) -> None:
        self.cutoff = cutoff

    def __call__(self, gradient: torch.Tensor) -> torch.Tensor:
        if not len(gradient):  # which no Fourier transform takes
            return euclidean_sq(gradient)
        h, w = gradient.shape[-2:]
        rows, columns = (
            torch.fft.fftfreq(side, 1 / side, device=gradient.device) for side in (h, w)
        )
        squared = rows[:, None].square() + columns.square()
        power = torch.view_as_real(torch.fft.fft2(gradient, norm="ortho")).square().sum(-1)
        norms: torch.Tensor = (power / (1 + squared / self.cutoff**2)).flatten(1).sum(1)
        return norms


def gradient_norm_sq(
    discriminate: Discriminate, items: torch.Tensor, norm_sq: NormSq = euclidean_sq
) -> torch.Tensor:
    """Return the squared norm of the logit's gradient at each item, shape (n,).

    At real items its mean is R1, at generated ones R2, both to be weighted by gamma / 2.
    Source: Mescheder et al. 2018, arXiv 1801.04406.
    """
    items = items.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminate(items).sum(), items, create_graph=True)
    return norm_sq(gradient)


def gradient_penalty(
    discriminate: Discriminate,
    real: torch.Tensor,
    fake: torch.Tensor,
    shard: Shard,
) -> torch.Tensor:
    """Return WGAN-GP's mean squared distance of the gradient's norm from 1, between the two.

    Source: Gulrajani et al. 2017, arXiv 1704.00028.

    Args:
        discriminate: Returns the logits of items.
        real, fake: Items.
        shard: Of either; the result is this process's share of the mean.
    """
    fraction = shard.uniform(*(1,) * (real.ndim - 1))
    items = (real + fraction * (fake - real)).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminate(items).sum(), items, create_graph=True)
    # The square root's slope is infinite at zero, where an untrained network can be.
    norm = (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()
    return shard.mean((norm - 1).square())


def noise_penalty(
    discriminate: Discriminate, items: torch.Tensor, shard: Shard
) -> torch.Tensor:
    """Return how much a little noise moves the logits: mean ((D(x) - D(x + s e)) / s)^2, s = 0.1.

    An estimate of the squared gradient's mean without a second derivative, which cuDNN's recurrent
    layers lack. Source: Wei et al. 2018, arXiv 1803.01541, and this project's recipes.

    Args:
        discriminate: Returns the logits of items.
        items: Real or generated ones.
        shard: Of them; the result is this process's share of the mean.
    """
    noise = shard.normal(*items.shape[1:])
    logits, noisy_logits = discriminate(items), discriminate(items + _NOISE_STD * noise)
    return shard.mean(((logits - noisy_logits) / _NOISE_STD).square())
