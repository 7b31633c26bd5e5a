"""Texts as counts of n-grams of tokens, hashed to a fixed number of values."""

from collections.abc import Sequence

import numpy as np
import torch

_ORDERS = (1, 2, 3, 4)
_BUCKETS = 512  # values per order
_MIX = np.uint64(0x9E3779B97F4A7C15)


def ngram_features(texts: Sequence[np.ndarray], end: int = 0) -> torch.Tensor:
    """Return features of texts, float32, shape (texts, 4 * 512 + 1).

    Each n-gram of one to four tokens, the end included, adds 1 or -1 to the value that its hash
    selects (Weinberger et al. 2009, arXiv 0902.2206); the counts of one order are divided by the
    root of the number of n-grams, so that long texts do not outweigh short ones. The last value
    is log(1 + length).

    Args:
        texts: Token ids, each text of any length; what follows an ``end`` is ignored.
        end: The id that ends a text.
    """
    features = np.zeros((len(texts), len(_ORDERS) * _BUCKETS + 1), np.float32)
    for row, text in enumerate(texts):
        ends = np.flatnonzero(text == end)
        ids = text[: ends[0] + 1 if len(ends) else len(text)].astype(np.uint64) + np.uint64(1)
        hashed = np.zeros(len(ids), np.uint64)
        for place, order in enumerate(_ORDERS):
            if len(ids) < order:
                break
            hashed = _mixed(hashed[: len(ids) - order + 1] * _MIX + ids[order - 1 :])
            signs = np.where(hashed >> np.uint64(63), 1.0, -1.0)
            buckets = (hashed % np.uint64(_BUCKETS)).astype(np.int64)
            counts = np.bincount(buckets, signs, _BUCKETS) / np.sqrt(len(hashed))
            features[row, place * _BUCKETS : (place + 1) * _BUCKETS] = counts
        features[row, -1] = np.log1p(len(ids))
    return torch.from_numpy(features)


def _mixed(values: np.ndarray) -> np.ndarray:
    # Not data.mixing's: the features, and with them the scores of earlier runs, depend on this one.
    values = (values ^ (values >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed: np.ndarray = values ^ (values >> np.uint64(29))
    return mixed
