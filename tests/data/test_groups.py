"""Items of which many may be equal, divided in little memory."""

import numpy as np
import pytest

from gancli.data import groups
from gancli.data.groups import at_least, split_groups
from gancli.data.indices import AllBut


def test_split_groups() -> None:
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 2**63, 1000).astype(np.uint64)
    train, held = split_groups(keys, 0.1)
    assert len(held) == 100 and sorted([*train[:], *held]) == list(range(1000))
    assert len(split_groups(keys, 0.5, limit=30)[1]) == 30
    for few in (keys[:19], np.repeat(keys[:5], 50)):
        train, held = split_groups(few, 0.1)
        assert len(train) == len(held) == len(few)
    assert len(split_groups(keys, 0)[1]) == 1000
    # An item that makes up a third of all is never held out, unless it is frequent: then it is
    # held out by its share, and the number of items held out stays the same.
    few = np.concatenate([keys[:80], np.zeros(40, np.uint64)])
    train, held = split_groups(few, 0.1)
    assert 1 <= len(held) <= 12 and (few[held] != 0).all()
    frequent = np.concatenate([np.zeros(100, np.uint64), keys[:500], np.full(300, 7, np.uint64)])
    train, held = split_groups(frequent, 0.1)
    assert [(frequent[held] == key).sum() for key in (0, 7)] == [10, 30] and len(held) == 90
    assert sorted([*train[:], *held]) == list(range(900))
    # If all items are frequent, copies fall on one side, or memorization could not be detected.
    train, held = split_groups(np.repeat(keys[:100], 60), 0.1)
    assert len(held) == 600 and not set(held // 60) & set(train[:] // 60)


def divided(keys: np.ndarray, holdout: float, limit: int) -> np.ndarray:
    """Return what is held out, by sorting all keys."""
    found, counts = np.unique(keys, return_counts=True)
    most = min(max(1, round(len(keys) * holdout)), limit, len(keys) - 1)
    every = -(-len(keys) // most)
    frequent = counts >= 5 * every
    if (~frequent).sum() < 20:
        frequent[:] = False
    room = max(1, int(counts[~frequent].sum()) * most // len(keys))
    sizes = np.where(frequent | (counts > room), 0, counts)
    held = set(found[(np.cumsum(sizes) <= room) & (sizes > 0)].tolist())
    if not held:
        return np.arange(len(keys))
    copies: dict[int, int] = dict.fromkeys(found[frequent].tolist(), 0)
    places = []
    for place, key in enumerate(keys.tolist()):
        if key in copies:
            copies[key] += 1
            if copies[key] % every == 0:
                places.append(place)
        elif key in held:
            places.append(place)
    return np.array(places)


@pytest.mark.parametrize("case", range(60))
def test_parts_of_the_keys_at_a_time_give_what_all_at_once_give(
    case: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(case)
    monkeypatch.setattr(groups, "_CHUNK", int(rng.integers(1, 300)))
    monkeypatch.setattr(groups, "_MAX_BITS", int(rng.integers(1, 12)))
    different = rng.integers(0, 2**64, int(rng.integers(20, 900)), np.uint64)
    if case % 3 == 0:  # all in a few buckets
        different >>= np.uint64(int(rng.integers(1, 50)))
    common = rng.choice(different, int(rng.integers(0, 6)))
    copies = rng.integers(2, 400, len(common))
    keys = rng.permutation(np.concatenate([
        rng.choice(different, int(rng.integers(20, 1500))), different, np.repeat(common, copies)
    ]))
    holdout, limit = float(rng.choice([0.02, 0.1, 0.5])), int(rng.choice([5, 40, 10_000]))
    train, held_out = split_groups(keys, holdout, limit)
    assert held_out[:].tolist() == divided(keys, holdout, limit).tolist()
    rest = np.setdiff1d(np.arange(len(keys)), held_out[:])
    assert train[:].tolist() == (rest if len(rest) else np.arange(len(keys))).tolist()


def test_rare_items_are_held_out_by_their_share_beside_frequent_ones() -> None:
    rng = np.random.default_rng(0)
    different = rng.integers(0, 2**64, 600, np.uint64)
    keys = np.concatenate([different[:500], np.repeat(different[500:], 1000)])
    train, held_out = split_groups(keys, 0.1)
    rare = held_out[:] < 500
    assert rare.sum() == 49 and (~rare).sum() == 9_000
    assert (train[:] < 500).sum() == 451


def test_different_keys_are_counted_as_far_as_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_CHUNK", 3)
    keys = np.array([1, 1, 1, 2, 2, 1, 3], np.uint64)
    assert at_least(keys, 3) and not at_least(keys, 4)
    assert at_least(keys[:4], 2) and not at_least(keys[:3], 2)


def test_all_but_some_numbers() -> None:
    for left_out in ([], [0], [9], [0, 1, 2], [3, 4, 8], [0, 5, 9]):
        expected = np.delete(np.arange(10), left_out)
        numbers = AllBut(10, np.array(left_out, np.int64))
        assert len(numbers) == len(expected)
        for places in (slice(None), slice(1, 4), slice(None, None, 3), slice(-2, None)):
            assert numbers[places].tolist() == expected[places].tolist()
        shuffled = np.random.default_rng(0).permutation(len(expected))
        assert numbers[shuffled].tolist() == expected[shuffled].tolist()
        assert numbers[shuffled].dtype == np.int64 and len(numbers[shuffled[:0]]) == 0
        for outside in (-1, len(expected)):
            with pytest.raises(IndexError, match="from 0 to"):
                numbers[np.array([outside])]
        with pytest.raises(IndexError, match="from 0 to"):
            numbers[np.ones(len(expected), bool)]
