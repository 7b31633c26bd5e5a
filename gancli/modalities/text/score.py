"""The monitor's figures for text: a Frechet distance on n-grams, and how much is copied."""

import numpy as np
import torch
from torch import nn

from gancli.data.indices import Indices
from gancli.metrics.ngrams import ngram_features
from gancli.metrics.scorer import Blocks, FrechetScorer
from gancli.modalities.text.dataset import TextDataset
from gancli.modalities.text.networks import Generator
from gancli.modalities.text.phases.likelihood import negative_log_likelihood
from gancli.modalities.text.phases.texts import real_texts
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import END, UNKNOWN
from gancli.phases.base import Batch

_FIT = 10_000  # texts of the training half that fix the features
_REFERENCE = 4_000  # texts of the held-out half to compare with
_JUDGED = 1_000  # held-out texts whose likelihood is taken
_KNOWN = 200_000  # texts of the training half that copies are looked for in
_BATCH = 100


class TextScorer(FrechetScorer):
    """Measures drawn against held-out texts: hashed counts of one to four tokens, and the length.

    Args:
        dataset: The corpus.
        spec: What it fixed.
        seed: Chooses the subsamples.
        samples: Number of texts that ``score`` will be given; sizes the floor.
    """

    def __init__(
        self, dataset: TextDataset, spec: TextSpec, seed: int, samples: int = 2_000
    ) -> None:
        rng = np.random.default_rng(seed)  # private: measuring must not touch training's numbers
        self.spec, self.dataset = spec, dataset
        train = self._take(dataset.train, _FIT, rng)
        held_out = self._take(dataset.held_out, _REFERENCE, rng)
        self._known = {_bytes(row) for row in self._take(dataset.train, _KNOWN, rng)}
        held_out_order = rng.permutation(len(dataset.held_out))
        self._judged = dataset.held_out[held_out_order[:_JUDGED]]
        super().__init__([ngram_features(train)], [ngram_features(held_out)], [1.0], samples, rng)

    def features(self, items: torch.Tensor) -> Blocks:
        """Return the features of texts (n, steps, 2)."""
        return [ngram_features(list(items[..., 0].numpy().astype(np.int64)))]

    @torch.no_grad()
    def loss(self, generator: nn.Module) -> float:
        """Return the mean negative log-likelihood of a held-out token, in nats."""
        assert isinstance(generator, Generator)
        device = next(generator.parameters()).device
        total = count = 0.0
        for start in range(0, len(self._judged), _BATCH):
            taken = self.dataset.take(self._judged[start : start + _BATCH])
            texts = real_texts(Batch.of(taken, device), self.spec)
            tokens = float(texts.mask.sum())
            total += float(negative_log_likelihood(generator, texts)) * tokens
            count += tokens
        return total / max(count, 1.0)

    def notes(self, items: torch.Tensor) -> dict[str, float]:
        """Return the share of texts that occur once and that are training texts word for word."""
        rows = [_bytes(row) for row in items[..., 0].numpy().astype(np.int64)]
        return {
            "unique": len(set(rows)) / len(rows),
            "copied": sum(row in self._known for row in rows) / len(rows),
        }

    def _take(
        self, indices: Indices, limit: int, rng: np.random.Generator
    ) -> list[np.ndarray]:
        chosen = indices[np.sort(rng.choice(len(indices), min(limit, len(indices)), replace=False))]
        found: list[np.ndarray] = []
        for start in range(0, len(chosen), 1000):
            tokens = self.dataset.take(chosen[start : start + 1000]).arrays["tokens"]
            found += list(tokens[:, : self.spec.length])
        # Drawn texts hold no unknown token, so those that do can be no measure for them.
        return [row for row in found if (row != UNKNOWN).all()] or found


def _bytes(row: np.ndarray) -> bytes:
    """Return a text as a key: its ids up to its end."""
    ends = np.flatnonzero(row == END)
    return row[: ends[0] if len(ends) else len(row)].astype(np.int32).tobytes()
