"""What a run's log tells of a training: curves, phases, measurements and troubles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Entry = Mapping[str, Any]
Points = list[tuple[float, float]]  # step and value

_CURVELESS = ("step", "items", "seconds", "best_step", "floor", "held_out")
_HUGE = 1e100  # what is larger counts as infinite: nothing can be read from an axis that holds it


@dataclass(frozen=True)
class Span:
    """A phase of training, in steps."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class History:
    """The entries of a run's metrics.jsonl, in order."""

    entries: Sequence[Entry]

    def points(self, name: str, over: str = "step") -> Points:
        """Return the finite values of a figure by step; one of a step that came later counts.

        Args:
            name: Of the figure.
            over: What to give them by instead of ``step``: another figure, such as ``seconds``.
        """
        values = {
            float(entry[over]): float(entry[name])
            for entry in self.entries
            if is_finite(entry.get(name)) and is_finite(entry.get(over))
        }
        return sorted(values.items())

    def names(self) -> list[str]:
        """Return the names of all figures that have a curve, as they first came."""
        return list(dict.fromkeys(
            name for entry in self.entries for name, value in entry.items()
            if _is_number(value) and name not in _CURVELESS
        ))

    def last(self, name: str, default: Any = None) -> Any:
        """Return the latest value of a figure."""
        return next((entry[name] for entry in reversed(self.entries) if name in entry), default)

    @property
    def steps(self) -> int:
        """The last step in the log."""
        return max((int(entry["step"]) for entry in self.entries), default=0)

    @property
    def measurements(self) -> list[Entry]:
        """The entries with a score; that is None if it was not finite."""
        return [
            entry for entry in self.entries
            if "score" in entry and (entry["score"] is None or _is_number(entry["score"]))
        ]

    @property
    def best(self) -> Entry | None:
        """The measurement of the best generator, or None before there is one."""
        best = [
            entry for entry in self.measurements
            if entry.get("best") and entry["score"] is not None
        ]
        return best[-1] if best else None

    @property
    def phases(self) -> list[Span]:
        """The phases that had begun, in order; empty in logs that do not name them."""
        spans: list[Span] = []
        for entry in self.entries:
            name, step = entry.get("phase"), float(entry["step"])
            if not isinstance(name, str):
                continue
            if not spans or spans[-1].name != name:
                start = spans[-1].end if spans else 0.0
                spans.append(Span(name, start, max(start, step)))
            else:
                spans[-1] = Span(name, spans[-1].start, max(spans[-1].end, step))
        return spans

    @property
    def roll_backs(self) -> list[tuple[float, str]]:
        """The steps that training went back to, each with a sentence."""
        return [
            (float(entry["step"]),
             f"{entry['rolled_back']}. Rolled back to step {entry['step']:,} with half the "
             "learning rates.")
            for entry in self.entries if "rolled_back" in entry
        ]

    def troubles(self, others: Iterable[str] = ()) -> list[tuple[float | None, str]]:
        """Return roll-backs and warnings with their steps, then ``others`` that are not there."""
        roll_backs = self.roll_backs
        sentences = {sentence for _, sentence in roll_backs}
        warnings = [
            (float(entry["step"]), str(entry["warning"]))
            for entry in self.entries
            if "warning" in entry and entry["warning"] not in sentences
        ]
        troubles: list[tuple[float | None, str]] = [
            *sorted([*roll_backs, *warnings], key=lambda pair: pair[0])
        ]
        known = {sentence for _, sentence in troubles}
        return troubles + [(None, each) for each in dict.fromkeys(others) if each not in known]

    def machines(self) -> list[Entry]:
        """Return the machines that trained, each with the ``step`` that it began at."""
        return [
            {"from step": int(entry["step"]), **entry["machine"]}
            for entry in self.entries if isinstance(entry.get("machine"), dict)
        ]


def is_finite(value: object) -> bool:
    """Return whether a value is a number that a curve can show."""
    return _is_number(value) and abs(float(value)) < _HUGE  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
