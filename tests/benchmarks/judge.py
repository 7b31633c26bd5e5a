"""A judge of quality that shares nothing with the tool's own score: a trained classifier.

The Frechet distance is taken on its 64 features before the last layer, and scaled so that noise
is at 99. Run by hand, never by pytest.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from gancli.metrics.frechet import frechet_distance
from gancli.metrics.manifold import manifold

NOISE = 99.0


class Classifier(nn.Module):
    """Pictures (n, c, size, size) in [-1, 1] to 64 features and class logits."""

    def __init__(self, depth: int, size: int, classes: int) -> None:
        super().__init__()
        layers, inputs = [], depth
        for stage in range(4 if size >= 64 else 3):
            outputs = min(32 * 2**stage, 128)
            for stride, source in ((1, inputs), (2, outputs)):
                layers += [
                    nn.Conv2d(source, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU()
                ]
            inputs = outputs
        self.features = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 64)
        )
        self.classify = nn.Linear(64, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classify(F.relu(self.features(x)))


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """Return uint8 (n, h, w, c) as float (n, c, h, w) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2) / 127.5 - 1


class Judge:
    """A classifier trained on the training half, kept in ``folder`` for the next time.

    Args:
        pixels, labels: All items: uint8 (n, h, w, c) and int64 (n,).
        train, held_out: Indices of the two parts.
        folder: Where trained judges lie.
    """

    def __init__(
        self, pixels: np.ndarray, labels: np.ndarray, train: np.ndarray, held_out: np.ndarray,
        folder: Path,
    ) -> None:
        self.network = Classifier(pixels.shape[3], pixels.shape[1], int(labels.max()) + 1)
        key = hashlib.sha256(pixels[:: max(1, len(pixels) // 500)].tobytes()).hexdigest()[:16]
        path = folder / f"judge-{pixels.shape[1]}-{key}.safetensors"
        if path.exists():
            self.network.load_state_dict(load_file(path))
        else:
            self._fit(pixels, labels, train)
            folder.mkdir(parents=True, exist_ok=True)
            save_file(self.network.state_dict(), path)
        self.network.eval()
        right = self._predict(pixels[held_out]) == labels[held_out]
        self.accuracy = float(right.mean())
        # Too few held-out pictures have no covariance to speak of; all are the reference then.
        self.real = self.features(pixels[held_out] if len(held_out) >= 5000 else pixels)
        noise = np.random.default_rng(0).integers(0, 256, (5000, *pixels.shape[1:]), np.uint8)
        self.scale = 1.0
        self.scale = NOISE / self.distance(noise)
        half = np.random.default_rng(1).choice(train, min(len(train) // 2, 10_000), replace=False)
        self.floor = self.distance(pixels[half])

    def _fit(self, pixels: np.ndarray, labels: np.ndarray, train: np.ndarray) -> None:
        torch.manual_seed(0)
        random = np.random.default_rng(0)
        steps = 400 * 6 if len(train) > 20_000 else len(train) // 128 * 25
        optimizer = torch.optim.AdamW(self.network.parameters(), weight_decay=0.01)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
        for _ in range(steps):
            chosen = random.choice(train, 128, replace=False)
            x = to_tensor(pixels[chosen])
            x = x.flip(3) if random.random() < 0.5 else x
            x = torch.roll(x, tuple(random.integers(-2, 3, 2).tolist()), (2, 3))
            loss = F.cross_entropy(
                self.network(x), torch.from_numpy(labels[chosen]), label_smoothing=0.05
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()

    @torch.no_grad()
    def _predict(self, pixels: np.ndarray) -> np.ndarray:
        parts = range(0, len(pixels), 500)
        return np.concatenate(
            [self.network(to_tensor(pixels[at : at + 500])).argmax(1).numpy() for at in parts]
        )

    @torch.no_grad()
    def features(self, pixels: np.ndarray) -> np.ndarray:
        parts = range(0, len(pixels), 500)
        return np.concatenate(
            [self.network.features(to_tensor(pixels[at : at + 500])).numpy() for at in parts]
        )

    def distance(self, pixels: np.ndarray) -> float:
        """Return the scaled Frechet distance of pictures from the real reference."""
        return self.scale * frechet_distance(self.features(pixels), self.real)

    def coverage(self, pixels: np.ndarray) -> float:
        """Return the coverage (Naeem et al. 2020) of 2,000 real pictures by 2,000 made ones."""
        made = torch.from_numpy(self.features(pixels[:2000]))
        return float(manifold(torch.from_numpy(self.real[:2000]), made).coverage.mean())
