"""What a model or a run is, as facts for ``gancli info``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from gancli.artifacts.model import Model
from gancli.artifacts.run import CONFIG, METRICS, read_table
from gancli.config import to_table
from gancli.layers.summary import layer_table
from gancli.storage import checkpoints


def describe_model(model: Model, layers: bool) -> dict[str, Any]:
    """Return a model's facts.

    Args:
        model: The model.
        layers: Whether to run both networks once for a table of their layers.
    """
    found: dict[str, Any] = {
        "modality": model.modality.name,
        "figures": dict(model.metrics),
        "provenance": dict(model.provenance),
        "parameters": {
            name: sum(each.numel() for each in network.parameters())
            for name, network in model.networks.items()
        },
        "spec": asdict(model.spec),
        "config": to_table(model.config),
    }
    if layers:
        found["layers"] = _layers(model)
    return found


@torch.no_grad()
def _layers(model: Model) -> dict[str, list[dict[str, Any]]]:
    """Return the layers of both networks, as one item passes through them."""
    generator, discriminator = model.networks["generator"], model.networks["discriminator"]
    arrays = model.modality.generator_inputs(
        [0], model.spec, model.config, model.modality.sample_config_type()
    )
    inputs = {name: torch.from_numpy(array) for name, array in arrays.items()}
    # A generator's conditions besides its noise, such as labels, are the discriminator's too.
    judged = {"": generator(**inputs)} | {
        name: value for name, value in inputs.items() if not value.is_floating_point()
    }
    return {
        "generator": [asdict(row) for row in layer_table(generator, inputs)],
        "discriminator": [asdict(row) for row in layer_table(discriminator, judged)],
    }


def describe_run(path: Path) -> dict[str, Any]:
    """Return a run's facts; it may be in training at the same time."""
    table = read_table(path / CONFIG)
    record, spec = table.pop("run", {}), table.pop("spec", {})
    steps = checkpoints.steps(path / "checkpoints")
    lines = _log(path / METRICS)
    scored = [line for line in lines if isinstance(line.get("score"), float)]
    figures: dict[str, Any] = {"step": max((line["step"] for line in lines), default=0)}
    if scored:
        figures["score"] = scored[-1]["score"]
    kept = [line for line in scored if line.get("best")]
    if kept:
        figures |= {"best": kept[-1]["score"],
                    "best_step": kept[-1].get("best_step", kept[-1]["step"])}
    return {
        "run": {"path": str(path), **record},
        "figures": figures,
        "checkpoints": {"steps": steps, "finished": (path / "model").is_dir()},
        "spec": spec,
        "config": table,
    }


def _log(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; the last may be cut short while a training writes it."""
    found = []
    try:
        text = path.read_text()
    except FileNotFoundError:
        return []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            found.append(entry)
    return found
