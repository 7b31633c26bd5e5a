"""What a score means, in figures and sentences: how near to done it is, and what lies ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isclose
from typing import Any, get_args

from gancli.metrics.trend import MIN_POINTS, Forecast, Trend, forecast, trend
from gancli.modalities.base import AnyModality

_HUGE = 1e100  # a damaged log may hold any number
_NEAR = 1.15  # times the floor: two measurements of real items differ by as much
_FEW = 20  # items held out: with fewer, most of what samples are compared with is trained on


@dataclass(frozen=True)
class Outlook:
    """What is known of the score of a run or a model.

    Args:
        score: Of the best generator, or None before there is one.
        floor: Of real items, or None if that is not known.
        trend: How the score changes, or None if that is not known.
        forecast: The best score of a training twice as long, or None if that cannot be told, or
            would hardly be better.
        count: Measurements that tell the trend, or None where there is no log of them.
        finite: Whether the last measurement was a finite number.
        held_out: Items kept from training to measure with, or None if that is not known.
    """

    score: float | None
    floor: float | None
    trend: Trend | None = None
    forecast: Forecast | None = None
    count: int | None = None
    finite: bool = True
    held_out: float | None = None

    @classmethod
    def of_log(
        cls, entries: Sequence[Mapping[str, Any]], floor: float | None = None
    ) -> "Outlook":
        """Return what a run's log tells.

        Only measurements of the phase that was measured last make the curve, and only those with
        its floor: another floor is another measure.

        Args:
            entries: Of metrics.jsonl.
            floor: Counts if the log, that of an older version, lacks it.
        """
        measured = [entry for entry in entries if "score" in entry]
        if not measured:
            return cls(None, None, count=0)
        last, best = measured[-1], None
        its_floor = _number(last.get("floor"))
        curve: dict[int, float] = {}
        for entry in measured:
            score, same = _number(entry["score"]), _same(_number(entry.get("floor")), its_floor)
            if entry.get("best") and score is not None:
                best = score
            if entry.get("phase") != last.get("phase") or not same:
                curve.clear()
            # A score that an earlier step's generator has does not belong on the curve.
            elif score is not None and 0 < entry["step"] < _HUGE and "best_step" not in entry:
                curve[entry["step"]] = score
        steps, scores = zip(*sorted(curve.items()), strict=True) if curve else ((), ())
        finite = _number(last["score"]) is not None
        floor = _number(floor) if its_floor is None else its_floor
        found = cls(
            best, floor, trend(steps, scores), None, len(scores), finite,
            _number(last.get("held_out")),
        )
        if found.near or found.trend == "worse" or not finite:
            return found
        return replace(found, forecast=forecast(steps, scores, floor or 0.0))

    @classmethod
    def of_figures(cls, figures: Mapping[str, Any]) -> "Outlook":
        """Return what the figures of a model tell, of which older ones have fewer."""
        word, table = figures.get("trend"), figures.get("forecast")
        names = ("score", "low", "high")
        ahead = [_number(table.get(name)) for name in names] if isinstance(table, dict) else []
        known = [value for value in ahead if value is not None]
        return cls(
            _number(figures.get("score")), _number(figures.get("floor")),
            word if word in get_args(Trend) else None,
            Forecast(*known) if len(known) == len(names) else None,
            held_out=_number(figures.get("held_out")),
        )

    @property
    def figures(self) -> dict[str, Any]:
        """What :meth:`of_figures` reads, beside score and floor."""
        found: dict[str, Any] = {} if self.trend is None else {"trend": self.trend}
        if self.forecast is not None:
            ahead = asdict(self.forecast)
            found["forecast"] = {name: round(value, 4) for name, value in ahead.items()}
        return found

    @property
    def near(self) -> bool:
        """Whether the score is as small as that of real data, or smaller."""
        return self._ratio is not None and self._ratio <= _NEAR

    @property
    def _ratio(self) -> float | None:
        """The score over its floor, or None if either is not known."""
        return None if self.score is None or not self.floor else self.score / self.floor

    @property
    def times(self) -> str:
        """How many times the floor the score is, in words; empty if either is not known."""
        ratio = self._ratio
        if ratio is None:
            return ""
        return f"{ratio:.1f} times the floor" if ratio < 10 else f"{ratio:,.0f} times the floor"

    @property
    def done_when(self) -> str:
        """When the training is done and how far it is from that, in a sentence or two."""
        if self._ratio is not None and self.near:
            return self._verdict(self._ratio)
        if self.trend == "worse":
            which = f", {self.times}," if self.times else ""
            return f"The score is getting worse; the best{which} is kept."
        if self.trend == "flat":
            parts = ["The score has stopped improving in this run", self._state]
        else:
            goal = "the score stops falling or comes near its floor"
            parts = [f"Done when {goal}", self._state, self._doubt]
        return f"{'; '.join(filter(None, parts))}.{self._ahead}"

    def _verdict(self, ratio: float) -> str:
        """Return what it means that the score is so small a ratio to its floor, as a sentence."""
        if self.held_out is not None and self.held_out < _FEW:
            count = f"{self.held_out:.0f}" if self.held_out else "no"
            items = "item" if self.held_out == 1 else "items"
            return (
                f"The score is {self.times}, but cannot tell new samples from repeated training "
                f"data with {count} {items} held out (more data helps)."
            )
        if ratio < 1 / _NEAR:
            return (
                f"The score is {self.times}, below what new real data gets: samples may repeat "
                "the training data."
            )
        return f"Done: the score is {self.times}, as near to real data as it can tell."

    @property
    def summary(self) -> str:
        """The score, its floor, and :attr:`done_when`."""
        named = (("Score", self.score), ("floor", self.floor))
        values = [f"{name} {value:.4g}" for name, value in named if value is not None]
        return f"{', '.join(values)}. {self.done_when}" if values else self.done_when

    @property
    def _state(self) -> str:
        """How far the score is from its floor, and whether it improves, as a clause."""
        is_so = [self.times, "improving" if self.trend == "improving" else ""]
        return "it is " + " and ".join(filter(None, is_so)) if any(is_so) else ""

    @property
    def _doubt(self) -> str:
        """What keeps the trend from being known, as a clause."""
        if not self.finite:
            return "the last measurement is not a finite number"
        if self.trend is not None or self.count is None:
            return ""
        if self.count == 0 and self.score is None:
            return "nothing has been measured yet"
        so_far = f" ({self.count} so far)" if self.count else ""
        return f"a trend takes {MIN_POINTS} measurements{so_far}"

    @property
    def _ahead(self) -> str:
        """What a longer training would bring, as a sentence to add."""
        if self.forecast is None:
            return ""
        low, high = self.forecast.low, self.forecast.high
        still = "still " if self.trend == "flat" else ""
        return (
            f" Training for twice as long should {still}bring it to about "
            f"{self.forecast.score:.3g} ({low:.3g} to {high:.3g} in four of five cases)."
        )


def meaning(modality: AnyModality) -> str:
    """Return what the score of a modality is, and what its floor is, in sentences."""
    return (
        f"The score is {modality.score}; smaller is better. The floor is what as many real "
        f"{modality.items} get. Both compare only with scores on the same data by this tool."
    )


def _same(one: float | None, other: float | None) -> bool:
    """Return whether two floors are of the same measure."""
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=1e-3)


def _number(value: object) -> float | None:
    """Return a figure as JSON may hold it, or None if it is not a number that means anything."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _HUGE:
        return float(value)
    return None
