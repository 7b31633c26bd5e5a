"""The layers of a model's networks, which torch runs once to see them."""

from dataclasses import asdict
from typing import Any

import torch

from gancli.artifacts.model import AnyModel
from gancli.artifacts.networks import load_networks
from gancli.layers.summary import layer_table
from gancli.sampling.request import SampleRequest


@torch.no_grad()
def layer_tables(model: AnyModel) -> dict[str, list[dict[str, Any]]]:
    """Return the layers of both networks, as one item passes through them."""
    modality, networks = model.modality, load_networks(model)
    trainable, codec = modality.trainable(), modality.codec()(model.spec, model.config)
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
