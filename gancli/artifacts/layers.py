"""The layers of networks, which torch runs once to see what they give and cost."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch

from gancli.artifacts.networks import planned_networks
from gancli.layers.summary import LayerRow, layer_table
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT
from gancli.phases.base import Networks
from gancli.sampling.request import SampleRequest


def describe_layers(
    modality: Modality[SpecT, ConfigT, OptionsT], spec: SpecT, config: ConfigT, run: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return the layers of the networks of a spec and a config, whatever their weights are.

    Args:
        modality, spec, config: What is trained.
        run: Whether to run the networks once, as output shapes and multiply-adds need; that takes
            seconds where a generator makes its item in many steps. The random numbers of a
            training that goes on are left as they are.

    Raises:
        GancliError: The config leaves a size open.
    """
    planned = planned_networks(modality.trainable(), spec, config)
    if not run:
        return _as_facts({
            name: layer_table(network, lambda: None) for name, network in planned.named().items()
        })
    with torch.random.fork_rng(devices=[]):
        networks = modality.trainable().build(spec, config)
    for network in networks.named().values():
        network.eval()
    return layer_tables(modality, spec, config, networks)


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
    return _as_facts(tables)


def _as_facts(tables: Mapping[str, list[LayerRow]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [asdict(row) for row in table] for name, table in tables.items()}
