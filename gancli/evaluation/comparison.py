"""Training the cells of a comparison, one after another, in a folder of ordinary runs."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from gancli.artifacts.finding import finished_model
from gancli.artifacts.record import read_record
from gancli.artifacts.run import is_run
from gancli.config import TrainConfig
from gancli.data.source import Source
from gancli.errors import RUNTIME, GancliError, UsageError
from gancli.evaluation.cells import (
    Cell,
    common_digest,
    decided,
    digest,
    distinct,
    groups,
    undecided,
)
from gancli.evaluation.comparison_page import write_page
from gancli.evaluation.ranking import rank
from gancli.evaluation.results import (
    FILE,
    Comparison,
    ComparisonRecord,
    is_comparison,
    measured,
    read_comparison,
)
from gancli.modalities.base import AnyModality
from gancli.reporting import Once, Reporter
from gancli.runtime.signals import Interrupted, Stop
from gancli.storage import checkpoints
from gancli.storage.files import explained, remove_leftovers
from gancli.storage.lock import FolderLock
from gancli.storage.outputs import check_writable
from gancli.training import session, speed
from gancli.training.budget import Budget

_QUARTERS = (0.25, 0.5, 0.75, 1.0)


class Comparer:
    """Trains what is missing of a comparison; a context manager, which holds its folder.

    Args:
        modality: What is trained.
        source: On what.
        folder: Holds the runs and what is known of the comparison.
        reporter: Receives notes, warnings and progress.
        command: The command line, for the records of the runs.

    Raises:
        GancliError: The folder holds something else, or cannot be written to.
    """

    def __init__(
        self, modality: AnyModality, source: Source, folder: Path, reporter: Reporter, command: str
    ) -> None:
        self.modality, self.source, self.folder = modality, source, folder
        self.reporter, self.command = reporter, command
        self._record = self._read()
        check_writable(folder)
        self._open, self._stop = ExitStack(), Stop()
        self._failures: list[GancliError] = []

    def __enter__(self) -> "Comparer":
        with ExitStack() as opening:
            with explained(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
            lock = FolderLock(self.folder, "comparing", self.reporter)
            opening.callback(lock.close)
            if lock.exclusive:
                remove_leftovers(self.folder)
            self._record = self._read()  # another process may have compared here meanwhile
            self._stop = opening.enter_context(Stop(
                f"Stopped between two trainings; those that are done are in {self.folder}.",
                f"To continue, run the same command again: {self.command}",
            ))
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if is_comparison(self.folder):
                with suppress(GancliError):  # whatever ended it is what a person must hear
                    write_page(read_comparison(self.folder))
        finally:
            self._open.__exit__(kind, error, trace)

    def _read(self) -> ComparisonRecord:
        """Return what is known of the comparison in the folder; nothing of a new one.

        Raises:
            GancliError: Something else is there, or the file is damaged.
        """
        folder, name = self.folder, self.modality.name
        data = str(Path(self.source.path).absolute())
        if not is_comparison(folder):
            if folder.exists() and not (
                folder.is_dir() and all(each.name[0] == "." for each in folder.iterdir())
            ):
                raise UsageError(
                    f"{folder} is not a comparison: it has no {FILE}.",
                    "Choose another directory with -o.",
                )
            return ComparisonRecord(data, name)
        record = ComparisonRecord.read(folder)
        if record.data != data:
            raise UsageError(
                f"{folder} compares on {record.data}, not on {data}.",
                "Choose another directory with -o, or give the same DATA.",
            )
        if record.modality != name:
            raise UsageError(
                f"{folder} compares {record.modality} models, not {name}.",
                "Choose another directory with -o.",
            )
        return record

    def settled(self, cells: Sequence[Cell]) -> list[Cell]:
        """Return cells whose networks do not depend on the clock.

        What the budget decides is decided once for each group of cells, and written down.
        """
        settled: dict[str, Cell] = {}
        parts = groups(cells)
        for group in parts:
            found = self._as_decided(group)
            if found is None:
                if len(parts) > 1:
                    names = ", ".join(cell.name for cell in group)
                    self.reporter.note(f"What the budget decides for {names}:")
                self._record.chosen[common_digest(group)] = speed.found_by_budget(
                    self.modality, undecided(group), self.source, self.reporter
                )
                self._record.write(self.folder)
                found = self._as_decided(group)
                assert found is not None
            settled |= {cell.name: cell for cell in found}
        return distinct([settled[cell.name] for cell in cells])

    def _as_decided(self, cells: Sequence[Cell]) -> list[Cell] | None:
        """Return a group with what was decided for it here, under the hashes used here.

        A decision counts for cells that have all but what varies in common with those that it was
        made for, and where one of them has been trained with it: older versions wrote down the
        budget alone. It is None if there is no such decision.
        """
        chosen, former = self._record.chosen, self._former_digests()
        key = common_digest(cells)
        if key in chosen:
            return _with(cells, chosen[key], former)
        for decision in chosen.values():
            settled = _with(cells, decision, former)
            if any(cell.digest in self._record.cells for cell in settled):
                return settled
        return None

    def _former_digests(self) -> dict[str, str]:
        """Return the hashes that cells here have, by those that their configs have today.

        They differ where a version since has added options.
        """
        former = {}
        for name in self._record.cells:
            for run in (self.folder / name).glob("seed-*"):
                with suppress(GancliError):
                    former[digest(read_record(run).config)] = name
                    break
        return former

    def train(self, cells: Sequence[Cell], seeds: Sequence[int], halve: bool) -> Comparison:
        """Train each cell with each seed, unless that is done already.

        All cells are trained with the first seed before any is with the second, so that a
        comparison that is not finished says something of each.

        Args:
            cells: With nothing left to the budget.
            seeds: Of the trainings of each cell.
            halve: Whether to drop the worse half at each quarter of the budget.

        Raises:
            Interrupted: A signal came; the same command continues.
            GancliError: All trainings failed; the status is theirs if they agree.
        """
        record = self._record
        record.command, record.seeds, record.dropped = self.command, [*seeds], {}
        record.compared = [cell.digest for cell in cells]
        record.cells |= {cell.digest: cell.name for cell in cells}
        # What failed is tried again, once.
        again = {_key(cell, seed) for cell in cells for seed in seeds}
        record.problems = {k: v for k, v in record.problems.items() if k not in again}
        self._save()
        self.reporter.note(self.sentence(cells, seeds, halve))
        once = Once(self.reporter)
        for part in _QUARTERS if halve else (1.0,):
            until = f", to {part:.0%} of the budget" if halve else ""
            running = [cell for cell in cells if cell.digest not in record.dropped]
            for number, seed in enumerate(seeds):
                for place, cell in enumerate(running):
                    title = f"Cell {place + 1} of {len(running)}, seed {number + 1} of {len(seeds)}"
                    self._train(cell, seed, part, title + until, once)
            if part < 1.0:
                self._drop(running, seeds, part)
        found = read_comparison(self.folder)
        if not any(outcome.scores for outcome in found.outcomes) and self._failures:
            codes = {error.exit_code for error in self._failures}
            raise GancliError(
                f"All trainings failed. The first: {self._failures[0].message}",
                self._failures[0].hint or f"{self.folder} holds what there is of them.",
                codes.pop() if len(codes) == 1 else RUNTIME,
            )
        return found

    def _drop(self, running: Sequence[Cell], seeds: Sequence[int], part: float) -> None:
        """Drop the worse half of the cells, unless one alone is left."""
        if len(running) < 2:
            return
        scores: dict[str, dict[int, float]] = {cell.name: {} for cell in running}
        for cell in running:
            for seed in seeds:
                score = measured(self._run(cell, seed), part).get("score")
                if score is not None:
                    scores[cell.name][seed] = score
        kept = {each.name for each in rank(scores)[: -(-len(running) // 2)]}
        for cell in running:
            if cell.name not in kept:
                self._record.dropped[cell.digest] = part
                self.reporter.note(f"Dropped at {part:.0%} of the budget: {cell.name}.")
        self._save()

    def _run(self, cell: Cell, seed: int) -> Path:
        return self.folder / _key(cell, seed)

    def _train(
        self, cell: Cell, seed: int, part: float, title: str, reporter: Reporter
    ) -> None:
        """Train a cell with a seed up to a part of its budget, and record what went wrong."""
        run, key = self._run(cell, seed), _key(cell, seed)
        if key in self._record.problems or _spent(run) >= part:
            return
        self.reporter.note(f"{title}: {cell.name}.")
        try:
            self._begin_or_resume(cell.with_seed(seed), run, part, reporter)
        except Interrupted as stopped:
            raise Interrupted(
                f"Stopped in {run}; what is trained so far is kept.",
                f"To continue, run the same command again: {self.command}", stopped.exit_code,
            ) from stopped
        except (GancliError, MemoryError, RuntimeError) as error:  # the last two are torch's
            problem = error if isinstance(error, GancliError) else _explained(error)
            self._failures.append(problem)
            sentences = f"{problem.message} {problem.hint}".strip()
            self._record.problems[key] = sentences
            self.reporter.warn(f"{cell.name}, seed {seed}: {sentences}")
        self._save()
        self._stop.check()  # a signal may have come as the training failed

    def _begin_or_resume(
        self, config: TrainConfig, run: Path, part: float, reporter: Reporter
    ) -> None:
        damage = "its config.toml is gone."
        if begun := is_run(run):
            try:
                read_record(run)
            except GancliError as error:
                begun, damage = False, error.message
        if begun:
            session.resume(
                run, str(self.source.path), reporter, modality_name=self.modality.name, until=part
            )
            return
        if run.is_dir() and any(each.name[0] != "." for each in run.iterdir()):
            raise GancliError(
                f"{run} is damaged: {damage}",
                "Remove the directory, and the same command trains it again.",
            )
        session.train(
            self.modality, config, self.source, run, reporter, command=self.command, force=False,
            until=part,
        )

    def _save(self) -> None:
        """Write what is known, and the page for those who watch."""
        self._record.write(self.folder)
        write_page(read_comparison(self.folder), live=True)

    def sentence(self, cells: Sequence[Cell], seeds: Sequence[int], halve: bool) -> str:
        """Return how much there is to train, in a sentence."""
        cells = [each for group in groups(cells) for each in self._as_decided(group) or group]
        budget, count = Budget.of(cells[0].config), len(cells) * len(seeds)
        spent = [_spent(self._run(cell, seed)) for cell in cells for seed in seeds]
        done = sum(part >= 1 for part in spent)
        sentence = f"{count} trainings of {budget} each"
        if done:
            sentence += f", {done} of them done" if done < count else ", all of them done"
        left = sum(max(0.0, 1 - part) for part in spent)
        if halve:
            # Each quarter of the budget goes to half as many cells.
            running, quarters = len(cells), 0
            for _ in _QUARTERS:
                quarters += running
                running = -(-running // 2)
            left = min(left, len(seeds) * quarters / 4)
            sentence += ", the worse half of the cells dropped at each quarter"
        if budget.kind == "time" and left:
            sentence += f": about {_roughly(left * budget.amount)}"
        return f"{sentence}."


def _with(
    cells: Sequence[Cell], decision: Mapping[str, Any], former: Mapping[str, str]
) -> list[Cell]:
    """Return cells with what was decided of the options that they leave open.

    Args:
        cells: The cells.
        decision: Values by option.
        former: Hashes to use instead of others.
    """
    settled = []
    for cell in cells:
        config = decided(cell.config, decision)
        name = digest(config)
        settled.append(Cell(cell.name, config, former.get(name, name)))
    return settled


def _key(cell: Cell, seed: int) -> str:
    """Return what comparison.json calls a training."""
    return f"{cell.digest}/seed-{seed}"


def _explained(error: MemoryError | RuntimeError) -> GancliError:
    """Return what torch raises of a training as a sentence; mostly there is not enough memory."""
    what = f"{error}".partition("\n")[0] or type(error).__name__
    if isinstance(error, MemoryError) or "memory" in what:
        return GancliError(
            "There was not enough memory.", "Choose a smaller --batch, size or width."
        )
    return GancliError(
        f"It failed: {what}", "Train it alone, with gancli train and -v, to see where."
    )


def _roughly(seconds: float) -> str:
    """Return a time as one says it beforehand."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def _spent(run: Path) -> float:
    """Return the part of its budget that a run has spent by its newest checkpoint.

    It is 1 only if the model of that is there, intact and measured; another is made again.
    """
    try:
        finished = finished_model(run)
        if finished is not None and finished.metrics.get("score") is not None:
            finished.weights.read()
            return 1.0
    except GancliError:
        return 0.0
    with suppress(GancliError):
        newest = checkpoints.newest(run / "checkpoints", lambda _: None)
        if newest is not None:
            now, budget = newest.state["progress"], Budget.of(read_record(run).config)
            return min(budget.progress(now["step"], now["items"], now["seconds"]), 0.999)
    return 0.0
