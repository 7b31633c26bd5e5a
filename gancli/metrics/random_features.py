"""Features of images from convolutions with fixed random weights, which need no download.

Random convolutional features separate textures and shapes well enough to compare distributions
(Saxe et al. 2011, "On random weights and unsupervised feature learning"); Naeem et al. 2020 use
them for generators of images unlike photographs.
"""

import torch
from torch.nn import functional as F

_SEED = 20191  # fixed, so that scores of different runs are comparable
_CHANNELS = (16, 32)
_TEXTURE = 0.7
_MAX_SIDE = 64  # pixels; larger images are averaged down, which bounds time and memory
_MIN_SIDE = 6  # pixels of the coarsest scale
CHUNK = 25  # images at a time: more of 64 px exceed the processor's cache (3 times slower)


class RandomFeatures:
    """Maps images to blocks of features.

    A block holds the image at 8x8; then, for each scale (full, half, quarter, ...), come the
    standard deviations over space after each of two convolutions (texture, sharpness) and the
    last one's activations at 2x2 (layout).

    Args:
        channels: 1 (gray), 3 (RGB) or 4 (RGBA) channels of the images.
    """

    def __init__(self, channels: int) -> None:
        rng = torch.Generator().manual_seed(_SEED)  # the global one belongs to training
        self._layers = []
        for inputs, outputs in zip((channels, *_CHANNELS), _CHANNELS, strict=False):
            self._layers.append(
                (
                    _orthogonal(outputs, inputs, rng),
                    0.1 * torch.randn(outputs, generator=rng),
                )
            )

    @staticmethod
    def weights(blocks: int) -> list[float]:
        """Return a weight for each of ``blocks`` blocks: layout counts more than texture.

        With equal weights, half of a 0.6 pixel blur scored as badly as an average missing class.
        """
        return [1.0] + [_TEXTURE, _TEXTURE, 1.0] * ((blocks - 1) // 3)

    @torch.no_grad()
    def __call__(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return blocks of shape (n, dims) for images (n, c, h, w) as :func:`visible` has them."""
        chunks = [self._chunk(chunk) for chunk in torch.split(images, CHUNK)]
        return [torch.cat(block) for block in zip(*chunks, strict=True)]

    def _chunk(self, x: torch.Tensor) -> list[torch.Tensor]:
        blocks = [F.adaptive_avg_pool2d(x, 8).flatten(1)]
        while min(x.shape[-2:]) >= _MIN_SIDE:
            h = x
            for stride, (weight, bias) in enumerate(self._layers, 1):
                # Zero padding would add a frame that outweighs the content of the image.
                h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="replicate"), weight, bias, stride)
                h = F.leaky_relu_(h, 0.2)
                blocks.append(_std(h))
            blocks.append(F.adaptive_avg_pool2d(h, 2).flatten(1))
            x = F.avg_pool2d(x, 2)
        return blocks


def _std(h: torch.Tensor) -> torch.Tensor:
    # From moments, since torch.std is slow along rows; single precision is enough here.
    flat = h.flatten(2)
    power = torch.linalg.vector_norm(flat, dim=2).square() / flat.shape[2]
    std: torch.Tensor = (power - flat.mean(dim=2).square()).clamp_min(0.0).sqrt()
    return std


def visible(x: torch.Tensor) -> torch.Tensor:
    """Return what is seen of images (n, c, h, w), uint8 or floats in [-1, 1], at most 64 px."""
    byte = x.dtype == torch.uint8
    x = x.detach().to("cpu", torch.float32)
    x = x / 127.5 - 1.0 if byte else x.clamp(-1.0, 1.0)
    if x.shape[1] == 4:  # colors count by their alpha: what is transparent is not seen
        color, alpha = x[:, :3], x[:, 3:]
        x = torch.cat(((color + 1) * (alpha + 1) / 2 - 1, alpha), dim=1)
    if max(x.shape[-2:]) > _MAX_SIDE:
        x = F.interpolate(x, size=[min(side, _MAX_SIDE) for side in x.shape[-2:]], mode="area")
    return x


def _orthogonal(outputs: int, inputs: int, rng: torch.Generator) -> torch.Tensor:
    """Return a 3x3 kernel with orthogonal rows or columns and He et al. 2015's variance."""
    fan_in = inputs * 9
    weight = torch.randn(max(outputs, fan_in), min(outputs, fan_in), generator=rng)
    weight = torch.linalg.qr(weight).Q  # orthonormal columns
    weight = weight.T if outputs <= fan_in else weight * (outputs / fan_in) ** 0.5
    kernel: torch.Tensor = (weight * 2**0.5).reshape(outputs, inputs, 3, 3)
    return kernel
