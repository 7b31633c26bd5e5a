"""The monitor's figure for images: a Frechet distance on random features."""

import numpy as np
import torch

from gancli.metrics.random_features import CHUNK, RandomFeatures
from gancli.metrics.scorer import Blocks, FrechetScorer, topped_up

_FIT = 4_000  # real images that fix the projection
_REFERENCE = 5_000  # at most so many real images to compare with
_ENOUGH = 256  # fewer held-out images are topped up from the training half


class ImageScorer(FrechetScorer):
    """Measures generated against held-out real images, by random convolutional features.

    Args:
        real_train: uint8, shape (n, h, w, c); fixes the feature space.
        real_held_out: uint8, shape (m, h, w, c); what generated images are compared with. Below
            256 the training half fills it up, since so few have no usable covariance.
        seed: Chooses the subsample of large sets. The features' weights never change.
        samples: Number of images that ``score`` will be given; sizes the floor.
    """

    def __init__(
        self, real_train: np.ndarray, real_held_out: np.ndarray, seed: int, samples: int = 2_000
    ) -> None:
        rng = np.random.default_rng(seed)  # private: measuring must not touch training's numbers
        self._random = RandomFeatures(real_train.shape[-1])
        train = self._subsample(real_train, _FIT, rng)
        reference = self._subsample(real_held_out, _REFERENCE, rng)
        super().__init__(
            train, topped_up(reference, _ENOUGH, train), self._random.weights(len(train)), samples,
            rng,
        )

    def features(self, items: torch.Tensor) -> Blocks:
        """Return the features of images (n, c, h, w) in [-1, 1]."""
        return self._random(items)

    def loss(self, generator: torch.nn.Module) -> None:
        """Return None: a DCGAN has no likelihood."""

    def notes(self, items: torch.Tensor) -> dict[str, float]:
        """Return nothing further."""
        return {}

    def _subsample(
        self, images: np.ndarray, most: int, rng: np.random.Generator
    ) -> Blocks:
        chosen = rng.choice(len(images), min(most, len(images)), replace=False)
        chunks = []
        # The images may be memory-mapped: thousands of 256 px must not be in memory at once.
        for start in range(0, max(len(chosen), 1), CHUNK):
            chunk = np.asarray(images[np.sort(chosen[start : start + CHUNK])])
            tensor = torch.from_numpy(np.ascontiguousarray(chunk.transpose(0, 3, 1, 2)))
            chunks.append(self._random(tensor))
        return [torch.cat(block) for block in zip(*chunks, strict=True)]
