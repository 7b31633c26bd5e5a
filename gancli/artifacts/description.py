"""What a model or a run is, as facts for ``gancli info``."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from gancli.artifacts import arrays
from gancli.artifacts.model import AnyModel
from gancli.artifacts.record import CONFIG, read_toml
from gancli.artifacts.run import read_metrics
from gancli.config import to_table
from gancli.storage import checkpoints


def describe_model(model: AnyModel, layers: bool) -> dict[str, Any]:
    """Return a model's facts.

    Args:
        model: The model.
        layers: Whether to run both networks once for a table of their layers.
    """
    facts: dict[str, Any] = {
        "modality": model.modality.name,
        "figures": dict(model.metrics),
        "provenance": dict(model.provenance),
        "parameters": _parameter_counts(model),
        "spec": asdict(model.spec),
        "config": to_table(model.config),
    }
    if layers:
        from gancli.artifacts.layers import layer_tables  # torch

        facts["layers"] = layer_tables(model)
    return facts


def _parameter_counts(model: AnyModel) -> dict[str, int]:
    """Return the number of weights of each network that are learned."""
    if model.modality.inference is not None:
        return arrays.parameter_counts(model)
    from gancli.artifacts import networks  # torch

    return networks.parameter_counts(
        networks.planned_networks(model.modality.trainable(), model.spec, model.config)
    )


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
