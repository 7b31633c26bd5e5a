"""A training's whole state: what a checkpoint saves and a resumed run takes up."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from gancli.layers import weights
from gancli.storage.checkpoints import Checkpoint
from gancli.training.ema import Ema
from gancli.training.monitor import Monitor


@dataclass
class Progress:
    """Counters of a training.

    Args:
        step: Steps done.
        items: Items seen.
        seconds: Time trained, measuring and saving included.
        attempt: Roll-backs so far; part of the key of the random numbers.
        lr_scale: Factor on the learning rates, halved by each roll-back.
        phase: Number of the phase whose optimizers are saved.
        phase_start: Fraction of the budget at which that phase began.
        phase_ended: Whether that phase is over before its fraction is spent.
        saved_at: Seconds at the last checkpoint.
        quality: What the monitor knows.
    """

    step: int = 0
    items: int = 0
    seconds: float = 0.0
    attempt: int = 0
    lr_scale: float = 1.0
    phase: int = 0
    phase_start: float = 0.0
    phase_ended: bool = False
    saved_at: float = 0.0
    quality: Monitor = field(default_factory=Monitor)


def capture(
    progress: Progress,
    networks: Mapping[str, nn.Module],
    ema: Ema,
    optimizers: Mapping[str, Optimizer],
    fixed: Mapping[str, Any],
) -> Checkpoint:
    """Return the state as a checkpoint; ``fixed`` is what must not change over a run."""
    moments = {
        f"{name}.{index}.{key}": tensor
        for name, optimizer in optimizers.items()
        for index, values in optimizer.state_dict()["state"].items()
        for key, tensor in values.items()
    }
    arrays = {
        "networks": weights.joined(networks), "ema": weights.to_arrays(ema.network.state_dict())
    }
    if moments:
        arrays["optimizers"] = weights.to_arrays(moments)
    state = {"progress": asdict(progress), "fixed": dict(fixed)}
    return Checkpoint(progress.step, arrays, state)


def progress_of(checkpoint: Checkpoint) -> Progress:
    """Return the counters of a checkpoint."""
    table = dict(checkpoint.state["progress"])
    return Progress(**{**table, "quality": Monitor(**table["quality"])})


def restore(
    checkpoint: Checkpoint,
    networks: Mapping[str, nn.Module],
    ema: Ema,
    optimizers: Mapping[str, Optimizer],
) -> None:
    """Load a checkpoint's arrays into what the training computes with."""
    for name, network in networks.items():
        own = weights.below(checkpoint.arrays["networks"], name)
        # An earlier version did not have what only counts; it begins anew then.
        if own or any(True for _ in network.parameters()):
            weights.load(network, own)
    weights.load(ema.network, checkpoint.arrays["ema"])
    moments = checkpoint.arrays.get("optimizers", {})
    for name, optimizer in optimizers.items():
        own = weights.below(moments, name)
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        optimizer.state.clear()
        for index, parameter in enumerate(parameters):
            if values := weights.below(own, str(index)):
                optimizer.state[parameter] = {
                    key: _like(parameter, array) for key, array in values.items()
                }


def _like(parameter: torch.Tensor, array: np.ndarray) -> torch.Tensor:
    """Return an optimizer's tensor laid out in memory as its parameter is.

    The fused update walks all of them by address, so a moment in another layout would be
    applied to the wrong weights.
    """
    tensor = torch.tensor(array)
    if tensor.shape != parameter.shape:
        return tensor  # the step counter
    return torch.empty_like(parameter).copy_(tensor)
