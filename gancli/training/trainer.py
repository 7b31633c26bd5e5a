"""The one loop: phases, averaging, measuring, saving, and what happens when things go wrong."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from gancli.artifacts.run import Run
from gancli.config import parse_interval
from gancli.data.dataset import Dataset
from gancli.errors import DIVERGED, GancliError
from gancli.layers.recurrent import copied
from gancli.modalities.base import Modality, Scorer
from gancli.phases.base import Batch, NotFinite, Phase
from gancli.reporting import Reporter, Status
from gancli.runtime import threads
from gancli.runtime.memory import keep_freed
from gancli.runtime.precision import Compute
from gancli.runtime.signals import Stop
from gancli.sampling.engines.torch import generate
from gancli.storage import checkpoints
from gancli.training import measuring, state
from gancli.training.board import Board
from gancli.training.budget import Budget
from gancli.training.ema import Ema
from gancli.training.monitor import Schedule
from gancli.training.random import step_generator

_ROLL_BACKS = 3
_PREVIEWED = 64
_FIRST_PREVIEW = 50  # steps; the next ones at twice as many each
_ROUNDING = 1e-9  # of shares: a step at the very end of a phase is the next one's


class Diverged(GancliError):
    """Training could not be kept on course; the best model is kept."""


class Trainer:
    """A training in progress.

    Args:
        modality, spec, config, dataset: What is trained on what.
        run: Where it is written.
        compute: Device and precision.
        reporter: Who hears of it.
        scorer: The monitor's figure.
    """

    def __init__(
        self,
        modality: Modality,
        spec: Any,
        config: Any,
        dataset: Dataset,
        run: Run,
        compute: Compute,
        reporter: Reporter,
        scorer: Scorer,
    ) -> None:
        self.modality, self.spec, self.config = modality, spec, config
        self.dataset, self.run, self.compute = dataset, run, compute
        self.reporter, self.scorer = reporter, scorer
        self.budget = Budget.of(config)
        self.phases = modality.phases(spec, config, dataset)
        self.schedule = Schedule(self.budget, self.phases[-1].batch)
        self.progress = state.Progress()
        torch.manual_seed(config.seed)
        self.networks = modality.start(spec, config, dataset)
        for network in self.networks.values():
            network.to(compute.device).train()
        self.ema = Ema(self.networks["generator"], config.ema)
        self.optimizers = self.phases[0].optimizers(self.networks)
        self.save_seconds, self.save_steps = parse_interval(config.save_every)
        self.fixed = {"fingerprint": dataset.fingerprint}
        self._options = modality.sample_config_type()
        self.board: Board | None = None
        self._clock = 0.0

    # State

    def save(self) -> None:
        """Write a checkpoint; the best one before it is kept."""
        self.progress.saved = self.progress.seconds
        best = self.progress.quality.best_step
        checkpoints.save(
            self.run.checkpoints,
            state.capture(self.progress, self.networks, self.ema, self.optimizers, self.fixed),
            keep=set() if best is None else {best},
        )

    def take_up(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            GancliError: The data is not what the checkpoint was trained on.
        """
        if checkpoint.state["fixed"] != self.fixed:
            raise GancliError(
                "The data has changed since this run began.",
                "Name the original data after --resume RUN, or start a new run.",
            )
        self.progress = state.progress_of(checkpoint)
        self.optimizers = self.phases[self.progress.phase].optimizers(self.networks)
        state.restore(checkpoint, self.networks, self.ema, self.optimizers)

    def roll_back(self, what: str) -> None:
        """Return to the best checkpoint, or the newest, with half the learning rates."""
        now, root = self.progress, self.run.checkpoints
        if now.attempt >= _ROLL_BACKS:
            raise Diverged(
                f"{what}, for the fourth time at step {now.step:,}; the best model is kept.",
                "Try a lower --g-lr and --d-lr, or another --preset.",
                DIVERGED,
            )
        best = now.quality.best_step
        found = checkpoints.load(root, best) if best is not None else checkpoints.newest(
            root, self.reporter.warn
        )
        assert found is not None  # a run saves before its first step
        attempt, scale, seconds = now.attempt + 1, now.scale / 2, now.seconds
        phase = now.phase
        self.take_up(found)
        self.progress.ended = self.progress.ended or self.progress.phase < phase
        self.progress.attempt, self.progress.scale = attempt, scale
        self.progress.seconds = self.progress.saved = seconds
        self.progress.quality.worse = self.progress.quality.narrow = 0
        self.run.cut_log(self.progress.step)
        self.reporter.warn(
            f"{what}. Rolled back to step {self.progress.step:,} with half the learning rates."
        )
        self.log({"step": self.progress.step, "rolled_back": what})
        self.save()

    # One step

    def share(self) -> float:
        """Return the share of the budget that is spent."""
        return self.budget.progress(
            self.progress.step, self.progress.items, self.progress.seconds
        )

    def _phase(self) -> tuple[int, float, float]:
        """Return the number of the phase that is due, and where in the budget it begins and ends.

        A phase that ended early leaves its rest to those after it, in the ratio of their shares.
        """
        share = self.share()
        index, start = self.progress.phase, self.progress.start
        over, last = self.progress.ended, len(self.phases) - 1
        while index < last:
            rest = sum(phase.share for phase in self.phases[index:])
            length = self.phases[index].share / rest * (1 - start)
            if not over and share + _ROUNDING < start + length:
                return index, start, start + length
            index, start, over = index + 1, share if over else start + length, False
        return last, start, 1.0

    def _draw(self, phase: Phase, steps: int, step: int) -> Callable[[int], Batch]:
        def draw(k: int) -> Batch:
            items = self.dataset.take(
                self.dataset.batch(self.config.seed, step * steps + k, phase.batch)
            )
            return {
                name: torch.from_numpy(np.ascontiguousarray(values)).to(self.compute.device)
                for name, values in items.items()
            }

        return draw

    def _compute_step(
        self,
        phase: Phase,
        networks: dict[str, nn.Module],
        optimizers: dict[str, Optimizer],
        step: int,
    ) -> dict[str, float]:
        random = step_generator(
            self.compute.device, self.config.seed, 0, step, self.progress.attempt
        )
        draws = getattr(phase, "d_steps", 1)
        return phase.step(
            networks, optimizers, self._draw(phase, draws, step), random, step, self.compute
        )

    def step(self) -> dict[str, float]:
        """Do one step of the phase that is due.

        Raises:
            NotFinite: A loss or gradient was not finite.
        """
        index, start, end = self._phase()
        if index != self.progress.phase:
            self._enter(index, start)
        phase = self.phases[index]
        rate = phase.rate((self.share() - start) / (end - start)) * self.progress.scale
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                group["lr"] = group["initial_lr"] * rate
        losses = self._compute_step(phase, self.networks, self.optimizers, self.progress.step)
        self.progress.step += 1
        self.progress.items += phase.batch
        if phase.trains_generator:
            self.ema.update(self.networks["generator"], phase.batch, self.progress.items)
        return losses

    @property
    def settled(self) -> bool:
        """Whether the generator is what it will remain: the best of the whole run."""
        last = len(self.phases) - 1
        return self.progress.phase == last > 0 and not self.phases[last].trains_generator

    def _enter(self, index: int, start: float) -> None:
        """Begin a phase with the best generator of those before."""
        before, now = self.phases[self.progress.phase], self.progress
        if before.trains_generator:
            # A resumed run may have measured already.
            if before.stops_early and now.quality.looked < now.items:
                measuring.look(self)
            elif not before.stops_early and now.quality.last < self.share():
                measuring.measure(self)
            best = now.quality.best_step
            if best is not None and best != now.step:
                found = checkpoints.load(self.run.checkpoints, best)
                self.ema.network.load_state_dict(found.tensors["averaged"])
            if now.quality.best is None:
                measuring.score_best(self)
            self.networks["generator"].load_state_dict(self.ema.network.state_dict())
        self.phases[index].begin(self.networks)
        now.phase, now.start, now.ended = index, start, False
        self.optimizers = self.phases[index].optimizers(self.networks)

    def tune_threads(self) -> int:
        """Measure which thread count is fastest, on copies that are thrown away."""
        networks = {name: copied(network) for name, network in self.networks.items()}
        phase = self.phases[self._phase()[0]]
        optimizers = phase.optimizers(networks)
        # Step 1 is no lazy penalty's turn.
        best, medians = threads.fastest(
            lambda: self._compute_step(phase, networks, optimizers, 1)
        )
        tried = ", ".join(f"{count}: {1e3 * taken:.0f} ms" for count, taken in medians.items())
        self.reporter.note(f"Threads: {best}, the fastest of those measured ({tried} a step).")
        return best

    # What it has made

    def sample(self, count: int, first: int = 0) -> torch.Tensor:
        """Return items of the averaged generator for fixed seeds."""
        return self.sample_labelled(count, first)[0]

    def sample_labelled(self, count: int, first: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return items of the averaged generator and, with classes, their labels."""
        made, labels = [], []
        for start in range(first, first + count, 250):
            seeds = list(range(start, min(start + 250, first + count)))
            inputs = self.modality.generator_inputs(seeds, self.spec, self.config, self._options)
            made.append(generate(self.ema.network, inputs, self.compute.device))
            if "labels" in inputs:
                labels.append(torch.from_numpy(inputs["labels"]))
        return torch.cat(made), torch.cat(labels) if labels else None

    def log(self, entry: dict[str, Any]) -> None:
        """Record figures of a step."""
        self.run.log(entry)
        if self.board is not None:
            self.board.add(entry)

    def preview(self) -> None:
        """Write a grid of the fixed first seeds."""
        items = self.sample(_PREVIEWED)
        self.run.samples.mkdir(exist_ok=True)
        path = self.run.samples / f"step-{self.progress.step:07d}"
        self.modality.preview(items.numpy(), self.spec, path)

    # The loop

    def elapsed(self) -> float:
        """Return the seconds trained, and bring them up to date."""
        now = time.perf_counter()
        self.progress.seconds += now - self._clock
        self._clock = now
        return self.progress.seconds

    def train(self, stop: Stop) -> None:
        """Train until the budget is spent.

        Raises:
            Interrupted: A signal came; a checkpoint is written.
            Diverged: Three roll-backs did not help.
        """
        self._clock = time.perf_counter()
        if self.config.tensorboard:
            self.board = Board(self.run.path / "tensorboard", self.progress.step)
        try:
            self._train(stop)
        finally:
            if self.board is not None:
                self.board.close()

    def _train(self, stop: Stop) -> None:
        if self.progress.step == 0 and not checkpoints.steps(self.run.checkpoints):
            self.save()  # so that there is always something to roll back to
        keep_freed()
        wanted = threads.fixed(self.config.threads)
        count = wanted or self.tune_threads()
        torch.set_num_threads(count)
        watch, pace = threads.Watch(), _Pace()
        while self.share() < 1:
            started = time.perf_counter()
            try:
                losses = self.step()
            except NotFinite:
                self.roll_back("A loss or gradient was not a finite number")
                continue
            taken = time.perf_counter() - started
            self.elapsed()
            self._after_step(losses, pace.take(self.phases[-1].batch, taken), count)
            if stop.signal is not None:
                self.save()
                stop.check(self.modality.name, str(self.run.path), self.progress.step)
            if wanted is None and watch.jumped(taken):
                count = self.tune_threads()
                watch.reset()
        if self.progress.quality.last < 1 and not self.settled:
            measuring.measure(self)
        self.preview()
        self.save()

    def _after_step(self, losses: dict[str, float], pace: float, count: int) -> None:
        """Report, measure, save and preview where it is time to."""
        now, quality = self.progress, self.progress.quality
        share = self.share()
        if now.step % 10 == 0:
            self.log(
                {"step": now.step, "seconds": round(now.seconds, 3), **losses}
            )
        self.reporter.status(
            Status(
                step=now.step, progress=share, items_per_s=pace,
                seconds_left=self.budget.seconds_left(now.step, now.items, now.seconds),
                losses=losses, score=quality.score, best=quality.best,
                trend=None if quality.previous is None or quality.score is None
                else quality.score - quality.previous,
                threads=count, phase=self.phases[now.phase].name,
            )
        )
        phase = self.phases[now.phase]
        if phase.trains_generator and self.schedule.due(
            share, quality.last, now.seconds, quality.spent, quality.cost
        ):
            measuring.measure(self)
        elif phase.stops_early and self.schedule.look_due(
            now.items, quality.looked, len(self.dataset.train)
        ):
            measuring.look(self)
        if self.save_steps is not None:
            due = now.step % self.save_steps == 0
        else:
            due = now.seconds - now.saved >= (self.save_seconds or 0.0)
        if due:
            self.save()
        doublings = now.step / _FIRST_PREVIEW
        if doublings >= 1 and doublings.is_integer() and int(doublings).bit_count() == 1:
            self.preview()


class _Pace:
    """Items a second, smoothed over about twenty steps."""

    def __init__(self) -> None:
        self._value: float | None = None

    def take(self, items: int, seconds: float) -> float:
        now = items / max(seconds, 1e-9)
        self._value = now if self._value is None else 0.95 * self._value + 0.05 * now
        return self._value
