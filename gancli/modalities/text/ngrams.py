"""An n-gram language model of tokens, and the longest runs that texts share."""

from collections.abc import Sequence

import numpy as np

from gancli.data.mixing import mix

_START = np.uint64(1)  # the hash of no token


class NgramModel:
    """Interpolated n-grams with Witten-Bell smoothing (Witten and Bell 1991).

    A token that followed a context c times of C, where T different ones did, has the probability
    (c + T p) / (C + T), with p that of the context without its first token; without any context
    all tokens are equally likely.

    Args:
        texts: Token ids of each text.
        vocabulary: Number of ids.
        order: Tokens of the longest n-gram.
    """

    def __init__(self, texts: Sequence[np.ndarray], vocabulary: int, order: int = 6) -> None:
        self._vocabulary, self._order = vocabulary, order
        self._tables = [self._count(texts, length) for length in range(order)]

    def loss(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """Return the negative log-likelihood of each text, in nats per token, shape (texts,)."""
        loss: np.ndarray = self.profile(texts)[:, self._order - 1]
        return loss

    def profile(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """Return how likely each text is by shorter and longer contexts, (texts, order + 1).

        The columns are the losses of the n-grams of one token, two tokens and so on, and the
        greatest loss of a single token.
        """
        lengths = np.array([len(text) for text in texts])
        starts = np.cumsum(lengths) - lengths
        tokens = np.concatenate([text.astype(np.uint64) for text in texts])
        probability = np.full(len(tokens), 1.0 / self._vocabulary)
        columns = []
        for length, (contexts, totals, kinds, pairs, counts) in enumerate(self._tables):
            hashes = _contexts(texts, length)
            total, kind = (_look_up(contexts, values, hashes) for values in (totals, kinds))
            count = _look_up(pairs, counts, _mixed(hashes, tokens))
            mixed = (count + kind * probability) / np.maximum(total + kind, 1.0)
            probability = np.where(total > 0, mixed, probability)
            columns.append(np.add.reduceat(-np.log(probability), starts) / lengths)
        columns.append(np.maximum.reduceat(-np.log(probability), starts))
        return np.stack(columns, 1)

    def _count(
        self, texts: Sequence[np.ndarray], length: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        hashes = _contexts(texts, length)
        tokens = np.concatenate([text.astype(np.uint64) for text in texts])
        contexts, totals = np.unique(hashes, return_counts=True)
        pairs, first, counts = np.unique(
            _mixed(hashes, tokens), return_index=True, return_counts=True
        )
        kinds = np.bincount(np.searchsorted(contexts, hashes[first]), minlength=len(contexts))
        return contexts, totals, kinds, pairs, counts


def longest_runs(texts: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> np.ndarray:
    """Return for each text the tokens of its longest run that one of the others holds, (texts,)."""
    longest = np.zeros(len(texts), np.int64)
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    mine, theirs = _Runs(texts), _Runs(others)
    while len(mine.places) and len(theirs.places):
        mine.extend()
        theirs.extend()
        shared = np.isin(mine.hashes, theirs.hashes)
        # What is not shared cannot begin a longer run that is.
        theirs.keep(np.isin(theirs.hashes, mine.hashes))
        mine.keep(shared)
        longest[owners[mine.places]] = mine.length
    return longest


class _Runs:
    """The runs of one length that begin at some places of texts."""

    def __init__(self, texts: Sequence[np.ndarray]) -> None:
        self._tokens = np.concatenate([text.astype(np.uint64) for text in texts])
        lengths = np.array([len(text) for text in texts])
        self._ends = np.repeat(np.cumsum(lengths), lengths)
        self.places, self.length = np.arange(len(self._tokens)), 0
        self.hashes = np.full(len(self.places), _START)

    def extend(self) -> None:
        """Make all runs longer by a token; those at the end of their text are dropped."""
        self.keep(self.places + self.length < self._ends[self.places])
        self.hashes = _mixed(self.hashes, self._tokens[self.places + self.length])
        self.length += 1

    def keep(self, which: np.ndarray) -> None:
        self.places, self.hashes = self.places[which], self.hashes[which]


def _contexts(texts: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Return for each token the hash of the ``length`` before it, uint64, shape (tokens,).

    What is before the beginning of a text counts as a token of its own kind.
    """
    parts = []
    for text in texts:
        padded = np.concatenate([np.zeros(length, np.uint64), text.astype(np.uint64) + _START])
        hashes = np.full(len(text), _START)
        for place in range(length):
            hashes = _mixed(hashes, padded[place : place + len(text)])
        parts.append(hashes)
    return np.concatenate(parts)


def _mixed(hashes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Return hashes that also depend on a further token."""
    return mix(hashes ^ tokens)


def _look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the value of each key, as a float; 0 for those that are not there."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: np.ndarray = np.where(keys[places] == wanted, values[places], 0).astype(np.float64)
    return found
