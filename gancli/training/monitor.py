"""What the measurements say: which generator is the best, and whether training is in trouble."""

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

from gancli.training.measurement import Measurement

COLLAPSED = 0.1  # of real data's spread
_DIVERGED = 4.0  # times the best score
_LOSS_SLACK = 1.01  # times the smallest held-out loss
_PATIENCE = 3  # measurements in a row
_RISES = 2  # evaluations in a row whose held-out loss is above the smallest by the slack

_NOT_FINITE = "Training diverged: {} is not a finite number"


@dataclass(frozen=True)
class Decision:
    """What follows from a measurement.

    Args:
        best: The generator is the best so far, to be kept.
        overfits: More of the same phase would only memorize.
        trouble: What is wrong, so that training has to go back; or empty.
    """

    best: bool
    overfits: bool
    trouble: str = ""


@dataclass
class Monitor:
    """What the measurements have shown so far; all of it is in a checkpoint.

    Args:
        score, diversity: Of the last measurement.
        best_score, best_step, best_loss, best_diversity, best_notes: Of the best generator; it has
            no score yet if only its loss is known.
        loss, min_loss: Latest and smallest held-out loss, where there is one.
        rise_count: Evaluations in a row whose held-out loss was no longer near the smallest.
        divergence_count: Measurements in a row that diverged.
        collapse_count: Measurements in a row that collapsed.
        floor: Of the scorer that gave the scores: another floor means another measure.
        measured_at: Fraction of the budget at the last measurement.
        loss_items: Items seen when the held-out loss was last evaluated.
        measuring_seconds, measurement_seconds: Of all measurements, and of the last.
    """

    score: float | None = None
    diversity: float | None = None
    best_score: float | None = None
    best_step: int | None = None
    best_loss: float | None = None
    best_diversity: float | None = None
    best_notes: dict[str, float] = field(default_factory=dict)
    loss: float | None = None
    min_loss: float | None = None
    rise_count: int = 0
    divergence_count: int = 0
    collapse_count: int = 0
    floor: float | None = None
    measured_at: float = 0.0
    loss_items: int = 0
    measuring_seconds: float = 0.0
    measurement_seconds: float = 0.0

    def figures(self, settled: bool) -> dict[str, Any]:
        """Return what a :class:`gancli.reporting.Status` says of quality.

        Args:
            settled: Whether the best generator is the one that is kept, so that the last
                measurement, of a later one, is out of date.
        """
        if settled:
            latest = {"score": self.best_score, "held_out_loss": self.best_loss}
        else:
            latest = {"score": self.score, "held_out_loss": self.loss}
        return {**latest, "best": self.best_score, "floor": self.floor}

    def record(self, step: int, measurement: Measurement, *, latest: bool = False) -> Decision:
        """Record a measurement.

        Where there is a held-out loss, the score decides only among those that come near to the
        smallest: a better score does not count if the generator has begun to memorize, or to
        trade variety for it, and no longer counts once the generator has learned much more.

        Args:
            step: When it was made.
            measurement: What was measured.
            latest: Whether the latest of those that come near is the best, whatever its score.
        """
        score, diversity, loss = measurement.score, measurement.diversity, measurement.loss
        self.score, self.diversity = score, diversity
        if not isfinite(score) or not isfinite(loss or 0.0):
            what = "the held-out loss" if isfinite(score) else "the score"
            return Decision(False, False, _NOT_FINITE.format(what))
        collapsed, eligible = diversity < COLLAPSED, True
        # A collapsed generator is the best only while all are.
        limit = (self.best_collapsed, inf if self.best_score is None else self.best_score)
        if loss is not None:
            eligible = self._near_min(loss)
            assert self.min_loss is not None
            if self.best_loss is not None and self.best_loss > self.min_loss * _LOSS_SLACK:
                limit = (True, inf)  # the best so far is out
        best = eligible and (latest or (collapsed, score) < limit)
        self.collapse_count = self.collapse_count + 1 if collapsed else 0
        if best:
            self.best_score, self.best_step, self.best_diversity = score, step, diversity
            self.best_loss, self.best_notes = loss, measurement.notes
            self.divergence_count = 0
        else:
            self.divergence_count = self.divergence_count + 1 if self.diverges else 0
        return Decision(best, self.overfits, "" if best else self._trouble)

    def record_loss(self, step: int, loss: float) -> Decision:
        """Record a held-out loss in a phase that it alone decides.

        Learning by likelihood for longer makes better samples for some time after the held-out
        loss was smallest, so the latest that comes near to the smallest is the best.
        """
        if not isfinite(loss):
            return Decision(False, False, _NOT_FINITE.format("the held-out loss"))
        best = self._near_min(loss)
        if best:
            self.best_score, self.best_diversity = None, None
            self.best_step, self.best_loss = step, loss
        return Decision(best, self.overfits)

    def record_best(self, measurement: Measurement) -> Decision:
        """Record the score of a best generator of which only the loss was known."""
        if not isfinite(measurement.score):
            return Decision(False, False, _NOT_FINITE.format("the score"))
        self.score, self.diversity = measurement.score, measurement.diversity
        self.best_score, self.best_diversity = measurement.score, measurement.diversity
        self.best_notes = measurement.notes
        return Decision(True, False)

    @property
    def best_lost(self) -> bool:
        """Whether something was measured, but no generator is known to be the best."""
        return self.best_step is None and bool(self.measured_at or self.loss_items)

    def forget_best(self) -> None:
        """Let the next measurement be the best, since that of the best so far is lost."""
        self.best_score = self.best_step = self.best_loss = self.best_diversity = None
        self.min_loss, self.best_notes = None, {}

    def forget_trouble(self) -> None:
        """Begin to count trouble anew."""
        self.divergence_count = self.collapse_count = 0

    @property
    def best_collapsed(self) -> bool:
        """Whether no generator with variety is known."""
        return self.best_diversity is None or self.best_diversity < COLLAPSED

    @property
    def diverges(self) -> bool:
        """Whether the last score is several times the best, and what real data would have."""
        if self.score is None or self.best_score is None:
            return False
        return 0 < _DIVERGED * max(self.best_score, self.floor or 0.0) < self.score

    def _near_min(self, loss: float) -> bool:
        """Return whether a held-out loss comes near to the smallest, itself included."""
        self.loss = loss
        self.min_loss = loss if self.min_loss is None else min(self.min_loss, loss)
        near = loss <= self.min_loss * _LOSS_SLACK
        self.rise_count = 0 if near else self.rise_count + 1
        return near

    @property
    def overfits(self) -> bool:
        """Whether the held-out loss has risen: more of the same would only memorize."""
        return self.rise_count >= _RISES

    @property
    def _trouble(self) -> str:
        # A generator that never had variety may be slow; one that lost it has collapsed.
        varied = (self.best_diversity or 0.0) > 3 * COLLAPSED
        if self.collapse_count >= _PATIENCE and varied:
            return "The generator collapsed: its samples are nearly alike"
        if self.divergence_count >= _PATIENCE:
            return "Training diverged: the score is several times its best"
        return ""
