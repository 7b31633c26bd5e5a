"""The one loop: phases, averaging, measuring, saving, and what happens when things go wrong."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from math import isclose
from typing import Any, SupportsFloat

import torch

from gancli.artifacts.outlook import meaning
from gancli.artifacts.run import Run
from gancli.config import parse_interval
from gancli.errors import GancliError
from gancli.layers import weights
from gancli.modalities.base import Scorer
from gancli.phases.base import Losses, NotFinite, Phase, all_finite
from gancli.reporting import Reporter, Status
from gancli.runtime.memory import keep_freed
from gancli.runtime.precision import Precision
from gancli.runtime.ranks import ALONE
from gancli.runtime.signals import Stop
from gancli.runtime.threads import ThreadTuner
from gancli.sampling.seeds import SCORED_SEEDS_FROM
from gancli.storage import checkpoints
from gancli.training import recovery, schedule, state
from gancli.training.averaged import AveragedSampler
from gancli.training.budget import Budget
from gancli.training.ema import Ema
from gancli.training.experiment import AnyExperiment
from gancli.training.extension import rebased
from gancli.training.feed import Feed
from gancli.training.hooks import Hook, StepEvent
from gancli.training.leading import Leader
from gancli.training.measurement import Measurement, measure
from gancli.training.monitor import Decision
from gancli.training.pace import Pace
from gancli.training.recovery import Diverged
from gancli.training.step import take_step, trial

_LOG_EVERY = 10  # steps
_NOT_FINITE = "A loss or gradient was not a finite number"
_EXPLODED = 1e9  # a loss: single precision has nothing left to learn from by then


class Trainer:
    """A training in progress.

    Args:
        experiment: What is trained on what.
        run: Where it is written.
        precision: Device and arithmetic.
        reporter: Receives notes and warnings.
        hooks: Receive steps and figures.
        leader: Of the processes that train together, or None for this one alone.
    """

    def __init__(
        self, experiment: AnyExperiment, run: Run, precision: Precision, reporter: Reporter,
        hooks: Sequence[Hook] = (), leader: Leader | None = None,
    ) -> None:
        modality, spec, config = experiment.modality, experiment.spec, experiment.config
        trainable = modality.trainable()
        self.experiment, self.run, self.precision = experiment, run, precision
        self.reporter, self.hooks = reporter, hooks
        self._leader = leader or Leader(ALONE)
        self.budget = Budget.of(config)
        self.phases = trainable.phases(spec, config, experiment.dataset)
        self.schedule = schedule.MeasurementSchedule(self.budget, self.phases[-1].batch_size)
        self.progress = state.Progress(budget=self.budget)
        torch.manual_seed(config.seed)
        self.networks = experiment.start()
        for network in self.networks.named().values():
            network.to(precision.device).train()
        self.ema = Ema(self.networks.generator, config.ema)
        self.optimizers = self.phases[0].optimizers(self.networks)
        self._save_seconds, self._save_steps = parse_interval(config.save_every)
        self._fixed = {"fingerprint": experiment.dataset.fingerprint}
        self.averaged = AveragedSampler(
            experiment, self.ema, self.networks.discriminator, precision.device
        )
        self._measured = min(self.schedule.samples, self.averaged.max_items)
        self._feed = Feed(experiment.dataset, precision.device)
        self._scorer: Scorer | None = None
        self._clock = 0.0
        self._threads = ThreadTuner(config.threads, self._trial, reporter.note)
        self._pace = Pace()

    # The loop

    def train(self, stop: Stop, until: float = 1.0) -> None:
        """Train until so much of the budget is spent.

        Raises:
            Interrupted: A signal came; a checkpoint is written.
            Diverged: Three roll-backs did not help.
        """
        self._clock = time.perf_counter()
        if self.progress.step == 0 and not checkpoints.steps(self.run.checkpoints):
            self.save()  # so that there is always something to roll back to
        keep_freed()
        self._threads.start()
        if self.progress.quality.best_lost:
            self.measure()
        losses: Losses = {}
        with stop.deferred():
            while not self._is_over(until):
                started = time.perf_counter()
                try:
                    losses = self.step()
                except NotFinite:
                    self.roll_back(_NOT_FINITE)
                    continue
                seconds = time.perf_counter() - started
                self.elapsed()
                self._pace.record(seconds)
                self._after_step(losses)
                stop.signal = stop.signal or self._leader.signal
                if stop.signal is not None:
                    break
                self._threads.after_step(seconds)
            else:
                for hook in self.hooks:
                    hook.on_end(self._event(losses))
            self.save()
            step, path = self.progress.step, self.run.path
            stop.state = f"Stopped at step {step:,}; its checkpoint is in {path}."
        stop.check()  # a signal may have come as late as that

    def _is_over(self, until: float) -> bool:
        """Return whether so much of the budget is spent, after measuring what it made."""
        if self.fraction() < until:
            return False
        if self.generator_settled:
            self._went_back()
        elif self.progress.quality.measured_at < until:
            self.measure()  # which may roll back, too, so that there is more to do
        return self.fraction() >= until

    def step(self) -> Losses:
        """Do one step of the phase that is due.

        Raises:
            NotFinite: A loss or gradient was not finite.
        """
        index, start, end = self._phase_due()
        while index != self.progress.phase:
            self._enter(index, start)
            index, start, end = self._phase_due()
        now, phase = self.progress, self.phases[index]
        progress = schedule.lr_progress(self.fraction(), start, end, now.lr_start)
        factor = phase.lr_factor(progress) * now.lr_scale
        schedule.set_learning_rates(self.optimizers.values(), factor)
        own, seed = (self.networks, self.optimizers), self.experiment.config.seed
        with self._leader.step(index, now.step, now.attempt, factor, *own) as ranks:
            losses = take_step(
                phase, *own, self._feed, self.precision, seed, now.step, now.attempt, ranks
            )
        now.step += 1
        now.items += phase.batch_size
        if phase.trains_generator:
            self.ema.update(self.networks.generator, phase.batch_size, now.items)
        return losses

    def _after_step(self, losses: Losses) -> None:
        """Log, measure and save where it is time to."""
        now, quality, phase = self.progress, self.progress.quality, self.phase
        if now.step % _LOG_EVERY == 0:
            if self._went_back():
                return
            figures = {name: float(loss) for name, loss in losses.items()}
            self.log({"step": now.step, "seconds": round(now.seconds, 3), **figures})
            if any(abs(value) > _EXPLODED for value in figures.values()):
                self.roll_back(f"Training diverged: a loss is beyond {_EXPLODED:g}")
                return
        event = self._event(losses)
        for hook in self.hooks:
            hook.on_step(event)
        if phase.trains_generator and self.schedule.due(
            self.fraction(), quality.measured_at, now.seconds, quality.measuring_seconds,
            quality.measurement_seconds,
        ):
            self.measure()
        elif phase.stops_early and self.schedule.loss_due(
            now.items, quality.loss_items, len(self.experiment.dataset.train)
        ):
            self.measure_loss()
        if self._save_due():
            self.save()

    def _save_due(self) -> bool:
        if self._save_steps is not None:
            return self.progress.step % self._save_steps == 0
        return self.progress.seconds - self.progress.saved_at >= (self._save_seconds or 0.0)

    # Phases

    @property
    def phase(self) -> Phase:
        """The phase that was last at work."""
        return self.phases[self.progress.phase]

    @property
    def generator_settled(self) -> bool:
        """Whether the generator is what it will remain: the best of the whole run."""
        last = len(self.phases) - 1
        return self.progress.phase == last > 0 and not self.phases[last].trains_generator

    def fraction(self) -> float:
        """Return the fraction of the budget that is spent."""
        now = self.progress
        return self.budget.progress(now.step, now.items, now.seconds)

    def _phase_due(self) -> tuple[int, float, float]:
        now = self.progress
        return schedule.phase_due(
            self.phases, self.fraction(), now.phase, now.phase_start, now.phase_ended
        )

    def _enter(self, index: int, start: float) -> None:
        """Begin a phase with the best generator of those before."""
        before, now = self.phase, self.progress
        if before.trains_generator:
            # A resumed run may have measured already.
            if before.stops_early and now.quality.loss_items < now.items:
                self.measure_loss()
            elif not before.stops_early and now.quality.measured_at < self.fraction():
                self.measure()
            if self.progress is not now:
                return  # rolled back, so that another phase may be due
            if now.quality.best_step != now.step and (best := self.best()) is not None:
                weights.load(self.ema.network, best.arrays["ema"])
            if now.quality.best_step is None:
                self.measure()  # the best is lost
            if now.quality.best_score is None:
                self._score_best()
            if self.progress is not now:
                return
            self.networks.generator.load_state_dict(self.ema.network.state_dict())
        if not now.lr_start:  # or else a longer training fits again what was fitted before
            self.phases[index].begin(self.networks)
        now.phase, now.phase_start, now.phase_ended, now.lr_start = index, start, False, 0.0
        self.optimizers = self.phases[index].optimizers(self.networks)

    def _trial(self) -> Callable[[], object]:
        """Return a step of the phase that is due, on copies that are thrown away."""
        phase, seed = self.phases[self._phase_due()[0]], self.experiment.config.seed
        return trial(phase, self.networks, self._feed, self.precision, seed)

    # Quality

    @property
    def scorer(self) -> Scorer:
        """What measures samples, made when it is first needed: that takes seconds."""
        if self._scorer is None:
            experiment = self.experiment
            self.reporter.note(f"Preparing the score. {meaning(experiment.modality)}")
            with self.paused():
                self._scorer = experiment.modality.trainable().scorer(
                    experiment.dataset, experiment.spec, experiment.config, 0
                )
        return self._scorer

    def measure(self) -> None:
        """Measure the averaged generator, and act on what the monitor says."""
        if self._went_back():
            return
        scorer = self.scorer  # making it is not what a measurement costs
        self._renew_best_score()
        started = time.perf_counter()
        now, quality = self.progress, self.progress.quality
        measurement = self._measurement(scorer.loss(self.ema.network))
        decision = quality.record(now.step, measurement, latest=self.phase.stops_early)
        quality.measurement_seconds = time.perf_counter() - started
        quality.measuring_seconds += quality.measurement_seconds
        self._log_measurement(measurement, {"best": decision.best})
        quality.measured_at, quality.loss_items = self.fraction(), now.items
        self._act(decision)

    def measure_loss(self) -> None:
        """Take the averaged generator's held-out loss, and act on what the monitor says."""
        if self._went_back():
            return
        now, loss = self.progress, self.scorer.loss(self.ema.network)
        assert loss is not None  # or the phase could not end by it
        decision = now.quality.record_loss(now.step, loss)
        self.log(
            {"step": now.step, "items": now.items, "seconds": round(self.elapsed(), 3),
             "best": decision.best, "held_out_loss": loss}
        )
        now.quality.loss_items = now.items
        self._act(decision)

    def _score_best(self) -> None:
        """Score a best generator of which only the loss is known; what follows is compared."""
        quality = self.progress.quality
        measurement = self._measurement(quality.best_loss)
        decision = quality.record_best(measurement)
        self._log_measurement(
            measurement, {"best": decision.best, "best_step": quality.best_step}
        )
        self._act(decision)  # and save: a resumed run shall not do it again

    def _renew_best_score(self) -> None:
        """Score the best generator anew, if that was done by another measure."""
        quality, floor = self.progress.quality, self.scorer.floor
        if quality.floor is not None and isclose(quality.floor, floor, rel_tol=1e-3):
            return
        if quality.best_score is None or (best := self.best()) is None:
            return
        self.averaged.settle()
        current = deepcopy(self.ema.network.state_dict())
        weights.load(self.ema.network, best.arrays["ema"])
        quality.record_best(self._measurement(quality.best_loss))
        self.ema.network.load_state_dict(current)

    def _measurement(self, loss: float | None) -> Measurement:
        self.progress.quality.floor = self.scorer.floor
        seeds = range(SCORED_SEEDS_FROM, SCORED_SEEDS_FROM + self._measured)
        return measure(self.averaged.sample(seeds), self.scorer, loss)

    def _log_measurement(self, measurement: Measurement, verdict: Mapping[str, Any]) -> None:
        now, loss = self.progress, measurement.loss
        self.log(
            {"step": now.step, "items": now.items, "seconds": round(self.elapsed(), 3),
             "score": measurement.score, "floor": self.scorer.floor,
             "held_out": self.experiment.dataset.unseen, "diversity": measurement.diversity,
             **verdict, **({} if loss is None else {"held_out_loss": loss}), **measurement.notes}
        )

    def _act(self, decision: Decision) -> None:
        now = self.progress
        if decision.overfits and self.phase.stops_early and not now.phase_ended:
            now.phase_ended = True
            self.reporter.note(
                f"The held-out loss rises: the {self.phase.name} phase ends early, and its best "
                "is kept."
            )
        if decision.best:
            self.save()
        elif decision.trouble:
            self.roll_back(decision.trouble)

    # State

    def save(self) -> None:
        """Write a checkpoint; the best one before it is kept, or else the first."""
        if self._went_back():
            return
        now, best = self.progress, self.progress.quality.best_step
        if now.step:  # before the first step there is nothing worth sampling
            self.averaged.settle()
        now.saved_at = now.seconds
        checkpoint = state.capture(
            now, self.networks.named(), self.ema, self.optimizers, self._fixed
        )
        checkpoints.save(self.run.checkpoints, checkpoint, {best or 0})

    def take_up(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Go on from a checkpoint, whose budget may have been another.

        Raises:
            GancliError: The data is not what the checkpoint was trained on.
        """
        now = state.progress_of(checkpoint, len(self.phases))
        if checkpoint.state["fixed"] != self._fixed:
            raise GancliError(
                "The data has changed since this run began.",
                "Name the original data after --resume RUN, or start a new run.",
            )
        self.progress = rebased(now, self.budget, self.phases)
        self.optimizers = self.phase.optimizers(self.networks)
        best = None if now.quality.best_step == now.step else self.best()
        named = self.networks.named()
        if best is not None and best.state["progress"]["phase"] == self.progress.phase < now.phase:
            state.restore(checkpoint, named, self.ema, {})
            checkpoint = best  # the same generator, with what it was trained beside
            named = recovery.trained_together(named, self.optimizers)
        state.restore(checkpoint, named, self.ema, self.optimizers)

    def best(self) -> checkpoints.Checkpoint | None:
        """Return the checkpoint of the best generator, unless there is none or it is damaged."""
        root, quality = self.run.checkpoints, self.progress.quality
        return recovery.best(root, quality, len(self.phases), self.reporter.warn)

    def _went_back(self) -> bool:
        """Roll back if the device reports only now that an update was not finite."""
        if all_finite(self.optimizers.values()):
            return False
        self.roll_back(_NOT_FINITE)
        return True

    def roll_back(self, reason: str) -> None:
        """Return to the best checkpoint, with half the learning rates.

        Raises:
            Diverged: It was the fourth time, or nothing is good and no time is left.
        """
        before, root = self.progress, self.run.checkpoints
        spent = self.fraction() if self.budget.kind == "time" else 0.0  # a clock does not go back
        if not recovery.may_roll_back(before, spent):
            raise Diverged(
                f"{reason}, at step {before.step:,} (roll-backs: {before.attempt}).",
                self.experiment.config,
            )
        known = before.quality.best_step is not None
        self.take_up(self.best() or recovery.without_best(root, known, self.reporter.warn))
        now = self.progress
        recovery.carry_over(before, now)
        if now.quality.best_score is not None:
            now.quality.measured_at = self.fraction()  # this generator was, when it became the best
        self.run.cut_log(step := now.step)
        self.reporter.warn(f"{reason}. Rolled back to step {step:,} with half the learning rates.")
        self.log({"step": step, "rolled_back": reason})
        self.save()
        checkpoints.remove_after(root, now.step)

    # What is told

    def elapsed(self) -> float:
        """Return the seconds trained, and bring them up to date."""
        now = time.perf_counter()
        self.progress.seconds += now - self._clock
        self._clock = now
        return self.progress.seconds

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Give a context whose time does not count as training."""
        self.elapsed()
        try:
            yield
        finally:
            self._clock = time.perf_counter()

    def log(self, entry: Mapping[str, Any]) -> None:
        """Give figures of a step, and its phase, to the hooks."""
        for hook in self.hooks:
            hook.on_log({**entry, "phase": self.phase.name})

    def _event(self, losses: Mapping[str, SupportsFloat]) -> StepEvent:
        now = self.progress
        status = Status(
            step=now.step, progress=self.fraction(), steps_per_s=self._pace.value,
            seconds_left=self.budget.seconds_left(now.step, now.items, now.seconds),
            losses=losses, threads=self._threads.count, phase=self.phase.name,
            **now.quality.figures(self.generator_settled),
        )
        return StepEvent(status, self.averaged.sample, self.paused)
