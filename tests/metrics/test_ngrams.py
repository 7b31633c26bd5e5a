"""Hashed counts of short runs of tokens."""

import numpy as np
import torch

from gancli.metrics.ngrams import _BUCKETS, ngram_features


def features(*texts):
    return ngram_features([np.array(text) for text in texts])


def block(row, order):
    return row[(order - 1) * _BUCKETS : order * _BUCKETS]


def test_what_follows_the_end_is_ignored():
    plain, padded, noisy, other = features(
        [5, 6, 7, 0], [5, 6, 7, 0, 0, 0, 0], [5, 6, 7, 0, 9, 0, 4], [5, 6, 8, 0]
    )
    assert torch.equal(plain, padded) and torch.equal(plain, noisy)
    assert not torch.equal(plain, other)


def test_the_end_counts():
    ended, cut = features([5, 6, 7, 0], [5, 6, 7])
    assert not torch.equal(ended, cut)


def test_order_matters_in_runs_of_two_and_more_alone():
    one, other = features([5, 6, 7, 8, 0], [7, 5, 8, 6, 0])
    assert torch.equal(block(one, 1), block(other, 1))
    for order in (2, 3, 4):
        assert not torch.equal(block(one, order), block(other, order))
    # Where a run stands does not matter: these have the same pairs.
    one, other = features([5, 6, 5, 7, 5], [5, 7, 5, 6, 5])
    assert torch.equal(block(one, 2), block(other, 2))
    assert not torch.equal(block(one, 3), block(other, 3))


def test_each_run_weighs_alike_however_long_the_text():
    row = features(list(range(5, 105)))[0]
    for order in (1, 2, 3, 4):
        # A hundred runs, each of plus or minus one over the root of their number.
        values = block(row, order) * (101 - order) ** 0.5
        assert torch.allclose(values, values.round(), atol=1e-4)
        assert values.abs().sum() > 60  # few fall on one another
    assert row[-1].item() == np.log1p(np.float32(100))


def test_signs_and_places_are_spread():
    rows = features(*([unit] for unit in range(2, 2002)))
    values = rows[:, :_BUCKETS]
    assert values.abs().sum(1).eq(1).all()
    assert 800 < (values.sum(1) > 0).sum() < 1200
    counts = values.abs().sum(0)  # four each on average, and as uneven as chance has it
    assert 0.7 < counts.var() / counts.mean() < 2


def test_short_texts_and_none():
    empty, ended, single = features(np.zeros(0, np.int64), [0], [5])
    assert empty.eq(0).all()
    assert ended.isfinite().all() and block(ended, 1).abs().sum() == 1
    assert block(single, 1).abs().sum() == 1 and block(single, 2).eq(0).all()
    assert ngram_features([]).shape == (0, 4 * _BUCKETS + 1)
