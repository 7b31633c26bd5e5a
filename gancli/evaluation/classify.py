"""Whether samples of a class look like it: a classifier fitted to the features of real items."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

_HIDDEN = 128
_STEPS = 300
_LR, _DECAY = 5e-3, 0.05


@dataclass(frozen=True)
class Confusion:
    """How often a class is taken for another.

    Args:
        classes: Their names.
        samples: Share of the samples of each class (rows) that are taken for each (columns).
        real: The same of held-out real items, which says how far the classifier can be believed.
    """

    classes: tuple[str, ...]
    samples: list[list[float]]
    real: list[list[float]]


def confusion(
    classes: tuple[str, ...], train: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray], samples: tuple[np.ndarray, np.ndarray], seed: int,
) -> Confusion:
    """Fit a classifier to ``train`` and return what it takes the others for.

    Args:
        classes: Names of the classes.
        train, held_out, samples: Features (items, dims) and labels (items,) of each.
        seed: Of the classifier's first weights.
    """
    features, labels = train
    mean, std = features.mean(0), features.std(0) + 1e-6

    def scaled(x: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(((x - mean) / std).astype(np.float32))

    network = _fit(scaled(features), torch.from_numpy(labels), len(classes), seed)

    def shares(x: np.ndarray, of: np.ndarray) -> list[list[float]]:
        with torch.no_grad():
            taken = network(scaled(x)).argmax(1).numpy()
        table = np.zeros((len(classes), len(classes)))
        np.add.at(table, (of, taken), 1)
        rows: list[list[float]] = (table / np.maximum(table.sum(1, keepdims=True), 1)).tolist()
        return rows

    return Confusion(classes, shares(*samples), shares(*held_out))


def _fit(x: torch.Tensor, y: torch.Tensor, classes: int, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(x.shape[1], _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, classes)
        )
    optimizer = torch.optim.AdamW(network.parameters(), _LR, weight_decay=_DECAY)
    for _ in range(_STEPS):
        loss = cross_entropy(network(x), y, label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network
