"""The monitor's score for images: a Frechet distance on features that need no download."""

from collections.abc import Iterator

import numpy as np
import torch

from gancli.metrics.clusters import Clusters
from gancli.metrics.memorization import NEAR_TRAINING, Memorization
from gancli.metrics.patches import PatchFeatures
from gancli.metrics.random_features import RandomFeatures, visible
from gancli.metrics.scorer import Blocks, FrechetScorer, topped_up

MAX_TRAIN = 4_000  # real images that the projection is fitted to
MAX_REFERENCE = 5_000  # real images to compare with
# Weight of what images show against how they look: RESULTS.md has how a judge's order follows.
_CONTENT = 10.0
_CHUNK = 100  # images at a time
_MAX_PATCHED = 1_000  # images that patches are drawn from
_MIN_REFERENCE = 256  # fewer held-out images are topped up with training images


class ImageScorer(FrechetScorer):
    """Compares generated images with held-out real ones by how they look and what they show.

    How they look is random convolutional features; what they show is how much of each cluster of
    real images they have, which follows the order of a trained classifier more closely.

    Args:
        real_train: uint8, shape (n, h, w, c); determines the feature space.
        real_held_out: uint8, shape (m, h, w, c); what generated images are compared with. Fewer
            than 256 are topped up with training images, since their covariance is unusable.
        seed: Divides the held-out images for the floor. The features' weights never change.
        samples: Number of images that ``score`` will be given; determines the floor.
        all_there: Whether these are all images that are trained on, and others that are held out,
            so that memorized ones can be told.
        mirrored: Whether mirror images are trained on as well, so that they can be memorized.
    """

    def __init__(
        self, real_train: np.ndarray, real_held_out: np.ndarray, seed: int, samples: int = 2_000,
        *, all_there: bool = False, mirrored: bool = False,
    ) -> None:
        rng = np.random.default_rng(seed)  # its own, so that scoring leaves training's alone
        self._look = RandomFeatures(real_train.shape[-1])
        # Every so many: images come sorted, so the first ones may all be of one class.
        some = real_train[:: -(-len(real_train) // _MAX_PATCHED)]
        self._patches = PatchFeatures(torch.cat([*_seen(_channels_first(some))]))
        train, held_out = (
            self._raw(_channels_first(pixels)) for pixels in (real_train, real_held_out)
        )
        self._clusters = Clusters(train[-1])
        train, held_out = self._with_clusters(train), self._with_clusters(held_out)
        super().__init__(
            train, topped_up(held_out, _MIN_REFERENCE, train),
            [*self._look.weights(len(train) - 1), _CONTENT], samples, rng,
        )
        self._memorization = None
        if all_there:
            known = self._projection(train)
            if mirrored:
                images = _channels_first(real_train).flip(3)
                known = np.concatenate([known, self._projection(self.features(images))])
            self._memorization = Memorization(known, self._projection(held_out))

    def features(self, items: torch.Tensor) -> Blocks:
        """Return the features of images (n, c, h, w) in [-1, 1]."""
        return self._with_clusters(self._raw(items))

    def loss(self, generator: torch.nn.Module) -> None:
        """Return None: a DCGAN has no likelihood."""

    def notes(self, items: torch.Tensor) -> dict[str, float]:
        """Return the share of images that are suspiciously near to one trained on, if known."""
        if self._memorization is None or not torch.isfinite(items).all():
            return {}
        return {NEAR_TRAINING: self._memorization.near_share(self.projected(items))}

    def _raw(self, images: torch.Tensor) -> Blocks:
        chunks = [[*self._look(chunk), self._patches(chunk)] for chunk in _seen(images)]
        return [torch.cat(block) for block in zip(*chunks, strict=True)]

    def _with_clusters(self, raw: Blocks) -> Blocks:
        return [*raw[:-1], self._clusters(raw[-1])]


def _seen(images: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield what is seen of images, part by part: as floats, all would take gigabytes."""
    for chunk in torch.split(images, _CHUNK):
        yield visible(chunk)


def _channels_first(pixels: np.ndarray) -> torch.Tensor:
    """Return pixels (n, h, w, c) as images (n, c, h, w), without a copy."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)
