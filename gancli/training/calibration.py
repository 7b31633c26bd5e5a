"""From the discriminator's logits to odds that held-out data bears out."""

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import softplus

from gancli.sampling.guidance import Calibration

if TYPE_CHECKING:
    from gancli.training.trainer import Trainer

_MAX = 2_000  # items of each kind
_FIRST = 1 << 40  # seed of the generated ones, which no training has seen
_ITERATIONS = 50


def fit_calibration(real: torch.Tensor, fake: torch.Tensor) -> Calibration:
    """Fit Platt's scale and shift of logits by logistic regression.

    A discriminator that has seen its real items too often is surer of them than of held-out ones;
    a scale below 1 takes that back. Source: Platt 1999, "Probabilistic outputs for support vector
    machines"; for GANs Turner et al. 2019 (arXiv 1811.11357).

    Args:
        real, fake: Logits of held-out real and of generated items, each of one dimension.
    """
    real, fake = real.double(), fake.double()
    spread = torch.cat([real, fake]).std().clamp_min(1e-6)
    weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights], max_iter=_ITERATIONS, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        up, down = (each / spread * weights[0] + weights[1] for each in (real, fake))
        found = softplus(-up).mean() + softplus(down).mean() + 1e-4 * weights.square().sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    # A discriminator that is wrong more often than right must not guide at all.
    scale = max(float(weights[0].detach() / spread), 0.0)
    shift = float(weights[1].detach())
    found = (scale * real + shift > 0).double().mean()
    refused = (scale * fake + shift <= 0).double().mean()
    return Calibration(scale, shift, float(found + refused) / 2)


@torch.no_grad()
def _logits(trainer: "Trainer", items: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    discriminator = trainer.networks["discriminator"]
    found = []
    for start in range(0, len(items), 250):
        rows = slice(start, start + 250)
        given = None if labels is None else labels[rows].to(trainer.compute.device)
        found.append(discriminator(items[rows].to(trainer.compute.device), given).float().cpu())
    return torch.cat(found)


def calibrate(trainer: "Trainer") -> Calibration:
    """Return the guide of a finished training's discriminator."""
    trainer.networks["discriminator"].eval()
    held_out = trainer.dataset.held_out[:_MAX]
    real, labels = trainer.modality.real(trainer.dataset.take(held_out), trainer.spec)
    fake, fake_labels = trainer.sample_labelled(len(real), first=_FIRST)
    return fit_calibration(_logits(trainer, real, labels), _logits(trainer, fake, fake_labels))
