"""What a model or a run is, as facts for ``gancli info``."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gancli import modalities
from gancli.artifacts import arrays
from gancli.artifacts.finding import finished_model
from gancli.artifacts.model import AnyModel
from gancli.artifacts.outlook import Outlook, meaning
from gancli.artifacts.record import CONFIG, read_toml
from gancli.artifacts.run import read_metrics
from gancli.config import to_table
from gancli.errors import GancliError
from gancli.storage import checkpoints


def describe_model(model: AnyModel, layers: bool) -> dict[str, Any]:
    """Return a model's facts.

    Args:
        model: The model.
        layers: Whether to run both networks once for a table of their layers.
    """
    facts: dict[str, Any] = {
        "modality": model.modality.name,
        "figures": _figures(model),
        "score": _score(Outlook.of_figures(model.metrics), model.modality.name),
        "provenance": dict(model.provenance),
        "parameters": _parameter_counts(model),
        "spec": asdict(model.spec),
        "config": to_table(model.config),
    }
    if layers:
        from gancli.artifacts.layers import layer_tables  # torch
        from gancli.artifacts.networks import load_networks

        facts["layers"] = layer_tables(
            model.modality, model.spec, model.config, load_networks(model)
        )
    return facts


def _score(outlook: Outlook, modality_name: object) -> dict[str, str]:
    """Return what the score is, and how far the training is from done, in sentences."""
    known = modality_name in modalities.names()
    return {
        **({"meaning": meaning(modalities.get(str(modality_name)))} if known else {}),
        "done_when": outlook.done_when,
    }


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
    if not isinstance(record, dict) or not isinstance(spec, dict):
        raise GancliError(
            f"{path / CONFIG} is damaged: its run and spec are not tables.", "Restore it."
        )
    lines, saved = read_metrics(path), checkpoints.steps(path / "checkpoints")
    figures = _logged(lines, saved)
    # The log of an older run lacks the floor, and no log has what is measured at the end.
    with suppress(GancliError):
        finished = finished_model(path)
        figures |= {} if finished is None else _figures(finished)
    outlook = Outlook.of_log(lines, figures.get("floor"))
    figures |= outlook.figures
    return {
        "run": {"path": str(path), **record},
        "figures": figures,
        "score": _score(outlook, record.get("modality")),
        "checkpoints": {
            "steps": saved,
            "finished": _finished(path),
        },
        "spec": spec,
        "config": table,
    }


def _figures(model: AnyModel) -> dict[str, Any]:
    warnings = {"warnings": list(model.warnings)} if model.warnings else {}
    return {**model.metrics, **warnings}


def _logged(lines: Sequence[Mapping[str, Any]], saved: Sequence[int]) -> dict[str, Any]:
    """Return what a run's log and checkpoints tell, under the names that its model has for it."""
    figures: dict[str, Any] = {"steps": max([0, *saved, *(line["step"] for line in lines)])}
    for line in lines:
        figures |= {name: line[name] for name in ("items", "seconds") if name in line}
    scored = [line for line in lines if isinstance(line.get("score"), float)]
    if bests := [line for line in scored if line.get("best")]:
        best = bests[-1]
        figures |= {"score": best["score"], "best_step": best.get("best_step", best["step"])}
        figures |= {"diversity": best["diversity"]} if "diversity" in best else {}
    if scored:
        last = scored[-1]
        figures |= {"last_score": last["score"]}
        figures |= {name: last[name] for name in ("floor", "held_out") if name in last}
    return figures


def _finished(run: Path) -> bool:
    """Return whether there is a model of all that was trained."""
    try:
        return finished_model(run) is not None
    except GancliError:
        return False
