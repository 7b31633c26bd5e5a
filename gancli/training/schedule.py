"""Which phase is due, and when quality is measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch.optim import Optimizer

from gancli.phases.base import Phase
from gancli.training.budget import Budget

_MEASURING_FRACTION = 0.05  # of the time
_MAX_POINTS = 20  # measurements in a run
_MAX_SAMPLES, _MIN_SAMPLES = 2_000, 256  # of one measurement
_LOSS_GROWTH = 0.1  # items between evaluations of the held-out loss, as a fraction of those seen
_ROUNDING = 1e-9  # of fractions: a step at the very end of a phase is the next one's


@dataclass(frozen=True)
class MeasurementSchedule:
    """When to measure, and on how many samples.

    A run of so many steps measures at fixed steps, so that the same run keeps the same best; a
    run against the clock measures as often as the clock allows.

    Args:
        budget: The run's budget.
        batch_size: Items in a step.
    """

    budget: Budget
    batch_size: int

    @property
    def points(self) -> int:
        """Measurements in a run, at most."""
        if self.budget.kind == "time":
            return _MAX_POINTS
        return int(max(1, min(_MAX_POINTS, self._items() // 4_000)))

    @property
    def samples(self) -> int:
        """Samples of one measurement: one costs less than half a training item's step."""
        if self.budget.kind == "time":
            return _MAX_SAMPLES
        samples = self._items() * _MEASURING_FRACTION * 2 / self.points
        return int(max(_MIN_SAMPLES, min(_MAX_SAMPLES, samples)))

    def _items(self) -> float:
        scale = self.batch_size if self.budget.kind == "steps" else 1
        return self.budget.amount * scale

    def due(
        self, fraction: float, last: float, seconds: float, measuring: float, measurement: float
    ) -> bool:
        """Return whether to measure now.

        Args:
            fraction: Of the budget that is spent.
            last: The same at the last measurement.
            seconds: Time trained so far.
            measuring: Time measured so far.
            measurement: Time that the last measurement took.
        """
        if int(fraction * self.points + 1e-9) <= int(last * self.points + 1e-9):
            return False
        if self.budget.kind != "time":
            return True
        return measuring + measurement <= _MEASURING_FRACTION * seconds

    def loss_due(self, items: int, last: int, epoch: int) -> bool:
        """Return whether to evaluate the held-out loss, where it decides when a phase ends.

        A small corpus is memorized within seconds, so this goes by items, the same ones in each
        run: an evaluation costs less than a twenty-fifth of an epoch where a tenth is held out.

        Args:
            items: Seen so far.
            last: Seen at the last evaluation.
            epoch: Items to train on.
        """
        return items - last >= max(epoch, _LOSS_GROWTH * last)


def phase_due(
    phases: Sequence[Phase], fraction: float, current: int, start: float, ended: bool
) -> tuple[int, float, float]:
    """Return the number of the phase that is due, and where in the budget it begins and ends.

    A phase that ended early leaves its rest to those after it, in the ratio of their fractions.

    Args:
        phases: All, in order.
        fraction: Of the budget that is spent.
        current: The phase that was last at work.
        start: Fraction of the budget at which it began.
        ended: Whether it is over before its fraction is spent.
    """
    last = len(phases) - 1
    while current < last:
        rest = sum(phase.fraction for phase in phases[current:])
        length = phases[current].fraction / rest * (1 - start)
        if not ended and fraction + _ROUNDING < start + length:
            return current, start, start + length
        current, start, ended = current + 1, fraction if ended else start + length, False
    return last, start, 1.0


def lr_progress(fraction: float, start: float, end: float, first: float) -> float:
    """Return how far along its learning rates a phase is, 0 to 1.

    Args:
        fraction: Of the budget that is spent.
        start, end: The same where the phase begins and ends; without a budget it is over at once.
        first: How far along it began.
    """
    spent = min((fraction - start) / (end - start), 1.0) if end > start else 1.0
    return first + (1 - first) * spent


def set_learning_rates(optimizers: Iterable[Optimizer], factor: float) -> None:
    """Set the rates to so much of those that the optimizers were made with."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
            group["lr"] = group["initial_lr"] * factor
