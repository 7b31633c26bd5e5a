"""Clusters are found without labels, and tell what new items are."""

import pytest
import torch

from gancli.metrics.clusters import Clusters


def items(centers, each, seed):
    noise = torch.randn((len(centers) * each, centers.shape[1]), generator=torch.manual_seed(seed))
    return centers.repeat_interleave(each, 0) + noise


def test_items_of_a_group_are_of_the_same_clusters():
    centers = 4 * torch.randn((5, 30), generator=torch.manual_seed(0))
    clusters = Clusters(items(centers, 100, seed=1))
    scores = clusters(items(centers, 40, seed=2)).view(5, 40, -1)
    within = scores.var(1).sum(1).mean()
    between = scores.mean(1).var(0).sum()
    assert between > 4 * within


def test_directions_in_which_groups_do_not_differ_hardly_count():
    centers = torch.zeros(12, 40)
    centers[:, :20] = 5 * torch.randn((12, 20), generator=torch.manual_seed(0))
    given = items(centers, 100, seed=1)
    clusters = Clusters(given)
    step = given.std(0)
    between, within = step.clone(), step.clone()
    between[20:] = 0
    within[:20] = 0
    moves = [
        (clusters(given + each) - clusters(given)).norm(dim=1).mean()
        for each in (between, within)
    ]
    assert moves[1] < 0.5 * moves[0]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_items_are_enough(count):
    given = torch.randn(count, 8)
    assert bool(Clusters(given)(given).isfinite().all())


def test_the_global_random_state_is_neither_used_nor_touched():
    given = torch.randn(50, 8)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = Clusters(given)(given)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(Clusters(given)(given), first)
