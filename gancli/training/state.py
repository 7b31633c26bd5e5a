"""A training's whole state: what a checkpoint saves and a resumed run takes up."""

import math
import typing
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from gancli.layers import weights
from gancli.storage.checkpoints import Checkpoint, Damaged
from gancli.training.budget import KINDS, Budget
from gancli.training.ema import Ema
from gancli.training.monitor import Monitor

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_COMPLETE = 3  # the first version of checkpoints in which each counter is there
_WITHOUT_PREVIOUS = 4  # the first that does not hold the score before the last
_MAX_PHASES = 8  # no modality has as many
TableT = TypeVar("TableT", bound="DataclassInstance")


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
        lr_start: How far along its learning rates that phase began, 0 to 1.
        budget: What the fractions are of; None in what an older version saved.
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
    lr_start: float = 0.0
    budget: Budget | None = None
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


def progress_of(checkpoint: Checkpoint, phases: int = _MAX_PHASES) -> Progress:
    """Return the counters of a checkpoint.

    Args:
        checkpoint: Whose files are intact, which does not say that they make sense.
        phases: Number of phases, where it is known.

    Raises:
        Damaged: They do not.
    """
    complete = checkpoint.version >= _COMPLETE
    try:
        if set(checkpoint.state) != {"progress", "fixed"}:
            raise ValueError("its state is of something else")
        table = dict(checkpoint.state["progress"])
        counters = dict(table.pop("quality"))
        if checkpoint.version < _WITHOUT_PREVIOUS:
            counters.pop("previous", None)
        quality = _checked(Monitor, counters, complete)
        if (budget := table.pop("budget", None)) is not None:
            budget = _checked(Budget, dict(budget), complete=True)
            if budget.kind not in KINDS or not budget.amount > 0:
                raise ValueError(f"its budget is {budget}")
        now = _checked(
            Progress, {**table, "quality": quality, "budget": budget}, complete
        )
        bounds = {"phase": phases - 1, "phase_start": 1, "lr_start": 1, "lr_scale": 1}
        for name, limit in bounds.items():
            if getattr(now, name) > limit:
                raise ValueError(f"its {name} is {getattr(now, name)}")
        if now.step != checkpoint.step or (quality.best_step or 0) > now.step:
            raise ValueError("its steps are not those of this checkpoint")
    except KeyError as error:
        raise Damaged(f"of step {checkpoint.step:,}", f"its state lacks {error}") from error
    except (ValueError, TypeError) as error:
        raise Damaged(f"of step {checkpoint.step:,}", str(error)) from error
    return now


def check(checkpoint: Checkpoint) -> None:
    """Check that a checkpoint makes sense, whatever it is of.

    Raises:
        Damaged: It does not.
    """
    progress_of(checkpoint)
    shapes_of(checkpoint)


def _checked(kind: type[TableT], table: Mapping[str, Any], complete: bool) -> TableT:
    """Return a dataclass of numbers from its JSON form.

    Raises:
        ValueError: A field is unknown, missing although it is ``complete``, or no such number.
    """
    hints = typing.get_type_hints(kind)
    known = {each.name for each in fields(kind)}
    wanted = known if complete else {
        each.name for each in fields(kind)
        if each.default is MISSING and each.default_factory is MISSING
    }
    for name in (set(table) - known) | (wanted - set(table)):
        raise ValueError(f"its state {'has' if name in table else 'lacks'} {name!r}")
    for name, value in table.items():
        if not _is(value, hints[name]):
            raise ValueError(f"its {name} is {value!r}")
    return kind(**table)


def _is(value: object, hint: Any) -> bool:
    """Return whether a JSON value is of a type; a number that must be there counts something."""
    if parts := typing.get_args(hint):
        if typing.get_origin(hint) is dict:
            return isinstance(value, dict) and all(_number(each) for each in value.values())
        return value is None or (_number(value) if float in parts else _is(value, parts[0]))
    if hint is int:
        return type(value) is int and 0 <= value < 1 << 62
    if hint is float:
        return _number(value) and math.isfinite(value) and value >= 0  # type: ignore[arg-type, operator]
    return isinstance(value, hint)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def shapes_of(checkpoint: Checkpoint) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what a model of a checkpoint would hold, under ``NETWORK.KEY``.

    Raises:
        Damaged: The average is not that of the generator.
    """
    groups = checkpoint.arrays
    if not {"networks", "ema"} <= groups.keys() <= {"networks", "ema", "optimizers"}:
        raise Damaged(f"of step {checkpoint.step:,}", f"it holds {', '.join(sorted(groups))}")
    shapes = {
        name: each.shape for name, each in groups["networks"].items()
        if name.startswith(("generator.", "discriminator."))
    }
    average = {f"generator.{name}": each.shape for name, each in groups["ema"].items()}
    if average != {name: each for name, each in shapes.items() if name.startswith("generator.")}:
        raise Damaged(f"of step {checkpoint.step:,}", "its averaged generator has another shape")
    return shapes


def restore(
    checkpoint: Checkpoint,
    networks: Mapping[str, nn.Module],
    ema: Ema,
    optimizers: Mapping[str, Optimizer],
) -> None:
    """Load a checkpoint's arrays into what the training computes with.

    Raises:
        Damaged: They do not fit it; nothing has been loaded.
    """
    moments = {name: _moments(checkpoint, name, each) for name, each in optimizers.items()}
    own = {name: weights.below(checkpoint.arrays["networks"], name) for name in networks}
    # An earlier version did not have what only counts; it begins anew then.
    present = {
        name: network for name, network in networks.items()
        if own[name] or any(True for _ in network.parameters())
    }
    for name, network in present.items():
        wanted = {key: tuple(each.shape) for key, each in network.state_dict().items()}
        if wanted != {key: each.shape for key, each in own[name].items()}:
            raise Damaged(f"of step {checkpoint.step:,}", f"its {name} has another shape")
    for name, network in present.items():
        weights.load(network, own[name])
    weights.load(ema.network, checkpoint.arrays["ema"])
    for name, optimizer in optimizers.items():
        optimizer.state.clear()
        optimizer.state.update(moments[name])


def _moments(
    checkpoint: Checkpoint, name: str, optimizer: Optimizer
) -> dict[torch.Tensor, dict[str, torch.Tensor]]:
    """Return an optimizer's state, by those of its parameters that it has stepped."""
    arrays = weights.below(checkpoint.arrays.get("optimizers", {}), name)
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    found: dict[torch.Tensor, dict[str, torch.Tensor]] = {}
    for index, parameter in enumerate(parameters):
        if values := weights.below(arrays, str(index)):
            shapes = {key: each.shape for key, each in values.items()}
            like = tuple(parameter.shape)
            if shapes != {"step": (), "exp_avg": like, "exp_avg_sq": like}:
                raise Damaged(f"of step {checkpoint.step:,}", f"its moments of {name} do not fit")
            found[parameter] = {key: _like(parameter, each) for key, each in values.items()}
    return found


def _like(parameter: torch.Tensor, array: np.ndarray) -> torch.Tensor:
    """Return an optimizer's tensor laid out in memory as its parameter is.

    The fused update walks all of them by address, so a moment in another layout would be
    applied to the wrong weights.
    """
    tensor = torch.tensor(array, device=parameter.device)
    if tensor.shape != parameter.shape:
        return tensor  # the step counter
    return torch.empty_like(parameter).copy_(tensor)
