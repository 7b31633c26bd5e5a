"""The monitor's figure for sounds: a Frechet distance on log-mel spectrograms."""

import numpy as np
import torch

from gancli.data.dataset import Dataset
from gancli.metrics.random_features import RandomFeatures
from gancli.metrics.scorer import Blocks, FrechetScorer, topped_up
from gancli.modalities.audio.mel import to_items
from gancli.modalities.audio.spec import AudioSpec

_FIT = 2_000  # clips of the training half that fix the projection
_REFERENCE = 2_000  # held-out clips to compare with
_ENOUGH = 256  # fewer are topped up from the training half
_CHUNK = 100
_RANGE = 4.0  # deviations of a band that are told apart


class AudioScorer(FrechetScorer):
    """Measures generated against held-out clips: the log-mel spectrogram is taken as a picture.

    Args:
        dataset: The clips.
        spec: What they fixed.
        seed: Chooses the subsamples.
        samples: Number of clips that ``score`` will be given; sizes the floor.
    """

    def __init__(
        self, dataset: Dataset, spec: AudioSpec, seed: int, samples: int = 2_000
    ) -> None:
        rng = np.random.default_rng(seed)  # private: measuring must not touch training's numbers
        self.spec, self.dataset = spec, dataset
        self._random = RandomFeatures(spec.channels)
        train = self._take(dataset.train, _FIT, rng)
        held_out = self._take(dataset.held_out, _REFERENCE, rng)
        super().__init__(
            train, topped_up(held_out, _ENOUGH, train), self._random.weights(len(train)), samples,
            rng,
        )

    def features(self, items: torch.Tensor) -> Blocks:
        """Return the features of clips (n, frames, depth)."""
        shape = (*items.shape[:2], self.spec.channels, self.spec.bins)
        sound = items[..., :-1].reshape(shape).permute(0, 2, 3, 1)
        return self._random(sound.clamp(-_RANGE, _RANGE) / _RANGE)

    def loss(self, generator: torch.nn.Module) -> None:
        """Return None: there is no likelihood."""

    def notes(self, items: torch.Tensor) -> dict[str, float]:
        """Return the mean length of clips in seconds."""
        inside = (items[..., -1] > 0).float().sum(1).mean()
        return {"seconds_a_clip": float(inside) * self.spec.hop / self.spec.rate}

    def _take(self, indices: np.ndarray, most: int, rng: np.random.Generator) -> Blocks:
        chosen = np.sort(rng.choice(indices, min(most, len(indices)), replace=False))
        found = []
        for start in range(0, len(chosen), _CHUNK):
            taken = self.dataset.take(chosen[start : start + _CHUNK])
            items = to_items(
                torch.from_numpy(taken["samples"]), torch.from_numpy(taken["lengths"]), self.spec
            )
            found.append(self.features(items))
        return [torch.cat(block) for block in zip(*found, strict=True)]
