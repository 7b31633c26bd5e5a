"""What happens when training goes wrong: back to the last good state, and in the end to stop."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from torch import nn
from torch.optim import Optimizer

from gancli.config import TrainConfig, options
from gancli.errors import DIVERGED, GancliError
from gancli.storage import checkpoints
from gancli.storage.checkpoints import Checkpoint
from gancli.training.monitor import Monitor
from gancli.training.state import Progress, progress_of

_MAX_ROLL_BACKS = 3
_RATES = ("lr", "g_lr", "d_lr")  # options, where a modality has them


class Diverged(GancliError):
    """Training could not be kept on course, or ended with nothing of use.

    Args:
        message: What went wrong.
        config: Of the training, whose options the hint names.
    """

    def __init__(self, message: str, config: TrainConfig) -> None:
        flags = [each.flag for each in options(type(config)) if each.name in _RATES]
        rates = f"a lower {' and '.join(flags)}, or " if flags else ""
        super().__init__(message, f"Try {rates}another --preset.", DIVERGED)


def may_roll_back(progress: Progress, fraction: float) -> bool:
    """Return whether to try again: not for ever, and only with a good state or a budget left.

    Args:
        progress: Of the training in trouble.
        fraction: Of the budget that will be spent after it: a clock does not go back.
    """
    return progress.attempt < _MAX_ROLL_BACKS and (
        progress.quality.best_step is not None or fraction < 1
    )


def best(
    root: Path, quality: Monitor, phases: int, warn: Callable[[str], None]
) -> Checkpoint | None:
    """Return the checkpoint of the best generator, unless there is none or it is damaged.

    Args:
        root: The run's checkpoints.
        quality: Says which it is; forgets one that is damaged.
        phases: How many the training has.
        warn: Receives a warning if it is damaged.
    """
    if quality.best_step is None:
        return None
    try:
        checkpoint = checkpoints.load(root, quality.best_step)
        progress_of(checkpoint, phases)
        return checkpoint
    except checkpoints.Damaged as error:
        warn(f"{error.message} It held the best generator; the newest counts.")
        quality.forget_best()
        return None


def without_best(root: Path, lost: bool, warn: Callable[[str], None]) -> Checkpoint:
    """Return the checkpoint to go back to where there is no best one.

    If one was lost, that is the newest. If no generator was ever known to be good, it is the
    oldest, the start of training, since a newer one may hold what went wrong.

    Args:
        root: The run's checkpoints.
        lost: Whether there was a best one.
        warn: Receives a warning for each damaged one that is passed over.

    Raises:
        GancliError: None is intact.
    """
    for step in sorted(checkpoints.steps(root), reverse=lost):
        try:
            return checkpoints.load(root, step)
        except GancliError as error:
            warn(error.message)
    raise GancliError("No checkpoint of this run is intact.", "Start a new run.")


def trained_together(
    networks: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]
) -> dict[str, nn.Module]:
    """Return the networks without a discriminator that a phase leaves as it was last fitted."""
    idle = {"discriminator"} - optimizers.keys()
    return {name: network for name, network in networks.items() if name not in idle}


def weights_finite(networks: Iterable[nn.Module]) -> bool:
    """Return whether all numbers that networks hold are finite."""
    tensors = (each for network in networks for each in network.state_dict().values())
    return all(bool(tensor.isfinite().all()) for tensor in tensors)


def carry_over(before: Progress, now: Progress) -> None:
    """Bring counters up to date that have just come from a checkpoint.

    Args:
        before: Those of the training in trouble.
        now: Those that it goes on from; changed in place.
    """
    now.attempt, now.lr_scale = before.attempt + 1, before.lr_scale / 2
    now.seconds = now.saved_at = before.seconds
    # A phase that was over stays over: its best generator is what the others went on with.
    now.phase_ended = now.phase_ended or now.phase < before.phase
    now.quality.measuring_seconds = before.quality.measuring_seconds
    now.quality.forget_trouble()
