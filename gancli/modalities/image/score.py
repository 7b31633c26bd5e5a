"""The monitor's figure for images: a Frechet distance on random features."""

import numpy as np
import torch

from gancli.metrics.diversity import spread_ratio
from gancli.metrics.frechet import Gaussian, distance, fit, sampling_floor
from gancli.metrics.projection import Projection
from gancli.metrics.random_features import CHUNK, RandomFeatures

_FIT = 4_000  # real images that fix the projection
_REFERENCE = 5_000  # at most so many real images to compare with
_ENOUGH = 256  # fewer held-out images are topped up from the training half


class ImageScorer:
    """Measures generated against held-out real images; smaller is better.

    The score is the Frechet distance in percent of the real images' total variance (in a feature
    space scaled by the training half): 0 for the same distribution, 200 on average for one real
    image repeated, more for noise. Like every Frechet distance it shrinks with the number of
    images, so compare scores at one number only. It is not the FID.

    Args:
        real_train: uint8, shape (n, h, w, c); fixes the feature space.
        real_held_out: uint8, shape (m, h, w, c); what generated images are compared with. Below
            256 the training half fills it up, since so few have no usable covariance.
        seed: Chooses the subsample of large sets. The features' weights never change.
        samples: Number of images that ``score`` will be given; sizes the floor.

    Attributes:
        floor: Score that as many real images would have.
    """

    def __init__(
        self, real_train: np.ndarray, real_held_out: np.ndarray, seed: int, samples: int = 2_000
    ) -> None:
        rng = np.random.default_rng(seed)  # private: measuring must not touch training's numbers
        self._features = RandomFeatures(real_train.shape[-1])
        train = self._subsample(real_train, _FIT, rng)
        reference = self._subsample(real_held_out, _REFERENCE, rng)
        missing = max(_ENOUGH - len(reference[0]), 0)
        reference = [torch.cat((r, t[:missing])) for r, t in zip(reference, train, strict=True)]
        self._projection = Projection(train, self._features.weights(len(train)))
        real = self._projection(reference)
        self._real = fit(real)
        self.floor = 100.0 * sampling_floor(real, samples, rng)

    def score(self, items: torch.Tensor) -> float:
        """Return the distance of images (n, c, h, w) in [-1, 1]; inf if any is not finite."""
        generated = self._fit(items)
        return float("inf") if generated is None else 100.0 * distance(generated, self._real)

    def diversity(self, items: torch.Tensor) -> float:
        """Return the spread of images over that of real ones; 0 if any is not finite."""
        generated = self._fit(items)
        return 0.0 if generated is None else spread_ratio(generated, self._real)

    def loss(self, generator: torch.nn.Module) -> None:
        """Return None: a DCGAN has no likelihood."""

    def notes(self, items: torch.Tensor) -> dict[str, float]:
        """Return nothing further."""
        return {}

    def _fit(self, items: torch.Tensor) -> Gaussian | None:
        if len(items) == 0 or not bool(torch.isfinite(items).all()):
            return None
        return fit(self._projection(self._features(items)))

    def _subsample(
        self, images: np.ndarray, most: int, rng: np.random.Generator
    ) -> list[torch.Tensor]:
        chosen = rng.choice(len(images), min(most, len(images)), replace=False)
        chunks = []
        # The images may be memory-mapped: thousands of 256 px must not be in memory at once.
        for start in range(0, max(len(chosen), 1), CHUNK):
            chunk = np.asarray(images[np.sort(chosen[start : start + CHUNK])])
            tensor = torch.from_numpy(np.ascontiguousarray(chunk.transpose(0, 3, 1, 2)))
            chunks.append(self._features(tensor))
        return [torch.cat(block) for block in zip(*chunks, strict=True)]
