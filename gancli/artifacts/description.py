"""What a model or a run is, as facts for ``gancli info``."""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from gancli.artifacts.finding import finished_model
from gancli.artifacts.model import AnyModel, is_model, load
from gancli.artifacts.networks import load_networks, parameter_counts, planned_networks
from gancli.artifacts.record import CONFIG, read_toml
from gancli.artifacts.run import read_metrics
from gancli.config import to_table
from gancli.errors import GancliError
from gancli.layers.summary import layer_table
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT
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
        "figures": {
            **model.metrics, **({"warnings": list(model.warnings)} if model.warnings else {})
        },
        "provenance": dict(model.provenance),
        "parameters": parameter_counts(networks),
        "spec": asdict(model.spec),
        "config": to_table(model.config),
    }
    if layers:
        facts["layers"] = describe_layers(
            model.modality, model.spec, model.config, load_networks(model)
        )
    return facts


@torch.no_grad()
def describe_layers(
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


def describe_run(path: Path) -> dict[str, Any]:
    """Return a run's facts; it may be in training now, or of a version with other options."""
    table = read_toml(path / CONFIG)
    record, spec = table.pop("run", {}), table.pop("spec", {})
    if not isinstance(record, dict) or not isinstance(spec, dict):
        raise GancliError(
            f"{path / CONFIG} is damaged: its run and spec are not tables.", "Restore it."
        )
    lines = read_metrics(path)
    scored = [line for line in lines if isinstance(line.get("score"), float)]
    figures: dict[str, Any] = {"step": max((line["step"] for line in lines), default=0)}
    if scored:
        last = scored[-1]
        figures |= {name: last[name] for name in ("score", "floor") if name in last}
    best = [line for line in scored if line.get("best")]
    if best:
        figures |= {"best": best[-1]["score"],
                    "best_step": best[-1].get("best_step", best[-1]["step"])}
    # The log of an older run lacks the floor, and no log has what is measured at the end.
    with suppress(GancliError):
        metrics = load(path / "model").metrics if is_model(path / "model") else {}
        names = ("floor", "diversity", "guide_accuracy")
        figures |= {name: metrics[name] for name in names if name in metrics}
    return {
        "run": {"path": str(path), **record},
        "figures": figures,
        "checkpoints": {
            "steps": checkpoints.steps(path / "checkpoints"),
            "finished": _finished(path),
        },
        "spec": spec,
        "config": table,
    }


def _finished(run: Path) -> bool:
    """Return whether there is a model of all that was trained."""
    try:
        return finished_model(run) is not None
    except GancliError:
        return False
