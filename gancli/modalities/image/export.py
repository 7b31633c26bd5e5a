"""What the file of an exported generator of pictures says of itself."""

import json
from collections.abc import Mapping

import torch
from torch import nn

from gancli.modalities.base import Graph, whole_generator
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec


def graph(
    generator: nn.Module, spec: ImageSpec, config: ImageConfig, inputs: Mapping[str, torch.Tensor]
) -> Graph:
    """Return the whole generator."""
    labels = " and labels (n,) int64, numbers of classes," if spec.classes else ""
    usage = (
        f"z (n, {config.latent}) float32, normal noise,{labels} to items "
        f"(n, {spec.depth}, {spec.size}, {spec.size}), pictures of {spec.channels} in [-1, 1]: "
        "pixels are (items + 1) * 127.5, rounded and clipped to 0 to 255."
    )
    return whole_generator(
        generator, inputs, {"usage": usage, "classes": json.dumps(spec.classes)}
    )
