"""What the measurements say: which generator is the best, and whether training is in trouble."""

from dataclasses import dataclass, field

from gancli.training.measurement import Measurement

_COLLAPSED = 0.1  # of real data's spread
_DIVERGED = 4.0  # times the best score
_LOSS_SLACK = 1.01  # times the smallest held-out loss
_PATIENCE = 3  # measurements in a row
_RISES = 2  # evaluations in a row whose held-out loss is above the smallest by the slack


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
        previous: The score before it.
        best_score, best_step, best_loss, best_diversity, best_notes: Of the best generator; it has
            no score yet if only its loss is known.
        min_loss: Smallest held-out loss, where there is one.
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
    previous: float | None = None
    best_score: float | None = None
    best_step: int | None = None
    best_loss: float | None = None
    best_diversity: float | None = None
    best_notes: dict[str, float] = field(default_factory=dict)
    min_loss: float | None = None
    rise_count: int = 0
    divergence_count: int = 0
    collapse_count: int = 0
    floor: float | None = None
    measured_at: float = 0.0
    loss_items: int = 0
    measuring_seconds: float = 0.0
    measurement_seconds: float = 0.0

    @property
    def trend(self) -> float | None:
        """Change of the score from the measurement before the last one, or None."""
        if self.previous is None or self.score is None:
            return None
        return self.score - self.previous

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
        self.previous, self.score, self.diversity = self.score, score, diversity
        eligible, limit = True, float("inf") if self.best_score is None else self.best_score
        if loss is not None:
            eligible = self._near_min(loss)
            assert self.min_loss is not None
            if self.best_loss is not None and self.best_loss > self.min_loss * _LOSS_SLACK:
                limit = float("inf")  # the best so far is out
        best = eligible and (latest or score < limit)
        if best:
            self.best_score, self.best_step, self.best_diversity = score, step, diversity
            self.best_loss, self.best_notes = loss, measurement.notes
            self.forget_trouble()
        else:
            diverged = bool(self.best_score) and score > _DIVERGED * (self.best_score or 0.0)
            healthy = self.best_diversity is not None and self.best_diversity > 3 * _COLLAPSED
            collapsed = healthy and diversity < _COLLAPSED
            self.divergence_count = self.divergence_count + 1 if diverged else 0
            self.collapse_count = self.collapse_count + 1 if collapsed else 0
        return Decision(best, self.overfits, "" if best else self._trouble)

    def record_loss(self, step: int, loss: float) -> Decision:
        """Record a held-out loss in a phase that it alone decides.

        Learning by likelihood for longer makes better samples for some time after the held-out
        loss was smallest, so the latest that comes near to the smallest is the best.
        """
        best = self._near_min(loss)
        if best:
            self.best_score, self.best_diversity = None, None
            self.best_step, self.best_loss = step, loss
        return Decision(best, self.overfits)

    def record_best(self, measurement: Measurement) -> None:
        """Record the score of a best generator of which only the loss was known."""
        self.best_score, self.best_diversity = measurement.score, measurement.diversity
        self.best_notes = measurement.notes

    def forget_best(self) -> None:
        """Let the next measurement be the best, since that of the best so far is lost."""
        self.best_score = self.best_step = self.best_loss = self.best_diversity = None
        self.min_loss, self.best_notes = None, {}

    def forget_trouble(self) -> None:
        """Begin to count trouble anew."""
        self.divergence_count = self.collapse_count = 0

    def _near_min(self, loss: float) -> bool:
        """Return whether a held-out loss comes near to the smallest, itself included."""
        self.min_loss = min(self.min_loss or float("inf"), loss)
        near = loss <= self.min_loss * _LOSS_SLACK
        self.rise_count = 0 if near else self.rise_count + 1
        return near

    @property
    def overfits(self) -> bool:
        """Whether the held-out loss has risen: more of the same would only memorize."""
        return self.rise_count >= _RISES

    @property
    def _trouble(self) -> str:
        if self.collapse_count >= _PATIENCE:
            return "The generator collapsed: its samples are nearly alike"
        if self.divergence_count >= _PATIENCE:
            return "Training diverged: the score is several times its best"
        return ""
