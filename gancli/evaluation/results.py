"""What is known of a comparison, read from its folder: whoever trained it, and however far."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from gancli.artifacts.finding import finished_model
from gancli.artifacts.record import read_record
from gancli.artifacts.run import is_run, read_metrics
from gancli.config import TrainConfig
from gancli.errors import GancliError, UsageError
from gancli.evaluation.ranking import Rank, rank
from gancli.storage.files import write_file
from gancli.storage.lock import is_held
from gancli.training.budget import Budget

FILE, PAGE = "comparison.json", "index.html"
_NO_SCORE = "Its model was never measured."
_ROUNDED = 1e-3  # what a part of a budget in a log may be off by


@dataclass
class ComparisonRecord:
    """What comparison.json says; files of older versions leave most of it out.

    Args:
        data, modality: What is compared on what.
        command: The last command line.
        chosen: What the budget decided of the options that cells leave open, by a hash of what
            these cells have in common; older versions wrote the budget there instead.
        cells: Names of all cells that were ever compared here, by their hashes.
        compared: Hashes of the cells of the last command, in order.
        seeds: Of the last command.
        dropped: Part of the budget after which a cell of it was dropped, by hash.
        problems: Why a training failed that left no model, by ``HASH/seed-N``.
    """

    data: str = ""
    modality: str = ""
    command: str = ""
    chosen: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    compared: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    dropped: dict[str, float] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "ComparisonRecord":
        """Return what is known of the comparison in a folder.

        Raises:
            GancliError: The file is damaged.
        """
        path = folder / FILE
        try:
            table = json.loads(path.read_bytes())
            if not isinstance(table, dict):
                raise ValueError("it is not a table")
            empty = asdict(cls())
            known = {name: table[name] for name in empty.keys() & table.keys()}
            for name, value in known.items():
                if not isinstance(value, type(empty[name])):
                    raise ValueError(f"{name} is {value!r}")
            for value in known.get("chosen", {}).values():
                if not isinstance(value, dict):
                    raise ValueError(f"chosen has {value!r}")
        except (OSError, ValueError, RecursionError) as error:
            raise GancliError(
                f"{path} is damaged: {error}.",
                "Remove it: the runs beside it are kept, and gancli compare writes it again.",
            ) from error
        return cls(**known)

    def write(self, folder: Path) -> None:
        """Replace the file."""
        write_file(folder / FILE, (json.dumps(asdict(self), indent=1) + "\n").encode())


@dataclass(frozen=True)
class Result:
    """What became of one training.

    Args:
        seed: Of the training.
        run: Its directory.
        metrics: Of its model, or of its best measurement so far.
        state: ``waiting``, ``training``, ``stopped``, ``failed`` or ``done``.
        problem: Why it failed, or empty.
        warnings: What is to be known of its model, in sentences.
    """

    seed: int
    run: Path
    metrics: dict[str, Any]
    state: str
    problem: str = ""
    warnings: Sequence[str] = ()

    @property
    def score(self) -> float | None:
        """The best score so far."""
        score = self.metrics.get("score")
        return None if score is None else float(score)


@dataclass(frozen=True)
class Outcome:
    """What became of a cell.

    Args:
        name: Its settings, as a person writes them.
        digest: The hash of its config.
        config: Of its first training that can be read, or None before there is one.
        results: Of each seed.
        dropped: Part of the budget after which it was dropped, or None.
    """

    name: str
    digest: str
    config: TrainConfig | None
    results: list[Result]
    dropped: float | None = None

    @property
    def scores(self) -> dict[int, float]:
        """The scores of the trainings that are done, by seed."""
        return {
            result.seed: result.score for result in self.results
            if result.state == "done" and result.score is not None
        }

    def middle(self, name: str) -> float | None:
        """Return the median of a figure over its trainings that are done, or over all if none is.

        It is None if they do not have it.
        """
        done = [each for each in self.results if each.state == "done"] or self.results
        values = [each.metrics[name] for each in done if name in each.metrics]
        return median(values) if values else None

    @property
    def state(self) -> str:
        """Why not all of its trainings count, in a few words; empty if they do."""
        count = {name: 0 for name in ("waiting", "training", "stopped", "failed", "done")}
        for result in self.results:
            count[result.state] += 1
        if count["failed"]:
            several = len(self.results) > 1
            return f"{count['failed']} of {len(self.results)} failed" if several else "failed"
        if self.dropped is not None:
            return f"dropped at {self.dropped:.0%} of the budget"
        if count["done"] == len(self.results):
            return ""
        if not count["done"]:
            return next(name for name in ("training", "stopped", "waiting") if count[name])
        return f"{count['done']} of {len(self.results)} done"


@dataclass(frozen=True)
class Comparison:
    """What came out so far.

    Args:
        folder: Where it is.
        record: What its file says.
        outcomes: Of each cell, in the order in which they were given.
        ranks: Of the cells with trainings that are done, best first.
    """

    folder: Path
    record: ComparisonRecord
    outcomes: list[Outcome]
    ranks: list[Rank]

    @property
    def ordered(self) -> list[Outcome]:
        """The outcomes, best first; those without a rank follow, the first dropped last."""
        places = {each.name: place for place, each in enumerate(self.ranks)}
        return sorted(self.outcomes, key=lambda each: (
            places.get(each.name, len(places)), -(each.dropped or 1.0)
        ))

    @property
    def results(self) -> list[Result]:
        """Of all trainings."""
        return [result for outcome in self.outcomes for result in outcome.results]


def is_comparison(folder: Path) -> bool:
    """Return whether a folder holds a comparison."""
    return (folder / FILE).is_file()


def read_comparison(folder: Path) -> Comparison:
    """Return what is known of a comparison.

    Raises:
        UsageError: There is none.
        GancliError: Its file is damaged.
    """
    if not is_comparison(folder):
        raise UsageError(f"{folder} is not a comparison: it has no {FILE}.",
                         "Name a directory that gancli compare has made.")
    record = ComparisonRecord.read(folder)
    # An older version did not say which cells were the last: of one name the newest is shown.
    digests = record.compared or list({name: key for key, name in record.cells.items()}.values())
    seeds = record.seeds or sorted({
        int(path.name[5:]) for digest in digests for path in (folder / digest).glob("seed-*")
        if path.name[5:].isdecimal()
    })
    outcomes = [_outcome(folder, record, digest, seeds) for digest in digests]
    return Comparison(folder, record, outcomes, rank({
        outcome.name: outcome.scores for outcome in outcomes if outcome.dropped is None
    }))


def _outcome(
    folder: Path, record: ComparisonRecord, digest: str, seeds: Sequence[int]
) -> Outcome:
    dropped = record.dropped.get(digest)
    results = []
    for seed in seeds:
        run = folder / digest / f"seed-{seed}"
        results.append(_result(run, seed, record.problems.get(f"{digest}/seed-{seed}"), dropped))
    config = None
    for result in results:
        with suppress(GancliError):
            config = read_record(result.run).config
            break
    return Outcome(record.cells.get(digest, digest), digest, config, results, dropped)


def _result(run: Path, seed: int, problem: str | None, dropped: float | None) -> Result:
    """Return what became of a training; its log tells how far it came if it has no model."""
    try:
        finished = finished_model(run) if dropped is None else None
    except GancliError as error:
        return Result(seed, run, {}, "failed", error.message)
    if finished is not None:
        metrics = dict(finished.metrics)
        if metrics.get("score") is None:  # what a training that diverged leaves
            told = [problem or "", *finished.warnings, _NO_SCORE]
            return Result(seed, run, metrics, "failed", next(filter(None, told)))
        return Result(seed, run, metrics, "done", "", finished.warnings)
    metrics = measured(run, 1.0 if dropped is None else dropped)
    if problem:
        return Result(seed, run, metrics, "failed", problem)
    state = "training" if is_held(run) else "stopped" if is_run(run) else "waiting"
    return Result(seed, run, metrics, state)


def measured(run: Path, part: float) -> dict[str, Any]:
    """Return the steps, seconds and best score of a training after a part of its budget.

    It does not matter how far the training went on from there, so that what is decided by it is
    decided again in the same way.
    """
    try:
        budget = Budget.of(read_record(run).config)
    except GancliError:
        return {}
    found: dict[str, Any] = {}
    for entry in read_metrics(run):
        found |= {"steps": entry["step"]} | {
            name: entry[name] for name in ("seconds", "floor") if entry.get(name) is not None
        }
        if entry.get("score") is not None:
            if entry.get("best"):
                found["score"] = entry["score"]
            spent = budget.progress(
                entry["step"], entry.get("items", 0), entry.get("seconds", 0.0)
            )
            if spent >= part - _ROUNDED:
                break
    return found
