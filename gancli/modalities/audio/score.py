"""The monitor's figure for sounds: a Frechet distance on log-mel spectrograms."""

import numpy as np
import torch

from gancli.data.dataset import Dataset
from gancli.metrics.diversity import spread_ratio
from gancli.metrics.frechet import Gaussian, distance, fit, sampling_floor
from gancli.metrics.projection import Projection
from gancli.metrics.random_features import RandomFeatures
from gancli.modalities.audio.mel import to_items
from gancli.modalities.audio.spec import AudioSpec

_FIT = 2_000  # clips of the training half that fix the projection
_REFERENCE = 2_000  # held-out clips to compare with
_ENOUGH = 256  # fewer are topped up from the training half
_CHUNK = 100
_RANGE = 4.0  # deviations of a band that are told apart


class AudioScorer:
    """Measures generated against held-out clips; smaller is better.

    The score is the Frechet distance in percent of real clips' variance, on random convolutional
    features of the log-mel spectrogram taken as a picture: 0 for the same distribution.

    Args:
        dataset: The clips.
        spec: What they fixed.
        seed: Chooses the subsamples.
        samples: Number of clips that ``score`` will be given; sizes the floor.

    Attributes:
        floor: Score that as many real clips would have.
    """

    def __init__(
        self, dataset: Dataset, spec: AudioSpec, seed: int, samples: int = 2_000
    ) -> None:
        rng = np.random.default_rng(seed)  # private: measuring must not touch training's numbers
        self.spec, self.dataset = spec, dataset
        self._features = RandomFeatures(spec.channels)
        self._last: tuple[torch.Tensor, Gaussian | None] | None = None
        train = self._take(dataset.train, _FIT, rng)
        held_out = self._take(dataset.held_out, _REFERENCE, rng)
        missing = max(_ENOUGH - len(held_out[0]), 0)
        held_out = [torch.cat((h, t[:missing])) for h, t in zip(held_out, train, strict=True)]
        self._projection = Projection(train, RandomFeatures.weights(len(train)))
        real = self._projection(held_out)
        self._real = fit(real)
        self.floor = 100.0 * sampling_floor(real, samples, rng)

    def score(self, items: torch.Tensor) -> float:
        """Return the distance of items (n, frames, depth); inf if any is not finite."""
        found = self._fitted(items)
        return float("inf") if found is None else 100.0 * distance(found, self._real)

    def diversity(self, items: torch.Tensor) -> float:
        """Return the spread of items over that of real ones; 0 if any is not finite."""
        found = self._fitted(items)
        return 0.0 if found is None else spread_ratio(found, self._real)

    def loss(self, generator: torch.nn.Module) -> None:
        """Return None: there is no likelihood."""

    def notes(self, items: torch.Tensor) -> dict[str, float]:
        """Return the mean length of clips in seconds."""
        inside = (items[..., -1] > 0).float().sum(1).mean()
        return {"seconds_a_clip": float(inside) * self.spec.hop / self.spec.rate}

    def _fitted(self, items: torch.Tensor) -> Gaussian | None:
        """Return the Gaussian of items; asked twice for the same ones, it looks once."""
        if self._last is None or self._last[0] is not items:
            found = None
            if len(items) and bool(torch.isfinite(items).all()):
                found = fit(self._projection(self._features(self._pictures(items))))
            self._last = items, found
        return self._last[1]

    def _pictures(self, items: torch.Tensor) -> torch.Tensor:
        """Return items as pictures (n, channels, bins, frames) in [-1, 1]."""
        shape = (*items.shape[:2], self.spec.channels, self.spec.bins)
        sound = items[..., :-1].reshape(shape).permute(0, 2, 3, 1)
        return sound.clamp(-_RANGE, _RANGE) / _RANGE

    def _take(
        self, indices: np.ndarray, most: int, rng: np.random.Generator
    ) -> list[torch.Tensor]:
        chosen = np.sort(rng.choice(indices, min(most, len(indices)), replace=False))
        found = []
        for start in range(0, len(chosen), _CHUNK):
            taken = self.dataset.take(chosen[start : start + _CHUNK])
            items = to_items(
                torch.from_numpy(taken["samples"]), torch.from_numpy(taken["lengths"]), self.spec
            )
            found.append(self._features(self._pictures(items)))
        return [torch.cat(block) for block in zip(*found, strict=True)]
