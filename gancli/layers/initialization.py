"""First weights, by name."""

from torch import nn


def initialize(layer: nn.Module, kind: str, slope: float) -> None:
    """Set the weights of a convolution or a linear layer; ``torch`` leaves them as they are.

    ``normal`` is DCGAN's N(0, .02). ``he`` keeps the signal's size where no normalization does
    (He et al. 2015, arXiv 1502.01852); transposed convolutions stay torch's own, since a
    normalization follows them.

    Args:
        layer: Not under a weight norm yet, whose weight is computed and cannot be set.
        kind: ``he``, ``normal`` or ``torch``.
        slope: Of the leaky ReLU after it.
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
    """Set the scale of batch norm to N(1, .02), as DCGAN does."""
    if isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
