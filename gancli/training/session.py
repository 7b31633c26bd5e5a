"""A training from its first look at the data to the finished model."""

from pathlib import Path
from typing import Any

import torch

from gancli.artifacts import model
from gancli.artifacts.model import Model, Weights
from gancli.artifacts.record import AnyRecord, RunRecord, read_record
from gancli.artifacts.report import write_report
from gancli.artifacts.run import Run
from gancli.config import TrainConfig
from gancli.data.dataset import Dataset
from gancli.data.source import Source, open_source
from gancli.errors import GancliError, UsageError
from gancli.layers import weights
from gancli.metrics.memorization import MANY, NEAR_TRAINING
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT
from gancli.reporting import Reporter
from gancli.runtime.devices import choose
from gancli.runtime.machine import machine
from gancli.runtime.precision import Precision
from gancli.runtime.signals import Stop
from gancli.runtime.threads import fixed
from gancli.sampling.guidance import Calibration
from gancli.sampling.seeds import CALIBRATION_SEEDS_FROM
from gancli.storage import checkpoints
from gancli.training.budget import Budget
from gancli.training.calibration import MAX_ITEMS, calibrate
from gancli.training.experiment import AnyExperiment, Experiment
from gancli.training.hooks import Hook, MetricsLog, Previews, Report, StatusLine, TensorBoard
from gancli.training.journal import Journal
from gancli.training.speed import arithmetics, fastest, step_seconds
from gancli.training.trainer import Diverged, Trainer


def train(
    modality: Modality[SpecT, ConfigT, OptionsT],
    config: ConfigT,
    source: Source,
    run_path: Path,
    reporter: Reporter,
    *,
    command: str,
    force: bool,
) -> Path:
    """Train a new run.

    Args:
        modality: What to generate.
        config: The person's choices.
        source: The data.
        run_path: Directory of the run.
        reporter: Who hears of it.
        command: The command line, for the record.
        force: Whether a run that is there may be replaced.

    Returns:
        The folder of the finished model.

    Raises:
        Interrupted: A signal came; the run can be resumed.
        Diverged: Training failed; the best model so far is kept.
        GancliError: Anything else that a person can mend.
    """
    reporter = journal = Journal(reporter)
    # A usage error should not wait for the data.
    _use_threads(config)
    choose(config.device)
    Run.check(run_path, force)
    loader = modality.loader()
    spec, sentences = loader.inspect(source, config)
    for sentence in sentences:
        reporter.note(sentence)
    dataset = loader.load(source, spec, config, reporter)
    config = sized(modality, spec, config, dataset, reporter)
    data = str(Path(source.path).absolute())
    record = RunRecord(modality, spec, config, data, source.name, command)
    run = Run.create(run_path, record, force)
    try:
        experiment = Experiment(modality, spec, config, dataset)
        return _train(experiment, record, run, journal)
    finally:
        run.close()


def resume(run_path: Path, data: str | None, reporter: Reporter, *, modality_name: str) -> Path:
    """Continue a run exactly where its newest intact checkpoint is.

    Args:
        run_path: Directory of the run.
        data: Where the data is now, if it moved.
        reporter: Who hears of it.
        modality_name: The modality that the person named.

    Returns:
        The folder of the finished model.

    Raises:
        GancliError: As :func:`train`, or the run or its data is not there.
    """
    reporter = journal = Journal(reporter)
    run = Run.open(run_path)
    try:
        record = read_record(run_path)
        name = record.modality.name
        if name != modality_name:
            raise UsageError(
                f"{run_path} is a run of {name}, not of {modality_name}.",
                f"Use: gancli train {name} --resume {run_path}",
            )
        try:
            source = open_source(data or record.data)
        except GancliError as error:
            raise GancliError(
                f"The run's data cannot be opened: {error.message}",
                f"If it moved, use: gancli train {name} DATA --resume {run_path}",
                error.exit_code,
            ) from error
        _use_threads(record.config)
        dataset = record.modality.loader().load(source, record.spec, record.config, reporter)
        experiment = Experiment(record.modality, record.spec, record.config, dataset)
        return _train(experiment, record, run, journal)
    finally:
        run.close()


def _use_threads(config: TrainConfig) -> None:
    """Compute with the threads that the config fixes, from the first measurement on."""
    threads = fixed(config.threads)
    if threads is not None:
        torch.set_num_threads(threads)


def sized(
    modality: Modality[SpecT, ConfigT, OptionsT], spec: SpecT, config: ConfigT, dataset: Dataset,
    reporter: Reporter,
) -> ConfigT:
    """Return the config with what its budget decides."""
    trainable = modality.trainable()
    if trainable.sized is None:
        return config
    budget, precisions = Budget.of(config), arithmetics(config)

    def affordable(trial: ConfigT, batch: int) -> float:
        items = budget.items(batch)
        if items is not None:
            return items
        seconds = step_seconds(trainable, spec, trial, dataset, precisions)
        return budget.amount / seconds[fastest(seconds)] * batch

    config, sentences = trainable.sized(spec, config, affordable)
    for sentence in sentences:
        reporter.note(sentence)
    return config


