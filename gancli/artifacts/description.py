"""What a model or a run is, as facts for ``gancli info``."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from gancli.artifacts.model import AnyModel
from gancli.artifacts.networks import load_networks, parameter_counts, planned_networks
from gancli.artifacts.record import CONFIG, read_toml
from gancli.artifacts.run import read_metrics
from gancli.config import to_table
from gancli.layers.summary import LayerRow, layer_table
from gancli.modalities.base import AnyModality
from gancli.phases.base import Networks
from gancli.sampling.request import SampleRequest
from gancli.storage import checkpoints


def describe_model(model: AnyModel, layers: bool) -> dict[str, Any]:
    """Return a model's facts.

    Args:
        model: The model.
        layers: Whether to run both networks once for a table of their layers.
    """
    networks = planned_networks(model.modality.trainable(), model.spec, model.config)
    facts: dict[str, Any] = {
        "modality": model.modality.name,
        "figures": dict(model.metrics),
        "provenance": dict(model.provenance),
        "parameters": parameter_counts(networks),
        "spec": asdict(model.spec),
        "config": to_table(model.config),
    }
    if layers:
        networks = load_networks(model)
        facts["layers"] = _layers(model.modality, model.spec, model.config, networks)
    return facts


def describe_layers(
    modality: AnyModality, spec: Any, config: Any, run: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return the layers of the networks of a spec and a config, whatever their weights are.

    Args:
        modality, spec, config: What is trained.
        run: Whether to run the networks once, as output shapes and multiply-adds need; that takes
            seconds where a generator makes its item in many steps. The random numbers of a
            training that goes on are left as they are.
    """
    if not run:
        networks = planned_networks(modality.trainable(), spec, config)
        return _tables({
            name: layer_table(network, lambda: None) for name, network in networks.named().items()
        })
    with torch.random.fork_rng(devices=[]):
        networks = modality.trainable().build(spec, config)
    for network in networks.named().values():
        network.eval()
    return _layers(modality, spec, config, networks)


@torch.no_grad()
def _layers(
    modality: AnyModality, spec: Any, config: Any, networks: Networks
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
    return _tables(tables)


def _tables(tables: Mapping[str, list[LayerRow]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [asdict(row) for row in table] for name, table in tables.items()}


def describe_run(path: Path) -> dict[str, Any]:
    """Return a run's facts; it may be in training now, or of a version with other options."""
    table = read_toml(path / CONFIG)
    record, spec = table.pop("run", {}), table.pop("spec", {})
    lines = read_metrics(path)
    scored = [line for line in lines if isinstance(line.get("score"), float)]
    figures: dict[str, Any] = {"step": max((line["step"] for line in lines), default=0)}
    if scored:
        figures["score"] = scored[-1]["score"]
    best = [line for line in scored if line.get("best")]
    if best:
        figures |= {"best": best[-1]["score"],
                    "best_step": best[-1].get("best_step", best[-1]["step"])}
    return {
        "run": {"path": str(path), **record},
        "figures": figures,
        "checkpoints": {
            "steps": checkpoints.steps(path / "checkpoints"),
            "finished": (path / "model").is_dir(),
        },
        "spec": spec,
        "config": table,
    }
