"""The one loop: phases, averaging, measuring, saving, and what happens when things go wrong."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import replace
from math import isclose
from typing import Any, SupportsFloat

import torch
from torch.optim import Optimizer

from gancli.artifacts.networks import torch_engine
from gancli.artifacts.run import Run
from gancli.config import parse_interval
from gancli.errors import DIVERGED, GancliError
from gancli.layers import weights
from gancli.layers.recurrent import copied
from gancli.modalities.base import Scorer
from gancli.phases.base import Losses, Networks, NotFinite, Phase
from gancli.reporting import Reporter, Status
from gancli.runtime.memory import keep_freed
from gancli.runtime.precision import Precision
from gancli.runtime.signals import Stop
from gancli.runtime.threads import ThreadTuner
from gancli.sampling.request import Sample, SampleRequest
from gancli.sampling.sampler import generate
from gancli.sampling.seeds import SCORED_SEEDS_FROM, STATISTICS_SEEDS_FROM
from gancli.storage import checkpoints
from gancli.training import state
from gancli.training.budget import Budget
from gancli.training.ema import Ema
from gancli.training.experiment import AnyExperiment
from gancli.training.hooks import Hook, StepEvent
from gancli.training.measurement import Measurement, measure
from gancli.training.monitor import Decision
from gancli.training.pace import Pace
from gancli.training.schedule import MeasurementSchedule, phase_due
from gancli.training.step import take_step

_MAX_ROLL_BACKS = 3
_LOG_EVERY = 10  # steps
_STATISTICS_ITEMS = 1_000  # that batch norm's statistics are taken from
_SAMPLED_TOGETHER = 250  # items, or fewer if they are large
_SAMPLED_VALUES = 1 << 22  # of these items: the activations of a picture are many times as many
_MEASURED_VALUES = 1 << 26  # of the items of a measurement, which are in memory at once


class Diverged(GancliError):
    """Training could not be kept on course; the best model is kept."""


class Trainer:
    """A training in progress.

    Args:
        experiment: What is trained on what.
        run: Where it is written.
        precision: Device and arithmetic.
        reporter: Hears of choices and trouble.
        scorer: Measures samples.
        hooks: Hear of steps and figures.
    """

    def __init__(
        self, experiment: AnyExperiment, run: Run, precision: Precision, reporter: Reporter,
        scorer: Scorer, hooks: Sequence[Hook] = (),
    ) -> None:
        modality, spec, config = experiment.modality, experiment.spec, experiment.config
        trainable = modality.trainable()
        self.experiment, self.run, self.precision = experiment, run, precision
        self.reporter, self.scorer, self.hooks = reporter, scorer, hooks
        self.budget = Budget.of(config)
        self.phases = trainable.phases(spec, config, experiment.dataset)
        self.schedule = MeasurementSchedule(self.budget, self.phases[-1].batch_size)
        self.progress = state.Progress()
        torch.manual_seed(config.seed)
        self.networks = trainable.start(spec, config, experiment.dataset)
        for network in self.networks.named().values():
            network.to(precision.device).train()
        self.ema = Ema(self.networks.generator, config.ema)
        self.optimizers = self.phases[0].optimizers(self.networks)
        self._save_seconds, self._save_steps = parse_interval(config.save_every)
        self._fixed = {"fingerprint": experiment.dataset.fingerprint}
        self._codec = modality.codec()(spec, config)
        values = experiment.dataset.item_values()
        together = max(1, min(_SAMPLED_TOGETHER, _SAMPLED_VALUES // values))
        self._sampling = replace(modality.options_type(), batch=together)
        most = max(2, _MEASURED_VALUES // values)
        self._measured = min(self.schedule.samples, most)
        self._statistics = range(
            STATISTICS_SEEDS_FROM, STATISTICS_SEEDS_FROM + min(_STATISTICS_ITEMS, most)
        )
        self.engine = torch_engine(
            trainable, self.ema.network, self.networks.discriminator, precision.device, tile=None
        )
        self._clock = 0.0
        self._threads = ThreadTuner(config.threads, self._trial, reporter.note)
        self._pace = Pace()

    # The loop

    def train(self, stop: Stop) -> None:
        """Train until the budget is spent.

        Raises:
            Interrupted: A signal came; a checkpoint is written.
            Diverged: Three roll-backs did not help.
        """
        self._clock = time.perf_counter()
        if self.progress.step == 0 and not checkpoints.steps(self.run.checkpoints):
            self.save()  # so that there is always something to roll back to
        keep_freed()
        self._threads.start()
        self._renew_best_score()
        losses: Losses = {}
        while self.fraction() < 1:
            started = time.perf_counter()
            try:
                losses = self.step()
            except NotFinite:
                self.roll_back("A loss or gradient was not a finite number")
                continue
            seconds = time.perf_counter() - started
            self.elapsed()
            self._pace.record(self.phases[-1].batch_size, seconds)
            self._after_step(losses)
            if stop.signal is not None:
                self.save()
                name = self.experiment.modality.name
                stop.check(name, str(self.run.path), self.progress.step)
            self._threads.after_step(seconds)
        if self.progress.quality.measured_at < 1 and not self.generator_settled:
            self.measure()
        for hook in self.hooks:
            hook.on_end(self._event(losses))
        self.save()

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
        lr_factor = phase.lr_factor((self.fraction() - start) / (end - start)) * now.lr_scale
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                group["lr"] = group["initial_lr"] * lr_factor
        losses = self._compute_step(phase, self.networks, self.optimizers, now.step)
        now.step += 1
        now.items += phase.batch_size
        if phase.trains_generator:
            self.ema.update(self.networks.generator, phase.batch_size, now.items)
        return losses

    def _after_step(self, losses: Losses) -> None:
        """Log, measure and save where it is time to."""
        now, quality, phase = self.progress, self.progress.quality, self.phase
        if now.step % _LOG_EVERY == 0:
            figures = {name: float(loss) for name, loss in losses.items()}
            self.log({"step": now.step, "seconds": round(now.seconds, 3), **figures})
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
        return phase_due(
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
            best = now.quality.best_step
            if best is not None and best != now.step:
                checkpoint = checkpoints.load(self.run.checkpoints, best)
                weights.load(self.ema.network, checkpoint.arrays["ema"])
            if now.quality.best_score is None:
                self._score_best()
            self.networks.generator.load_state_dict(self.ema.network.state_dict())
        self.phases[index].begin(self.networks)
        now.phase, now.phase_start, now.phase_ended = index, start, False
        self.optimizers = self.phases[index].optimizers(self.networks)

    def _compute_step(
        self, phase: Phase, networks: Networks, optimizers: Mapping[str, Optimizer], step: int
    ) -> Losses:
        experiment = self.experiment
        return take_step(
            phase, networks, optimizers, experiment.dataset, self.precision,
            experiment.config.seed, step, self.progress.attempt,
        )

    def _trial(self) -> Callable[[], object]:
        """Return a step of the phase that is due, on copies that are thrown away."""
        networks = Networks(
            copied(self.networks.generator), copied(self.networks.discriminator),
            {name: copied(network) for name, network in self.networks.extra.items()},
        )
        phase = self.phases[self._phase_due()[0]]
        optimizers = phase.optimizers(networks)

        def step() -> None:
            with suppress(NotFinite):  # training's own steps say so
                # Lazy penalties do not run in step 1.
                self._compute_step(phase, networks, optimizers, 1)

        return step

    # Quality

    def sample(self, seeds: Sequence[int]) -> list[Sample]:
        """Return the averaged generator's samples of seeds."""
        self._settle_average()
        return list(self._draw(seeds))

    def _settle_average(self) -> None:
        """Bring the averaged generator's statistics up to date, as sampling and saving need."""
        # Drawn and dropped: a thousand large pictures are not kept.
        self.ema.take_statistics(lambda: deque(self._draw(self._statistics), maxlen=0))

    def _draw(self, seeds: Sequence[int]) -> Iterator[Sample]:
        requests = [SampleRequest(seed) for seed in seeds]
        return generate(self.engine, self._codec, requests, self._sampling)

    def measure(self) -> None:
        """Measure the averaged generator, and act on what the monitor says."""
        started = time.perf_counter()
        now, quality = self.progress, self.progress.quality
        measurement = self._measurement(self.scorer.loss(self.ema.network))
        decision = quality.record(now.step, measurement, latest=self.phase.stops_early)
        quality.measurement_seconds = time.perf_counter() - started
        quality.measuring_seconds += quality.measurement_seconds
        self._log_measurement(measurement, {"best": decision.best})
        quality.measured_at, quality.loss_items = self.fraction(), now.items
        self._act(decision)

    def measure_loss(self) -> None:
        """Take the averaged generator's held-out loss, and act on what the monitor says."""
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
        quality.record_best(measurement)
        self._log_measurement(measurement, {"best": True, "best_step": quality.best_step})
        self.save()  # a resumed run shall not do it again

    def _renew_best_score(self) -> None:
        """Score the best generator anew, if that was done by the measure of another version."""
        quality = self.progress.quality
        if quality.best_step is None or quality.best_score is None:
            return
        if quality.floor is not None and isclose(quality.floor, self.scorer.floor, rel_tol=1e-3):
            return
        current = deepcopy(self.ema.network.state_dict())
        best = checkpoints.load(self.run.checkpoints, quality.best_step)
        weights.load(self.ema.network, best.arrays["ema"])
        quality.record_best(self._measurement(quality.best_loss))
        quality.score, quality.previous = quality.best_score, None
        self.ema.network.load_state_dict(current)

    def _measurement(self, loss: float | None) -> Measurement:
        self.progress.quality.floor = self.scorer.floor
        seeds = range(SCORED_SEEDS_FROM, SCORED_SEEDS_FROM + self._measured)
        return measure(self.sample(seeds), self.scorer, loss)

    def _log_measurement(self, measurement: Measurement, verdict: Mapping[str, Any]) -> None:
        now, loss = self.progress, measurement.loss
        self.log(
            {"step": now.step, "items": now.items, "seconds": round(self.elapsed(), 3),
             "score": measurement.score, "floor": self.scorer.floor,
             "diversity": measurement.diversity, **verdict,
             **({} if loss is None else {"held_out_loss": loss}), **measurement.notes}
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
        """Write a checkpoint; the best one before it is kept."""
        self._settle_average()
        self.progress.saved_at = self.progress.seconds
        best = self.progress.quality.best_step
        checkpoint = state.capture(
            self.progress, self.networks.named(), self.ema, self.optimizers, self._fixed
        )
        checkpoints.save(self.run.checkpoints, checkpoint, set() if best is None else {best})

    def take_up(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            GancliError: The data is not what the checkpoint was trained on.
        """
        if checkpoint.state["fixed"] != self._fixed:
            raise GancliError(
                "The data has changed since this run began.",
                "Name the original data after --resume RUN, or start a new run.",
            )
        self.progress = state.progress_of(checkpoint)
        self.optimizers = self.phase.optimizers(self.networks)
        state.restore(checkpoint, self.networks.named(), self.ema, self.optimizers)

    def take_up_best(self) -> None:
        """Take the networks of the best generator, where there is one."""
        step = self.progress.quality.best_step
        if step is not None:
            best = checkpoints.load(self.run.checkpoints, step)
            state.restore(best, self.networks.named(), self.ema, {})

    def roll_back(self, reason: str) -> None:
        """Return to the best checkpoint, or the newest, with half the learning rates.

        Raises:
            Diverged: It was the fourth time.
        """
        before, root = self.progress, self.run.checkpoints
        if before.attempt >= _MAX_ROLL_BACKS:
            raise Diverged(
                f"{reason}, for the fourth time at step {before.step:,}; the best model is kept.",
                "Try a lower --g-lr and --d-lr, or another --preset.",
                DIVERGED,
            )
        best = before.quality.best_step
        checkpoint = (
            checkpoints.newest(root, self.reporter.warn) if best is None
            else checkpoints.load(root, best)
        )
        assert checkpoint is not None  # a run saves before its first step
        self.take_up(checkpoint)
        now = self.progress
        now.phase_ended = now.phase_ended or now.phase < before.phase
        now.attempt, now.lr_scale = before.attempt + 1, before.lr_scale / 2
        now.seconds = now.saved_at = before.seconds
        now.quality.forget_trouble()
        self.run.cut_log(now.step)
        self.reporter.warn(
            f"{reason}. Rolled back to step {now.step:,} with half the learning rates."
        )
        self.log({"step": now.step, "rolled_back": reason})
        self._renew_best_score()
        self.save()

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
        now, quality = self.progress, self.progress.quality
        status = Status(
            step=now.step, progress=self.fraction(), items_per_s=self._pace.value,
            seconds_left=self.budget.seconds_left(now.step, now.items, now.seconds),
            losses=losses, score=quality.score, best=quality.best_score, trend=quality.trend,
            threads=self._threads.count, phase=self.phase.name,
        )
        return StepEvent(status, self.sample, self.paused)