def fast_precision(experiment: AnyExperiment, reporter: Reporter) -> Precision:
    """Return the arithmetic to train in, timed where only that tells which is the fastest."""
    precisions = arithmetics(experiment.config)
    if len(precisions) == 1:
        return precisions[0]
    seconds = step_seconds(
        experiment.modality.trainable(), experiment.spec, experiment.config, experiment.dataset,
        precisions,
    )
    chosen = precisions[fastest(seconds)]
    tried = ", ".join(
        f"{precision.name}: {1e3 * each:.0f} ms"
        for precision, each in zip(precisions, seconds, strict=True)
    )
    reporter.note(
        f"Precision: {chosen.name}, timed against the other ({tried} a step; --precision sets it)."
    )
    return chosen


def _train(
    experiment: AnyExperiment, record: AnyRecord, run: Run, reporter: Journal
) -> Path:
    dataset = experiment.dataset
    precision = fast_precision(experiment, reporter)
    reporter.note(
        f"Computing on {precision.device.type} in {precision.name}; "
        f"{len(dataset.train):,} items to train on, {len(dataset.held_out):,} kept for measuring."
    )
    scorer = experiment.modality.trainable().scorer(dataset, experiment.spec, 0)
    newest = checkpoints.newest(run.checkpoints, reporter.warn)
    hooks = _hooks(experiment, run, reporter, 0 if newest is None else newest.step)
    trainer = Trainer(experiment, run, precision, reporter, scorer, hooks)
    if newest is not None:
        trainer.take_up(newest)
        run.cut_log(newest.step)
        reporter.note(f"Going on from step {newest.step:,}.")
    reporter.begin(
        trainer.log, lambda: trainer.progress.step, run.metrics(), machine(precision)
    )
    try:
        with Stop() as stop:
            trainer.train(stop)
    except Diverged as error:
        trainer.log({"step": trainer.progress.step, "warning": error.message})
        _export(trainer, record)
        raise
    finally:
        for hook in hooks:
            hook.close()
    return _export(trainer, record)


def _hooks(experiment: AnyExperiment, run: Run, reporter: Reporter, step: int) -> list[Hook]:
    codec = experiment.modality.codec()(experiment.spec, experiment.config)
    hooks: list[Hook] = [MetricsLog(run), StatusLine(reporter)]
    hooks += [Previews(codec, run.samples), Report(run.path)]
    if experiment.config.tensorboard:
        hooks.append(TensorBoard(run.path / "tensorboard", step))
    return hooks


def _export(trainer: Trainer, record: AnyRecord) -> Path:
    """Write the best generator as the run's model, and the run's report."""
    run, now, quality = trainer.run, trainer.progress, trainer.progress.quality
    metrics: dict[str, Any] = {
        "steps": now.step, "items": now.items, "seconds": round(now.seconds, 1),
        "floor": round(trainer.scorer.floor, 4),
    }
    calibration = None
    if trainer.generator_settled:
        calibration = _calibration(trainer)
        metrics["guide_accuracy"] = round(calibration.accuracy, 4)
    else:
        trainer.take_up_best()
    if quality.best_step is not None:
        metrics |= {
            "score": round(quality.best_score or 0.0, 4), "best_step": quality.best_step,
            "diversity": round(quality.best_diversity or 0.0, 4),
        }
    near = quality.best_notes.get(NEAR_TRAINING, 0.0)
    if near > MANY:
        metrics[NEAR_TRAINING] = round(near, 4)
        trainer.reporter.warn(
            f"{near:.0%} of the samples are nearer to an item of the training data than all but "
            "5% of the items held out: the model repeats what it has seen. More data helps, or a "
            "shorter --time."
        )
    networks = {
        "generator": trainer.ema.network, "discriminator": trainer.networks.discriminator
    }
    provenance = {"data": record.data_name, "command": record.command}
    finished = Model(
        record.modality, record.spec, record.config,
        Weights.of(str(run.model), weights.joined(networks)), calibration, metrics, provenance,
    )
    model.save(finished, run.model)
    write_report(run.path, metrics)
    return run.model


def _calibration(trainer: Trainer) -> Calibration:
    """Return the calibration of a finished training's discriminator on held-out data."""
    experiment = trainer.experiment
    trainer.networks.discriminator.eval()
    items = experiment.dataset.take(experiment.dataset.held_out[:MAX_ITEMS])
    real, labels = experiment.modality.trainable().real(items, experiment.spec)
    first = CALIBRATION_SEEDS_FROM
    samples = trainer.sample(range(first, first + len(real)))
    return calibrate(
        trainer.engine, real.numpy(), None if labels is None else labels.numpy(), samples
    )
