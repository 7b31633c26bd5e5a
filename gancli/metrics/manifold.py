"""Precision, recall, density and coverage by nearest neighbors.

A set's manifold is the union of balls around its items, each reaching to the k-th nearest other
item. Precision and recall are those of Kynkaanniemi et al. 2019 (arXiv 1904.06991), density and
coverage those of Naeem et al. 2020 (arXiv 2002.09797). A point on a ball's surface counts as
inside, as in the former's code.
"""

from dataclasses import dataclass

import torch

from gancli.errors import GancliError

_ROWS = 1024  # rows of the distance matrix at a time: bounds memory, changes no result


@dataclass(frozen=True, eq=False)  # eq: tensors are not equal by one truth value
class Manifold:
    """How two sets of features overlap, item by item: each figure is the mean of its values.

    Args:
        precision: 1 for each generated item inside the real manifold, else 0, shape (generated,).
        recall: 1 for each real item inside the generated manifold, else 0, shape (real,).
        density: Number of real balls that each generated item is in, divided by k, shape
            (generated,). The mean is 1 for like sets, and more if generated items crowd where real
            ones are dense.
        coverage: 1 for each real ball that holds a generated item, else 0, shape (real,).
    """

    precision: torch.Tensor
    recall: torch.Tensor
    density: torch.Tensor
    coverage: torch.Tensor


def manifold(real: torch.Tensor, generated: torch.Tensor, k: int = 5) -> Manifold:
    """Compare real (n, dims) with generated (m, dims) features by k nearest neighbors.

    Returns:
        Values in float64.

    Raises:
        GancliError: A set has k items or fewer.
    """
    if min(len(real), len(generated)) <= k:
        raise GancliError(
            f"{min(len(real), len(generated))} items are too few for {k} nearest neighbors.",
            f"Give at least {k + 1} real and as many generated items.",
        )
    real_radius, generated_radius = _radius(real, k), _radius(generated, k)
    inside = torch.zeros(len(generated), dtype=torch.int64, device=real.device)
    covered, recalled = [], []
    for rows, radius in zip(torch.split(real, _ROWS), torch.split(real_radius, _ROWS), strict=True):
        distances = _distances(rows, generated)
        hits = distances <= radius[:, None]
        inside += hits.sum(dim=0)
        covered.append(hits.any(dim=1))
        recalled.append((distances <= generated_radius).any(dim=1))
    return Manifold(
        (inside > 0).double(), torch.cat(recalled).double(), inside.double() / k,
        torch.cat(covered).double(),
    )


def _distances(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    # The matrix-product shortcut gives equal items a small distance, so ties would be lost.
    return torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")


def _radius(items: torch.Tensor, k: int) -> torch.Tensor:
    # The nearest item is the item itself, hence k + 1.
    rows = [_distances(r, items).kthvalue(k + 1, dim=1).values for r in torch.split(items, _ROWS)]
    return torch.cat(rows)
