"""The monitor's score for images: a Frechet distance on random features."""

import numpy as np
import torch

from gancli.metrics.random_features import CHUNK, RandomFeatures
from gancli.metrics.scorer import Blocks, FrechetScorer, topped_up

_MAX_TRAIN = 4_000  # real images that the projection is fitted to
_MAX_REFERENCE = 5_000  # real images to compare with
_MIN_REFERENCE = 256  # fewer held-out images are topped up with training images


class ImageScorer(FrechetScorer):
    """Compares generated images with held-out real ones by random convolutional features.

    Args:
        real_train: uint8, shape (n, h, w, c); determines the feature space.
        real_held_out: uint8, shape (m, h, w, c); what generated images are compared with. Fewer
            than 256 are topped up with training images, since their covariance is unusable.
        seed: Chooses the subsample of large sets. The features' weights never change.
        samples: Number of images that ``score`` will be given; determines the floor.
    """

    def __init__(
        self, real_train: np.ndarray, real_held_out: np.ndarray, seed: int, samples: int = 2_000
    ) -> None:
        rng = np.random.default_rng(seed)  # its own, so that scoring leaves training's alone
        self._extractor = RandomFeatures(real_train.shape[-1])
        train = self._subsample(real_train, _MAX_TRAIN, rng)
        reference = self._subsample(real_held_out, _MAX_REFERENCE, rng)
        super().__init__(
            train, topped_up(reference, _MIN_REFERENCE, train),
            self._extractor.weights(len(train)), samples, rng,
        )

    def features(self, items: torch.Tensor) -> Blocks:
        """Return the features of images (n, c, h, w) in [-1, 1]."""
        return self._extractor(items)

    def loss(self, generator: torch.nn.Module) -> None:
        """Return None: a DCGAN has no likelihood."""

    def notes(self, items: torch.Tensor) -> dict[str, float]:
        """Return no further numbers."""
        return {}

    def _subsample(self, images: np.ndarray, limit: int, rng: np.random.Generator) -> Blocks:
        chosen = rng.choice(len(images), min(limit, len(images)), replace=False)
        chunks = []
        # The images may be memory-mapped: thousands of 256 px must not be loaded at once.
        for start in range(0, max(len(chosen), 1), CHUNK):
            chunk = np.asarray(images[np.sort(chosen[start : start + CHUNK])])
            tensor = torch.from_numpy(np.ascontiguousarray(chunk.transpose(0, 3, 1, 2)))
            chunks.append(self._extractor(tensor))
        return [torch.cat(block) for block in zip(*chunks, strict=True)]
