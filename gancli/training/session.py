"""A training from its first look at the data to the finished model."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gancli.artifacts import model
from gancli.artifacts.finding import finished_model, open_model
from gancli.artifacts.model import AnyModel, Model, Weights
from gancli.artifacts.networks import check_fit
from gancli.artifacts.outlook import Outlook
from gancli.artifacts.record import AnyRecord, RunRecord, read_record
from gancli.artifacts.report import write_report
from gancli.artifacts.run import Run
from gancli.config import TrainConfig
from gancli.data.source import Source, open_source
from gancli.errors import GancliError, UsageError
from gancli.layers import weights
from gancli.metrics.memorization import MANY, NEAR_TRAINING
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT
from gancli.reporting import Reporter
from gancli.runtime.devices import choose
from gancli.runtime.machine import machine
from gancli.runtime.signals import Stop
from gancli.runtime.threads import fixed
from gancli.sampling.guidance import Calibration
from gancli.sampling.seeds import CALIBRATION_SEEDS_FROM
from gancli.storage import checkpoints
from gancli.storage.checkpoints import Checkpoint
from gancli.training import speed, state
from gancli.training.budget import Budget
from gancli.training.calibration import calibrate, calibration_items
from gancli.training.experiment import AnyExperiment, Experiment
from gancli.training.extension import extended, extension_sentence
from gancli.training.fine_tuning import as_found, inspected, weights_kept
from gancli.training.hooks import (
    Hook,
    MetricsLog,
    Previews,
    Report,
    StatusLine,
    TensorBoard,
    event_writer,
)
from gancli.training.journal import Journal
from gancli.training.leading import Leader, leading
from gancli.training.outcome import failure, warnings
from gancli.training.recovery import Diverged, trained_together, weights_finite
from gancli.training.trainer import Trainer


def train(
    modality: Modality[SpecT, ConfigT, OptionsT],
    config: ConfigT,
    source: Source,
    run_path: Path,
    reporter: Reporter,
    *,
    command: str,
    force: bool,
    origin: AnyModel | None = None,
    origin_name: str = "",
    until: float = 1.0,
) -> Path:
    """Train a new run.

    Args:
        modality: What to generate.
        config: The person's choices.
        source: The data.
        run_path: Directory of the run.
        reporter: Receives notes, warnings and progress.
        command: The command line, for the record.
        force: Whether an existing run may be replaced.
        origin: The model whose weights the training starts from, or None for new ones.
        origin_name: Where that is, for the record.
        until: Part of the budget after which to pause; :func:`resume` continues.

    Returns:
        The folder of the finished model, or of the run if it paused.

    Raises:
        Interrupted: A signal came; the run can be resumed.
        Diverged: Training failed; the best model so far is kept.
        GancliError: Anything else that a person can mend.
    """
    reporter = journal = Journal(reporter)
    stopped = "Stopped before the first step, with nothing saved yet."
    with leading() as leader, Stop(stopped, f"Begin again with: {command}") as stop:
        leader.hint = stop.hint
        check(config, run_path, force)
        speed.use_threads(config)
        spec, sentences = inspected(modality, source, config, origin)
        if origin is not None:
            sentences.append(weights_kept(spec, config, origin))
            # Read now, since the model may be that of the run which --force replaces.
            weights_of = Weights.of(origin.weights.name, origin.weights.read())
            origin = replace(origin, weights=weights_of)
        for sentence in sentences:
            reporter.note(sentence)
        dataset = modality.loader().load(source, spec, as_found(config, origin), reporter)
        config = speed.sized(modality, spec, config, dataset, reporter)
        experiment = Experiment(modality, spec, config, dataset, origin)
        leader.admit(experiment, reporter)
        data = str(Path(source.path).absolute())
        record = RunRecord(modality, spec, config, data, source.name, command, origin_name)
        run = Run.create(run_path, record, reporter, force=force)
        try:
            stop.state = f"Stopped before the first step; {run_path} holds the options."
            stop.hint = _resume_hint(modality.name, run_path)
            return _train(experiment, record, run, journal, None, stop, until, leader)
        finally:
            run.close()


def check(config: TrainConfig, run_path: Path, force: bool) -> None:
    """Refuse what cannot be trained here or there, before the data is read.

    Args:
        config: The person's choices.
        run_path: Directory of the run.
        force: Whether an existing run may be replaced.

    Raises:
        GancliError: A device or a package is missing, or something is in the way.
    """
    fixed(config.threads)
    choose(config.device)
    if config.tensorboard:
        event_writer()
    Run.check(run_path, force)


def resume(
    run_path: Path, data: str | None, reporter: Reporter, *, modality_name: str,
    budget: Mapping[str, object] | None = None, command: str = "", until: float = 1.0,
) -> Path:
    """Continue a run exactly where its newest intact checkpoint is, or train it for longer.

    Args:
        run_path: Directory of the run.
        data: Where the data is now, if it moved.
        reporter: Receives notes, warnings and progress.
        modality_name: The modality that the person named.
        budget: How much more to train from here on, as the command line gives it; None keeps the
            budget that the run has. The networks stay as they are.
        command: The command line, for the record of a longer training.
        until: As for :func:`train`.

    Returns:
        The folder of the finished model.

    Raises:
        GancliError: As :func:`train`, or the run or its data is not there.
    """
    reporter = journal = Journal(reporter)
    quoted = shlex.quote(str(run_path))
    with leading() as leader, _opened(run_path, reporter) as run:
        record = read_record(run_path)
        name = record.modality.name
        if name != modality_name:
            raise UsageError(
                f"{run_path} is a run of {name}, not of {modality_name}.",
                f"Use: gancli train {name} --resume {quoted}",
            )
        newest = newest_checkpoint(run, record, reporter)
        if budget:
            now = state.Progress()
            if newest is not None:
                now = state.progress_of(newest)
                if now.budget is None:  # an older version did not say
                    newest.state["progress"]["budget"] = asdict(Budget.of(record.config))
            config = extended(record.config, now, budget)
            record = replace(record, config=config, command=f"{record.command} && {command}")
        elif newest is not None and _is_finished(run, record, newest):
            reporter.note(
                f"{run_path} is finished: its {Budget.of(record.config)} are done. To train it "
                f"for longer: gancli train {name} --resume {quoted} --time 10m (or --steps, or "
                "--images)."
            )
            return run.model
        try:
            source = open_source(data or record.data)
        except GancliError as error:
            raise GancliError(
                f"The run's data cannot be opened: {error.message}",
                f"If it moved, use: gancli train {name} DATA --resume {quoted}",
                error.exit_code,
            ) from error
        stopped = f"Stopped before training continued; {run_path} is unchanged."
        with Stop(stopped, _resume_hint(name, run_path)) as stop:
            leader.hint = _resume_hint(name, run_path)
            speed.use_threads(record.config)
            dataset = record.modality.loader().load(source, record.spec, record.config, reporter)
            origin = None
            if newest is None and record.origin:
                origin = open_model(record.origin, name, reporter.warn)
            experiment = Experiment(record.modality, record.spec, record.config, dataset, origin)
            leader.admit(experiment, reporter)
            if budget:
                run.write_record(record)
            run.mark()
            moved = replace(record, data=str(Path(source.path).absolute()))
            return _train(experiment, moved, run, journal, newest, stop, until, leader)


@contextmanager
def _opened(path: Path, reporter: Reporter) -> Iterator[Run]:
    run = Run.open(path, reporter)
    try:
        yield run
    finally:
        run.close()


def _resume_hint(name: str, path: Path) -> str:
    return f"Resume it with: gancli train {name} --resume {shlex.quote(str(path))}"


def newest_checkpoint(run: Run, record: AnyRecord, reporter: Reporter) -> Checkpoint | None:
    """Return the newest checkpoint that is intact and makes sense, or None before the first.

    Raises:
        GancliError: There are some but none is intact, they do not fit what the run records, or
            all are gone although it is finished.
    """
    newest = checkpoints.newest(run.checkpoints, reporter.warn, state.check)
    if newest is not None:
        check_fit(
            record.modality.trainable(), record.spec, record.config, state.shapes_of(newest),
            f"The checkpoint of step {newest.step:,} in {run.path}",
        )
    elif model.is_model(run.model):
        raise GancliError(
            f"{run.path} holds a model, but its checkpoints are gone, so it cannot be resumed.",
            f"Start a new run from it: gancli train {record.modality.name} --from "
            f"{shlex.quote(str(run.path))}",
        )
    elif steps := max((entry["step"] for entry in run.metrics()), default=0):
        reporter.warn(
            f"The checkpoints of {run.path} are gone, and {steps:,} steps with them: training "
            "starts again from the first."
        )
        run.cut_log(0)
    return newest


def _is_finished(run: Run, record: AnyRecord, newest: Checkpoint) -> bool:
    """Return whether the budget is spent and its model exists."""
    now = state.progress_of(newest)
    if Budget.of(record.config).progress(now.step, now.items, now.seconds) < 1:
        return False
    try:
        finished = finished_model(run.path)
        return finished is not None and bool(finished.weights.read())
    except GancliError:
        return False  # it is made again


def _train(
    experiment: AnyExperiment, record: AnyRecord, run: Run, reporter: Journal,
    newest: Checkpoint | None, stop: Stop, until: float, leader: Leader,
) -> Path:
    dataset = experiment.dataset
    leader.hint = f"{stop.hint}, on any number of processes."
    precision = speed.fast_precision(experiment, reporter)
    measured = f"{len(dataset.held_out):,} kept for measuring"
    if not dataset.guarded:
        measured = "and the same ones to measure with"
    reporter.note(
        f"Computing on {precision.device.type} in {precision.name}; "
        f"{len(dataset.train):,} items to train on, {measured}."
    )
    hooks = _hooks(experiment, run, reporter, 0 if newest is None else newest.step)
    trainer = Trainer(experiment, run, precision, reporter, hooks, leader)
    if newest is not None:
        trainer.take_up(newest)
        run.cut_log(newest.step)
        reporter.note(f"Continuing from step {newest.step:,}.")
        before = state.progress_of(newest)
        if sentence := extension_sentence(before, trainer.progress, trainer.phases):
            reporter.note(sentence)
            reporter.note(Outlook.of_log(run.metrics()).summary)
    leader.begin(record, precision, dataset.fingerprint)
    reporter.begin(trainer.log, lambda: trainer.progress.step, run.metrics(), machine(precision))
    try:
        try:
            trainer.train(stop, until)
        finally:
            for hook in hooks:
                hook.close()
    except Diverged as error:
        reporter.keep(error.message)
        kept = _salvage(trainer, record, error.message)
        raise Diverged(f"{error.message} {kept}", experiment.config) from error
    if trainer.fraction() < 1:
        return run.path
    stop.state = f"Stopped before the model was written; the training itself is in {run.path}."
    if reason := failure(trainer.progress.quality):
        reporter.keep(reason)
    finished = _export(trainer, record, reason)
    if reason:
        raise Diverged(f"{reason} The model is in {finished}.", experiment.config)
    return finished


def _hooks(experiment: AnyExperiment, run: Run, reporter: Reporter, step: int) -> list[Hook]:
    codec = experiment.modality.codec()(experiment.spec, experiment.config)
    hooks: list[Hook] = [MetricsLog(run), StatusLine(reporter, run)]
    hooks += [Previews(codec, run.samples), Report(run.path)]
    if experiment.config.tensorboard:
        hooks.append(TensorBoard(run.path / "tensorboard", step))
    return hooks


def _salvage(trainer: Trainer, record: AnyRecord, reason: str) -> str:
    """Keep what is good of a training that diverged, and return what that is."""
    quality = trainer.progress.quality
    if quality.best_step is not None:
        return f"The best model, of step {quality.best_step:,}, is in " + (
            f"{_export(trainer, record, reason)}."
        )
    networks = trainer.ema.network, trainer.networks.discriminator
    if quality.score is None and weights_finite(networks):  # perhaps good; nobody has looked
        return f"The generator as it was is in {_export(trainer, record, reason)}."
    write_report(trainer.run.path, {}, [reason])
    return "There is no model, since no generator was good."


def _export(trainer: Trainer, record: AnyRecord, failed: str = "") -> Path:
    """Write the best generator as the run's model, and the run's report.

    Args:
        trainer: At its end.
        record: Of the run.
        failed: Why the training failed, if it did.
    """
    run, now, quality = trainer.run, trainer.progress, trainer.progress.quality
    metrics: dict[str, Any] = {
        "steps": now.step, "items": now.items, "seconds": round(now.seconds, 1),
    }
    if not trainer.generator_settled and (best := trainer.best()) is not None:
        named = trained_together(trainer.networks.named(), trainer.optimizers)
        state.restore(best, named, trainer.ema, {})
    calibration = None
    if not trainer.phases[-1].trains_generator:  # but fits the discriminator for --guided
        calibration = _calibration(trainer)
    if calibration is not None:  # the discriminator's logits are finite
        metrics["guide_accuracy"] = round(calibration.accuracy, 4)
    measured = {  # what is not known is left out: a score of 0 would be the best there is
        "floor": quality.floor, "score": quality.best_score, "best_step": quality.best_step,
        "diversity": quality.best_diversity, "held_out": trainer.experiment.dataset.unseen,
    }
    metrics |= {name: round(value, 4) for name, value in measured.items() if value is not None}
    if quality.best_score is not None:
        metrics |= Outlook.of_log(run.metrics()).figures
    if now.attempt:
        metrics["roll_backs"] = now.attempt
    near = quality.best_notes.get(NEAR_TRAINING, 0.0)
    if near > MANY:
        metrics[NEAR_TRAINING] = round(near, 4)
    sentences = warnings(quality)
    for sentence in sentences:
        trainer.reporter.warn(sentence)
    problems = [failed] * bool(failed) + sentences
    networks = {
        "generator": trainer.ema.network, "discriminator": trainer.networks.discriminator
    }
    provenance = {"data": record.data_name, "command": record.command}
    finished = Model(
        record.modality, record.spec, record.config,
        Weights.of(str(run.model), weights.joined(networks)), calibration, metrics, provenance,
        problems,
    )
    model.save(finished, run.model)
    write_report(run.path, metrics, problems)
    return run.model


def _calibration(trainer: Trainer) -> Calibration | None:
    """Return the calibration of a finished training's discriminator on held-out data."""
    experiment = trainer.experiment
    trainer.networks.discriminator.eval()
    dataset = experiment.dataset
    held_out = calibration_items(dataset.held_out)
    drawable = dataset.drawable(held_out)
    items = dataset.take(drawable if len(drawable) else held_out)
    real, labels = experiment.modality.trainable().real(items, experiment.spec)
    first = CALIBRATION_SEEDS_FROM
    samples = trainer.averaged.sample(range(first, first + len(real)))
    return calibrate(
        trainer.averaged.engine, real.numpy(), None if labels is None else labels.numpy(), samples
    )
