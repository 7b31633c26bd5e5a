"""The monitor's score for sounds: a Frechet distance on log-mel spectrograms."""

import numpy as np
import torch

from gancli.data.dataset import Dataset
from gancli.data.indices import Indices
from gancli.metrics.random_features import RandomFeatures, visible
from gancli.metrics.scorer import Blocks, FrechetScorer, topped_up
from gancli.modalities.audio.mel import to_items
from gancli.modalities.audio.spec import AudioSpec

_MAX_TRAIN = 2_000  # clips of the training half, which fix the projection
_MAX_HELD_OUT = 2_000  # held-out clips to compare with
_MIN_HELD_OUT = 256  # fewer are topped up from the training half
_CHUNK = 100
_RANGE = 4.0  # standard deviations of a band; what is beyond is clamped


class AudioScorer(FrechetScorer):
    """Scores generated against held-out clips, with the log-mel spectrogram as an image.

    Args:
        dataset: The clips.
        spec: The spec of the clips.
        seed: Chooses the subsamples of real clips.
        samples: Number of clips that ``score`` will be given; sizes the floor.
    """

    def __init__(
        self, dataset: Dataset, spec: AudioSpec, seed: int, samples: int = 2_000
    ) -> None:
        rng = np.random.default_rng(seed)  # private: measuring must not touch training's numbers
        self.spec, self.dataset = spec, dataset
        self._random_features = RandomFeatures(spec.channels)
        train = self._real_features(dataset.train, _MAX_TRAIN, rng)
        held_out = self._real_features(dataset.held_out, _MAX_HELD_OUT, rng)
        super().__init__(
            train, topped_up(held_out, _MIN_HELD_OUT, train),
            self._random_features.weights(len(train)), samples, rng,
        )

    def features(self, items: torch.Tensor) -> Blocks:
        """Return the features of clips (n, frames, depth)."""
        shape = (*items.shape[:2], self.spec.channels, self.spec.bins)
        images = items[..., :-1].reshape(shape).permute(0, 2, 3, 1)
        return self._random_features(visible(images.clamp(-_RANGE, _RANGE) / _RANGE))

    def loss(self, generator: torch.nn.Module) -> None:
        """Return None: the generator has no likelihood."""

    def notes(self, items: torch.Tensor) -> dict[str, float]:
        """Return the mean length of clips in seconds."""
        inside = (items[..., -1] > 0).float().sum(1).mean()
        return {"seconds_a_clip": float(inside) * self.spec.hop / self.spec.rate}

    def _real_features(
        self, indices: Indices, limit: int, rng: np.random.Generator
    ) -> Blocks:
        """Return the features of at most ``limit`` real clips, drawn from those at the indices."""
        drawn = indices[np.sort(rng.choice(len(indices), min(limit, len(indices)), replace=False))]
        chunks = []
        for start in range(0, len(drawn), _CHUNK):
            batch = self.dataset.take(drawn[start : start + _CHUNK]).arrays
            items = to_items(
                torch.from_numpy(batch["samples"]), torch.from_numpy(batch["lengths"]), self.spec
            )
            chunks.append(self.features(items))
        return [torch.cat(block) for block in zip(*chunks, strict=True)]
