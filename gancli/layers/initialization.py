"""Initial weights, by name."""

from torch import nn


def initialize(layer: nn.Module, kind: str, slope: float) -> None:
    """Initialize a convolution or linear layer in place; other layers are left alone.

    ``torch`` keeps torch's own weights. ``normal`` draws them from N(0, 0.02), as DCGAN does
    (Radford et al. 2015, arXiv 1511.06434). ``he`` keeps the variance of activations without a
    normalization (He et al. 2015, arXiv 1502.01852); transposed convolutions keep torch's weights,
    since a normalization follows them.

    Args:
        layer: A layer without spectral norm yet, which would compute its weight from another.
        kind: ``he``, ``normal`` or ``torch``.
        slope: Negative slope of the leaky ReLU that follows.
    """
    if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        return
    if kind == "normal":
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif kind == "he" and isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, slope)
    elif kind == "he" and isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, 0.0, layer.in_features**-0.5)
    else:
        return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def normal_scale(layer: nn.Module) -> None:
    """Draw the scale of a batch norm from N(1, 0.02), as DCGAN does."""
    if isinstance(layer, nn.BatchNorm2d) and layer.affine:
        nn.init.normal_(layer.weight, 1.0, 0.02)
