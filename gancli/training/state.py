"""A training's whole state: what a checkpoint saves and a resumed run takes up."""

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from gancli.storage.checkpoints import Checkpoint, Tensors
from gancli.training.ema import Ema
from gancli.training.monitor import Quality


@dataclass
class Progress:
    """Counters of a training.

    Args:
        step: Steps done.
        items: Items seen.
        seconds: Time trained, measuring and saving included.
        attempt: Roll-backs so far; part of the key of the random numbers.
        scale: Factor on the learning rates, halved by each roll-back.
        phase: Number of the phase whose optimizers are saved.
        start: Share of the budget at which that phase began.
        ended: Whether that phase is over before its share is spent.
        saved: Seconds at the last checkpoint.
        quality: What the monitor has found.
    """

    step: int = 0
    items: int = 0
    seconds: float = 0.0
    attempt: int = 0
    scale: float = 1.0
    phase: int = 0
    start: float = 0.0
    ended: bool = False
    saved: float = 0.0
    quality: Quality = field(default_factory=Quality)


def capture(
    progress: Progress,
    networks: dict[str, nn.Module],
    ema: Ema,
    optimizers: dict[str, Optimizer],
    fixed: dict[str, Any],
) -> Checkpoint:
    """Return the state as a checkpoint; ``fixed`` is what must not change over a run."""
    weights = {
        f"{name}.{key}": tensor
        for name, network in networks.items()
        for key, tensor in network.state_dict().items()
    }
    moments = {
        f"{name}.{index}.{key}": tensor
        for name, optimizer in optimizers.items()
        for index, values in optimizer.state_dict()["state"].items()
        for key, tensor in values.items()
    }
    tensors = {"networks": weights, "averaged": dict(ema.network.state_dict())}
    if moments:
        tensors["optimizers"] = moments
    return Checkpoint(progress.step, tensors, {"progress": asdict(progress), "fixed": fixed})


def progress_of(checkpoint: Checkpoint) -> Progress:
    """Return the counters of a checkpoint."""
    table = dict(checkpoint.state["progress"])
    return Progress(**{**table, "quality": Quality(**table["quality"])})


def restore(
    checkpoint: Checkpoint,
    networks: dict[str, nn.Module],
    ema: Ema,
    optimizers: dict[str, Optimizer],
) -> None:
    """Load a checkpoint's tensors into what the training computes with."""
    for name, network in networks.items():
        network.load_state_dict(_below(checkpoint.tensors["networks"], name))
    ema.network.load_state_dict(checkpoint.tensors["averaged"])
    moments = checkpoint.tensors.get("optimizers", {})
    for name, optimizer in optimizers.items():
        own = _below(moments, name)
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        optimizer.state.clear()
        for index, parameter in enumerate(parameters):
            values = _below(own, str(index))
            if values:
                optimizer.state[parameter] = {
                    key: _like(parameter, tensor) for key, tensor in values.items()
                }


def _below(tensors: Tensors, prefix: str) -> Tensors:
    start = prefix + "."
    return {key[len(start):]: each for key, each in tensors.items() if key.startswith(start)}


def _like(parameter: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """Return an optimizer's tensor laid out in memory as its parameter is.

    The fused update walks all of them by address, so a moment in another layout would be
    applied to the wrong weights.
    """
    if tensor.shape != parameter.shape:
        return tensor.clone()  # the step counter
    return torch.empty_like(parameter).copy_(tensor)
