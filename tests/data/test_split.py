"""Held-out items and the order of training."""

import numpy as np
import pytest

from gancli.data import split as splitting
from gancli.data.split import order, split

NAMES = [f"folder/{index}.png" for index in range(500)]


def test_split_is_exact_disjoint_and_sorted() -> None:
    train, held_out = split(NAMES, 0.1)
    assert len(held_out) == 50 and len(train) == 450
    assert sorted([*train, *held_out]) == list(range(500))
    for part in (train, held_out):
        assert part.dtype == np.int64 and (np.diff(part) > 0).all()
    assert len(split(NAMES, 0.5, limit=30)[1]) == 30
    assert len(split(NAMES, 0.0001)[1]) == 1


def test_split_goes_by_name() -> None:
    held = {NAMES[index] for index in split(NAMES, 0.1)[1]}
    backwards = NAMES[::-1]
    assert {backwards[index] for index in split(backwards, 0.1)[1]} == held
    # A tenth more files moves at most about a tenth of those held out.
    more = sorted(NAMES + [f"new/{index}.png" for index in range(50)])
    still = {more[index] for index in split(more, 0.1)[1]} & held
    assert len(still) >= 38
    # Not merely the first or last ones.
    places = split(NAMES, 0.1)[1]
    assert places.min() < 100 and places.max() > 400


def test_too_few_to_spare_any() -> None:
    for names, holdout in ((NAMES[:19], 0.1), (NAMES, 0.0)):
        train, held_out = split(names, holdout)
        assert train.tolist() == held_out.tolist() == list(range(len(names)))
    assert len(split(NAMES[:20], 0.1)[1]) == 2


def test_names_that_are_no_unicode() -> None:
    assert len(split([f"{index}\udcff" for index in range(20)], 0.1)[1]) == 2


@pytest.mark.parametrize(("count", "batch"), [(7, 3), (3, 8), (1, 4), (64, 64)])
def test_every_item_once_an_epoch(count: int, batch: int) -> None:
    steps = np.concatenate([order(count, 5, step, batch) for step in range(6 * count)])
    assert len(steps) == 6 * count * batch and steps.dtype == np.int64
    for epoch in steps.reshape(-1, count):
        assert sorted(epoch) == list(range(count))


def test_order_depends_on_its_arguments_alone() -> None:
    straight = [order(100, 1, step, 16).tolist() for step in range(30)]
    assert [order(100, 1, step, 16).tolist() for step in reversed(range(30))] == straight[::-1]
    assert order(100, 2, 0, 16).tolist() != straight[0]
    epochs = np.concatenate(straight)[:400].reshape(4, 100).tolist()
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert epochs[0] != list(range(100))


def test_batches_may_be_written_to() -> None:
    first = order(10, 1, 0, 4)
    expected = first.copy()
    first[:] = 0
    assert order(10, 1, 0, 4).tolist() == expected.tolist()


def test_large_seeds() -> None:
    assert order(50, 2**63 - 1, 10**9, 8).tolist() != order(50, 2**63 - 2, 10**9, 8).tolist()


@pytest.mark.parametrize("count", [2, 3, 5, 16, 17, 1000])
def test_an_epoch_that_is_not_listed_is_a_permutation_too(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splitting, "_MAX_LISTED", 1)
    steps = np.concatenate([order(count, 5, step, 4) for step in range(count)])
    assert steps.dtype == np.int64
    epochs = steps.reshape(-1, count).tolist()
    assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
    if count > 5:
        assert len(set(map(tuple, epochs))) == 4
        assert order(count, 6, 0, 4).tolist() != epochs[0][:4]


def test_an_epoch_that_is_not_listed_is_without_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "_MAX_LISTED", 1)
    count = 100_000
    for seed in (0, 2**63 - 1):
        places = order(count, seed, 0, count) / count
        assert abs(np.corrcoef(places, np.arange(count))[0, 1]) < 0.02
        assert abs(np.corrcoef(places[1:], places[:-1])[0, 1]) < 0.02
        # Of numbers drawn by chance, this one is exceeded once in 100,000 times.
        counts = np.histogram2d(np.arange(count) / count, places, 10)[0]
        assert ((counts - count / 100) ** 2 / (count / 100)).sum() < 165


def test_a_billion_items_are_not_listed() -> None:
    found = order(10**9, 1, 10**6, 1000)
    assert len(set(found.tolist())) == 1000 and 0 <= found.min() < 10**7
    assert 10**9 - 10**7 < found.max() < 10**9
