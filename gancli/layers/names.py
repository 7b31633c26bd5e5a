"""Names of the layers, separate from their code so that ``--help`` need not import torch."""

NORMALIZATIONS = ("batch", "none", "spectral", "instance", "group", "layer")
# A discriminator has no code to be modulated by.
G_NORMALIZATIONS = ("modulated", *NORMALIZATIONS)
ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "elu", "gelu", "silu")
OUTPUTS = ("tanh", "sigmoid", "none")
UP_SAMPLERS = ("transposed", "nearest", "shuffle")
DOWN_SAMPLERS = ("stride", "max", "average")
HEADS = ("flatten", "pool")
CELLS = ("lstm", "gru", "rnn", "transformer")


def needs_bias(name: str) -> bool:
    """Return whether a convolution before this normalization needs a bias: nothing removes it."""
    return name in ("none", "spectral")
