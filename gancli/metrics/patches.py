"""Features of images from whitened patches of the training images, which need no training.

Source: Coates, Ng and Lee 2011, "An analysis of single-layer networks in unsupervised feature
learning"; that patches drawn at random do nearly as well as learned ones is from Coates and Ng
2011, "The importance of encoding versus training with sparse coding and vector quantization".
"""

import torch
from torch.nn import functional as F

_SEED = 20191  # fixed, so that scores of different runs are comparable
_FILTERS = 64  # four times as many follow a judge a little better, and take four times as long
_PATCHES = 20_000  # that the whitening is fitted to
_PART = 4  # a patch has this part of the image's side
_STEPS = 16  # patches along a side, nearly
_THRESHOLD = 0.5  # of a response, as the source has it
_SMALLEST = 10 / 127.5  # a deviation within a patch below this counts as none
_WHITENING = 0.1


class PatchFeatures:
    """Maps images (n, c, h, w) in [-1, 1] to how strongly each quarter shows each patch.

    Args:
        images: Training images, from which patches are drawn.
    """

    def __init__(self, images: torch.Tensor) -> None:
        rng = torch.Generator().manual_seed(_SEED)  # the global one belongs to training
        side = images.shape[-1]
        self._side = side // _PART
        self._stride = max(1, round(side / _STEPS))
        which = torch.randint(len(images), (_PATCHES,), generator=rng)
        rows, columns = torch.randint(side - self._side + 1, (2, _PATCHES), generator=rng)
        reach = torch.arange(self._side)
        patches = images.permute(0, 2, 3, 1)[
            which[:, None, None],
            (rows[:, None] + reach)[:, :, None],
            (columns[:, None] + reach)[:, None, :],
        ].permute(0, 3, 1, 2).flatten(1)
        patches = patches - patches.mean(1, keepdim=True)
        patches = patches / (patches.var(1, keepdim=True) + _SMALLEST**2).sqrt()
        self._mean = patches.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov(patches.T))
        whiten = vectors / (values.clamp_min(0) + _WHITENING).sqrt() @ vectors.T
        filters = (patches[:_FILTERS] - self._mean) @ whiten
        filters = filters / filters.norm(dim=1, keepdim=True).clamp_min(1e-6)
        kernels = filters @ whiten
        self._offset = kernels @ self._mean
        self._kernels = kernels.view(len(kernels), -1, self._side, self._side)

    @torch.no_grad()
    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (n, 8 x filters) of images as those that the patches are of."""
        # A patch is divided by its deviation; filters sum to 0, so its mean plays no part.
        count = self._kernels[0].numel()
        ones = torch.ones_like(self._kernels[:1])
        mean = F.conv2d(images, ones, stride=self._stride) / count
        power = F.conv2d(images.square(), ones, stride=self._stride) / count
        variance = (power - mean.square()).clamp_min(0) * count / (count - 1)
        response = F.conv2d(images, self._kernels, stride=self._stride)
        response /= (variance + _SMALLEST**2).sqrt()
        response -= self._offset[:, None, None]
        signs = torch.cat([response, -response], 1).sub_(_THRESHOLD).clamp_min_(0)
        return F.adaptive_avg_pool2d(signs, 2).flatten(1)
