"""Training the cells of a comparison, one after another, in a folder of ordinary runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gancli.artifacts.model import is_model
from gancli.artifacts.record import read_record
from gancli.artifacts.run import is_run, read_metrics
from gancli.config import TrainConfig
from gancli.data.source import Source
from gancli.errors import DIVERGED, GancliError, UsageError
from gancli.evaluation.cells import Cell, digest
from gancli.evaluation.ranking import Rank, rank
from gancli.modalities.base import AnyModality
from gancli.reporting import Reporter
from gancli.runtime.signals import Interrupted
from gancli.storage import checkpoints
from gancli.storage.files import write_file
from gancli.training import session, speed
from gancli.training.budget import Budget

FILE = "comparison.json"
_QUARTERS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Result:
    """What became of one training.

    Args:
        seed: Of the training.
        run: Its directory.
        metrics: Of its model, or of its last measurement; empty if it failed.
        problem: Why it failed, or empty.
    """

    seed: int
    run: Path
    metrics: Mapping[str, Any]
    problem: str

    @property
    def score(self) -> float | None:
        score = self.metrics.get("score")
        return None if score is None else float(score)


@dataclass(frozen=True)
class Outcome:
    """What became of a cell.

    Args:
        cell: Its settings.
        results: Of each seed that was tried.
        dropped: Part of the budget after which it was dropped, or None.
    """

    cell: Cell
    results: list[Result]
    dropped: float | None = None


@dataclass(frozen=True)
class Comparison:
    """What came out.

    Args:
        outcomes: Of each cell, in the order in which they were given.
        ranks: Of the cells with scores, best first.
    """

    outcomes: list[Outcome]
    ranks: list[Rank]


class Comparer:
    """Trains what is missing of a comparison.

    Args:
        modality: What is trained.
        source: On what.
        folder: Holds the runs and what is known of the comparison.
        reporter: Hears of all.
        command: The command line, for the records of the runs.
    """

    def __init__(
        self, modality: AnyModality, source: Source, folder: Path, reporter: Reporter, command: str
    ) -> None:
        self.modality, self.source, self.folder = modality, source, folder
        self.reporter, self.command = reporter, command
        self._record = _read(folder)
        self._check_data()

    def _check_data(self) -> None:
        data = str(Path(self.source.path).absolute())
        if self._record.setdefault("data", data) != data:
            raise UsageError(
                f"{self.folder} compares on {self._record['data']}, not on {data}.",
                "Choose another directory with -o, or give the same DATA.",
            )
        name = self.modality.name
        if self._record.setdefault("modality", name) != name:
            raise UsageError(
                f"{self.folder} compares {self._record['modality']} models, not {name}.",
                "Choose another directory with -o.",
            )

    def settled(self, cells: Sequence[Cell]) -> list[Cell]:
        """Return cells whose networks do not depend on the clock.

        What the budget decides is decided once, for the first cell, and written down: cells that
        leave it open are to differ in what they vary and nothing else.
        """
        chosen: dict[str, Any] = self._record.setdefault("chosen", {})
        budget = {
            name: getattr(cells[0].config, name) for name in ("time", "steps", "images")
        }
        key = json.dumps(budget)
        if key not in chosen:
            chosen[key] = speed.found_by_budget(
                self.modality, cells[0].config, self.source, self.reporter
            )
            self._write()
        settled = []
        for cell in cells:
            left_open = {
                name: value for name, value in chosen[key].items()
                if getattr(cell.config, name) is None
            }
            config = replace(cell.config, **left_open)
            settled.append(Cell(cell.name, config, digest(config)))
        self._record.setdefault("cells", {}).update({cell.digest: cell.name for cell in settled})
        self._write()
        return settled

    def train(self, cells: Sequence[Cell], seeds: Sequence[int], halve: bool) -> Comparison:
        """Train each cell with each seed, unless that is done already.

        Raises:
            Interrupted: A signal came; the same command goes on.
        """
        dropped: dict[str, float] = {}
        for quarter in _QUARTERS if halve else (1.0,):
            running = [cell for cell in cells if cell.digest not in dropped]
            outcomes = [self._outcome(cell, seeds, quarter) for cell in running]
            ranks = rank(_scores(outcomes))
            if quarter < 1.0 and len(running) > 1:
                kept = {each.name for each in ranks[: -(-len(running) // 2)]}
                for cell in running:
                    if cell.name not in kept:
                        dropped[cell.digest] = quarter
                        self.reporter.note(f"Dropped at {quarter:.0%} of the budget: {cell.name}.")
        outcomes = [
            self._outcome(cell, seeds, dropped.get(cell.digest, 1.0)) for cell in cells
        ]
        outcomes = [
            replace(outcome, dropped=dropped.get(outcome.cell.digest)) for outcome in outcomes
        ]
        finished = [outcome for outcome in outcomes if outcome.dropped is None]
        return Comparison(outcomes, rank(_scores(finished)))

    def _outcome(self, cell: Cell, seeds: Sequence[int], until: float) -> Outcome:
        return Outcome(cell, [self._result(cell, seed, until) for seed in seeds])

    def _result(self, cell: Cell, seed: int, until: float) -> Result:
        run = self.folder / cell.digest / f"seed-{seed}"
        problem = ""
        try:
            self._train(cell.with_seed(seed), run, until, f"{cell.name}, seed {seed}")
        except Interrupted as stopped:
            raise Interrupted(
                f"Stopped in {run}; what is trained so far is kept.",
                "The same command goes on from there.", stopped.exit_code,
            ) from stopped
        except GancliError as error:
            problem = error.message
            self.reporter.warn(f"{cell.name}, seed {seed}: {error.message}")
            if error.exit_code != DIVERGED:
                return Result(seed, run, {}, problem)
        return Result(seed, run, _metrics(run), problem)

    def _train(self, config: TrainConfig, run: Path, until: float, title: str) -> None:
        begun = is_run(run)
        if begun and (is_model(run / "model") or _progress(run) >= until):
            return
        self.reporter.note(f"Cell: {title}.")
        if begun:
            session.resume(
                run, str(self.source.path), self.reporter, modality_name=self.modality.name,
                until=until,
            )
        else:
            session.train(
                self.modality, config, self.source, run, self.reporter, command=self.command,
                force=False, until=until,
            )

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_file(self.folder / FILE, (json.dumps(self._record, indent=1) + "\n").encode())


def _read(folder: Path) -> dict[str, Any]:
    """Return what is known of the comparison in a folder; empty for a new one.

    Raises:
        UsageError: Something else is there.
        GancliError: The file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"{folder} is not a comparison.", "Choose another directory with -o."
            )
        return {}
    try:
        record = json.loads(path.read_bytes())
        if not isinstance(record, dict):
            raise ValueError("it is not a table")
    except (OSError, ValueError, RecursionError) as error:
        raise GancliError(
            f"{path} is damaged: {error}.",
            "Remove it: the runs beside it are kept, and the same command writes it again.",
        ) from error
    return record


def _progress(run: Path) -> float:
    """Return the part of its budget that a run has spent by its newest checkpoint."""
    newest = checkpoints.newest(run / "checkpoints", lambda _: None)
    if newest is None:
        return 0.0
    now = newest.state["progress"]
    return Budget.of(read_record(run).config).progress(now["step"], now["items"], now["seconds"])


def _metrics(run: Path) -> dict[str, Any]:
    """Return the figures of a run's model, or of its best measurement so far."""
    try:
        return dict(json.loads((run / "model" / "config.json").read_bytes())["metrics"])
    except FileNotFoundError:
        lines = read_metrics(run)
    scores = [line for line in lines if "score" in line and line.get("best")]
    found = {"score": scores[-1]["score"]} if scores else {}
    if lines:
        found |= {"steps": lines[-1]["step"], "seconds": lines[-1].get("seconds")}
    return found


def _scores(outcomes: Sequence[Outcome]) -> dict[str, dict[int, float]]:
    return {
        outcome.cell.name: {
            result.seed: result.score for result in outcome.results if result.score is not None
        }
        for outcome in outcomes
    }
