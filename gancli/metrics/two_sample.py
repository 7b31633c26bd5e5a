"""Whether a classifier can tell two sets of features apart (Lopez-Paz and Oquab 2017).

Source: arXiv 1610.06545. The area under the curve (AUC) is .5 where it cannot, 1 where it always
can: how often a random real item is taken for more real than a random generated one.
"""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

_FOLDS = 2
_HIDDEN = 64
_STEPS = 80
_LR, _DECAY = 2e-3, 1.0


def told_apart(real: np.ndarray, generated: np.ndarray, seed: int) -> np.ndarray:
    """Return how real a small perceptron takes each item for: float64, shape (n + m,).

    The items of each half are rated by a perceptron that was fitted to the other half.

    Args:
        real, generated: Features, (n, dims) and (m, dims).
        seed: Of the halves and the first weights; the global generator is left alone.
    """
    rng = np.random.default_rng(seed)
    x = np.concatenate([real, generated]).astype(np.float32)
    y = np.repeat([1.0, 0.0], [len(real), len(generated)]).astype(np.float32)
    fold = np.concatenate([rng.permutation(len(each)) % _FOLDS for each in (real, generated)])
    logits = np.empty(len(x))
    for left_out in range(_FOLDS):
        taught = fold != left_out
        mean, std = x[taught].mean(0), x[taught].std(0) + 1e-6
        inputs = torch.from_numpy((x - mean) / std)
        network = _fit(inputs[taught], torch.from_numpy(y[taught]), seed)
        with torch.no_grad():
            logits[~taught] = network(inputs[~taught])[:, 0].double().numpy()
    return logits


def auc(real: np.ndarray, generated: np.ndarray) -> float:
    """Return how often a real item has the higher logit; ties count a half."""
    ordered = np.sort(generated)
    below = np.searchsorted(ordered, real, "left") + np.searchsorted(ordered, real, "right")
    return float(below.mean() / 2 / len(ordered))


def _fit(x: torch.Tensor, y: torch.Tensor, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(x.shape[1], _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 1))
    optimizer = torch.optim.AdamW(network.parameters(), _LR, weight_decay=_DECAY)
    # Unlike sizes must not make one answer the safer one.
    weight = torch.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y).mean())
    for _ in range(_STEPS):
        loss = binary_cross_entropy_with_logits(network(x)[:, 0], y, weight)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network
