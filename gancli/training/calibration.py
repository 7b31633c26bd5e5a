"""From the discriminator's logits to odds that held-out data bears out."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import softplus

from gancli.data.indices import Indices
from gancli.sampling.engines import Engine
from gancli.sampling.guidance import Calibration
from gancli.sampling.request import Sample

_MAX_ITEMS = 2_000  # of each kind
_TOGETHER = 250  # items that the discriminator looks at at a time
_ITERATIONS = 50


def calibration_items(held_out: Indices) -> np.ndarray:
    """Return the held-out items to calibrate with, int64: all, or some from end to end.

    The first alone would be those of the first folders, and so of the first classes.
    """
    count = min(len(held_out), _MAX_ITEMS)
    return held_out[np.arange(count) * len(held_out) // max(count, 1)]


def fit_calibration(real: torch.Tensor, fake: torch.Tensor) -> Calibration:
    """Fit Platt's scale and shift of logits by logistic regression.

    A discriminator that has seen its real items too often is more confident of them than of
    held-out ones; a scale below 1 takes that back. Source: Platt 1999, "Probabilistic outputs for
    support vector machines"; for GANs Turner et al. 2019 (arXiv 1811.11357).

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


def calibrate(
    engine: Engine, real: np.ndarray, labels: np.ndarray | None, samples: Sequence[Sample]
) -> Calibration | None:
    """Return the calibration of a discriminator against its generator.

    There is none of a discriminator that diverged, whose logits are not finite.

    Args:
        engine: Runs the discriminator, in evaluation mode.
        real: Held-out items, as the discriminator sees them.
        labels: Their classes, or None without classes.
        samples: Generated ones that no training has seen.
    """
    items = np.stack([sample.data for sample in samples])
    drawn = [sample.label for sample in samples if sample.label is not None]
    fake_labels = np.array(drawn, np.int64) if drawn else None
    logits = _logits(engine, real, labels), _logits(engine, items, fake_labels)
    return fit_calibration(*logits) if all(each.isfinite().all() for each in logits) else None


def _logits(engine: Engine, items: np.ndarray, labels: np.ndarray | None) -> torch.Tensor:
    logits = []
    for start in range(0, len(items), _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        logits.append(engine.discriminate(items[rows], None if labels is None else labels[rows]))
    return torch.from_numpy(np.concatenate(logits))
