"""The layers of a model's networks, which torch runs once to see them."""

from dataclasses import asdict
from typing import Any

import torch

from gancli.layers.summary import layer_table
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT
from gancli.phases.base import Networks
from gancli.sampling.request import SampleRequest


@torch.no_grad()
def layer_tables(
    modality: Modality[SpecT, ConfigT, OptionsT], spec: SpecT, config: ConfigT, networks: Networks
) -> dict[str, list[dict[str, Any]]]:
    """Return the layers of both networks, as one item passes through them."""
    trainable, codec = modality.trainable(), modality.codec()(spec, config)
    inputs = codec.inputs([SampleRequest(0)], modality.options_type())
    tensors = {name: torch.from_numpy(array) for name, array in inputs.named().items()}
    items = trainable.generate(networks.generator, tensors)
    labels = tensors.get("labels")
    tables = {
        "generator": layer_table(
            networks.generator, lambda: trainable.generate(networks.generator, tensors)
        ),
        "discriminator": layer_table(
            networks.discriminator, lambda: networks.discriminator(items, labels)
        ),
    }
    return {name: [asdict(row) for row in table] for name, table in tables.items()}
