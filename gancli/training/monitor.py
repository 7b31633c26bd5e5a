"""When quality is measured as training goes, and what follows from it."""

from dataclasses import dataclass

from gancli.training.budget import Budget

_SHARE = 0.05  # of the time that measuring may take
_POINTS = 20  # measurements in a run, at most
_MAX, _MIN = 2_000, 256  # samples of one measurement
_COLLAPSED = 0.1  # of real data's spread
_WORSE = 4.0  # times the best score
_LOSS_SLACK = 1.01  # times the least held-out loss
_PATIENCE = 3  # measurements in a row
_RISES = 2  # looks in a row at a held-out loss that is no longer near the least
_GROWTH = 0.1  # items between two looks, as a share of those before


@dataclass(frozen=True)
class Schedule:
    """When to measure, and on how many samples.

    A run of so many steps measures at fixed steps, so that the same run keeps the same best; a
    run against the clock measures as often as the clock allows.

    Args:
        budget: The run's budget.
        batch: Items in a step.
    """

    budget: Budget
    batch: int

    @property
    def points(self) -> int:
        if self.budget.kind == "time":
            return _POINTS
        return int(max(1, min(_POINTS, self._items() // 4_000)))

    @property
    def samples(self) -> int:
        """Samples of one measurement: one costs less than half a training item's step."""
        if self.budget.kind == "time":
            return _MAX
        share = self._items() * _SHARE * 2 / self.points
        return int(max(_MIN, min(_MAX, share)))

    def _items(self) -> float:
        scale = self.batch if self.budget.kind == "steps" else 1
        return self.budget.amount * scale

    def due(self, progress: float, last: float, seconds: float, spent: float, cost: float) -> bool:
        """Return whether to measure now.

        Args:
            progress: Share of the budget spent.
            last: Share at the last measurement.
            seconds: Time trained so far.
            spent: Time measured so far.
            cost: Time that the last measurement took.
        """
        if int(progress * self.points + 1e-9) <= int(last * self.points + 1e-9):
            return False
        if self.budget.kind != "time":
            return True
        return spent + cost <= _SHARE * seconds

    def look_due(self, items: int, looked: int, epoch: int) -> bool:
        """Return whether to look at the held-out loss, where it decides when a phase ends.

        A small corpus is learned by heart within seconds, so this goes by items, the same ones in
        each run: a look costs less than a twenty-fifth of an epoch where a tenth is held out.

        Args:
            items: Seen so far.
            looked: Seen at the last look.
            epoch: Items to train on.
        """
        return items - looked >= max(epoch, _GROWTH * looked)


@dataclass
class Quality:
    """What the measurements have shown so far; all of it is in a checkpoint.

    Args:
        score, diversity: Of the last measurement.
        previous: The score before it.
        best, best_step, best_loss: Score, step and held-out loss of the best; it has no score yet
            if only its loss was looked at.
        best_diversity: Spread of the best.
        least_loss: Smallest held-out loss, where there is one.
        risen: Looks in a row at a held-out loss that was no longer near the least.
        worse: Measurements in a row that diverged.
        narrow: Measurements in a row that collapsed.
        last: Share of the budget at the last measurement.
        looked: Items seen at the last look at the held-out loss.
        spent, cost: Seconds of all measurements, and of the last.
    """

    score: float | None = None
    diversity: float | None = None
    previous: float | None = None
    best: float | None = None
    best_step: int | None = None
    best_loss: float | None = None
    best_diversity: float | None = None
    least_loss: float | None = None
    risen: int = 0
    worse: int = 0
    narrow: int = 0
    last: float = 0.0
    looked: int = 0
    spent: float = 0.0
    cost: float = 0.0

    def look(self, step: int, loss: float) -> bool:
        """Take note of a held-out loss in a phase that it alone decides; return whether it is best.

        The best is the latest that comes near to the least.
        """
        if not self._near(loss):
            return False
        self.best, self.best_diversity = None, None
        self.best_step, self.best_loss = step, loss
        return True

    def take(
        self, step: int, score: float, diversity: float, loss: float | None = None,
        *, latest: bool = False,
    ) -> bool:
        """Take note of a measurement and return whether it is the best.

        Where there is a held-out loss, the score decides only among those that come near to the
        least: a better score does not count if the generator has begun to learn by heart, or to
        trade variety for it, and counts no longer once the generator has learnt much more.

        Args:
            step, score, diversity, loss: What was measured, and when.
            latest: Whether the latest of those that come near is the best, whatever its score.
        """
        self.previous, self.score, self.diversity = self.score, score, diversity
        sound, highest = True, float("inf") if self.best is None else self.best
        if loss is not None:
            sound = self._near(loss)
            assert self.least_loss is not None
            if self.best_loss is not None and self.best_loss > self.least_loss * _LOSS_SLACK:
                highest = float("inf")  # the best so far is out
        if sound and (latest or score < highest):
            self.best, self.best_step, self.best_diversity = score, step, diversity
            self.best_loss = loss
            self.worse = self.narrow = 0
            return True
        self.worse = self.worse + 1 if self.best and score > _WORSE * self.best else 0
        healthy = self.best_diversity is not None and self.best_diversity > 3 * _COLLAPSED
        self.narrow = self.narrow + 1 if healthy and diversity < _COLLAPSED else 0
        return False

    def _near(self, loss: float) -> bool:
        """Return whether a held-out loss comes near to the least, itself included."""
        self.least_loss = min(self.least_loss or float("inf"), loss)
        near = loss <= self.least_loss * _LOSS_SLACK
        self.risen = 0 if near else self.risen + 1
        return near

    @property
    def overfits(self) -> bool:
        """Whether more of the same would only be learned by heart."""
        return self.risen >= _RISES

    def trouble(self) -> str:
        """Return what is wrong in a few words, or nothing."""
        if self.narrow >= _PATIENCE:
            return "The generator collapsed: its samples are nearly alike"
        if self.worse >= _PATIENCE:
            return "Training diverged: the score is several times its best"
        return ""
