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
    """How two sets of features overlap, item by item; each figure is a mean.

    Args:
        inside: Number of real balls that each generated item is in, int64, shape (generated,).
        recalled: Whether each real item is inside the generated manifold, shape (real,).
        covered: Whether each real ball holds a generated item, shape (real,).
        k: Which neighbor a ball reaches to.
    """

    inside: torch.Tensor
    recalled: torch.Tensor
    covered: torch.Tensor
    k: int

    @property
    def precision(self) -> float:
        """The fraction of the generated items inside the real manifold, 0 to 1."""
        return _mean(self.inside > 0)

    @property
    def recall(self) -> float:
        """The fraction of the real items inside the generated manifold, 0 to 1."""
        return _mean(self.recalled)

    @property
    def density(self) -> float:
        """The mean number of real balls around a generated item, divided by k.

        It is 1 for like sets, and more if generated items crowd where real ones are dense.
        """
        return _mean(self.inside) / self.k

    @property
    def coverage(self) -> float:
        """The fraction of the real balls with a generated item inside, 0 to 1."""
        return _mean(self.covered)


def manifold(real: torch.Tensor, generated: torch.Tensor, k: int = 5) -> Manifold:
    """Compare real (n, dims) with generated (m, dims) features by k nearest neighbors.

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
    return Manifold(inside, torch.cat(recalled), torch.cat(covered), k)


def _distances(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    # The matrix-product shortcut gives equal items a small distance, so ties would be lost.
    return torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")


def _radius(items: torch.Tensor, k: int) -> torch.Tensor:
    # The nearest item is the item itself, hence k + 1.
    rows = [_distances(r, items).kthvalue(k + 1, dim=1).values for r in torch.split(items, _ROWS)]
    return torch.cat(rows)


def _mean(values: torch.Tensor) -> float:
    return float(values.double().mean())
