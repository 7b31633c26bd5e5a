"""Features of images from convolutions with fixed random weights, so without a download.

Random convolutional features separate textures and shapes well enough to compare distributions
(Saxe et al. 2011, "On random weights and unsupervised feature learning"); Naeem et al. 2020 use
them for generators of images unlike photographs.
"""

import torch
from torch.nn import functional as F

_SEED = 20191  # of the weights: fixed, so that scores of two runs compare
_CHANNELS = (16, 32)
_TEXTURE = 0.7
_LARGEST = 64  # pixels; larger images are averaged down, which bounds time and memory
_SMALLEST = 6  # pixels of the coarsest scale
CHUNK = 25  # images at a time: at 64 px more would leave the processor's cache (x3 slower)


class RandomFeatures:
    """Maps images to blocks of features.

    A block holds the image at 8x8; then, for each scale (full, half, quarter, ...), come the
    standard deviations over space after each of two convolutions (texture, sharpness) and the
    last one's activations at 2x2 (layout).

    Args:
        channels: 1 (grey), 3 (RGB) or 4 (RGBA) channels of the images.
    """

    def __init__(self, channels: int) -> None:
        generator = torch.Generator().manual_seed(_SEED)  # the global one belongs to training
        self._layers = []
        for inputs, outputs in zip((channels, *_CHANNELS), _CHANNELS, strict=False):
            self._layers.append(
                (
                    _orthogonal(outputs, inputs, generator),
                    0.1 * torch.randn(outputs, generator=generator),
                )
            )

    @staticmethod
    def weights(blocks: int) -> list[float]:
        """Return the weight of each of so many blocks: layout counts more than texture.

        At equal weights half of a 0.6 pixel blur was as bad as an average missing class.
        """
        return [1.0] + [_TEXTURE, _TEXTURE, 1.0] * ((blocks - 1) // 3)

    @torch.no_grad()
    def __call__(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return blocks of shape (n, dims) for images (n, c, h, w): uint8, or floats in [-1, 1]."""
        chunks = [self._chunk(_prepare(chunk)) for chunk in torch.split(images, CHUNK)]
        return [torch.cat(block) for block in zip(*chunks, strict=True)]

    def _chunk(self, x: torch.Tensor) -> list[torch.Tensor]:
        blocks = [F.adaptive_avg_pool2d(x, 8).flatten(1)]
        while min(x.shape[-2:]) >= _SMALLEST:
            h = x
            for stride, (weight, bias) in enumerate(self._layers, 1):
                # Zero padding would draw a frame that outweighs what is in the picture.
                h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="replicate"), weight, bias, stride)
                h = F.leaky_relu_(h, 0.2)
                blocks.append(_deviation(h))
            blocks.append(F.adaptive_avg_pool2d(h, 2).flatten(1))
            x = F.avg_pool2d(x, 2)
        return blocks


def _deviation(h: torch.Tensor) -> torch.Tensor:
    # By moments, as torch.std is slow along rows; single precision is ample here.
    flat = h.flatten(2)
    power = torch.linalg.vector_norm(flat, dim=2).square() / flat.shape[2]
    deviation: torch.Tensor = (power - flat.mean(dim=2).square()).clamp_min(0.0).sqrt()
    return deviation


def _prepare(x: torch.Tensor) -> torch.Tensor:
    byte = x.dtype == torch.uint8
    x = x.detach().to("cpu", torch.float32)
    x = x / 127.5 - 1.0 if byte else x.clamp(-1.0, 1.0)
    if x.shape[1] == 4:  # colors under transparency are not seen: what is measured is what is
        color, alpha = x[:, :3], x[:, 3:]
        x = torch.cat(((color + 1) * (alpha + 1) / 2 - 1, alpha), dim=1)
    if max(x.shape[-2:]) > _LARGEST:
        x = F.interpolate(x, size=[min(side, _LARGEST) for side in x.shape[-2:]], mode="area")
    return x


def _orthogonal(outputs: int, inputs: int, generator: torch.Generator) -> torch.Tensor:
    """Return a 3x3 kernel with orthogonal rows or columns and He et al. 2015's variance."""
    fan_in = inputs * 9
    weight = torch.randn(max(outputs, fan_in), min(outputs, fan_in), generator=generator)
    weight = torch.linalg.qr(weight).Q  # orthonormal columns
    weight = weight.T if outputs <= fan_in else weight * (outputs / fan_in) ** 0.5
    kernel: torch.Tensor = (weight * 2**0.5).reshape(outputs, inputs, 3, 3)
    return kernel
