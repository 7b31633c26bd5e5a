"""A training from its first look at the data to the finished model."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from gancli.artifacts import model
from gancli.artifacts.report import write_report
from gancli.artifacts.run import Run
from gancli.config import resolve, to_table
from gancli.data.source import Source, open_source
from gancli.errors import GancliError, UsageError
from gancli.modalities.base import Modality
from gancli.reporting import Reporter
from gancli.runtime.devices import bf16, choose
from gancli.runtime.precision import Compute
from gancli.runtime.signals import Stop
from gancli.runtime.threads import fixed
from gancli.storage import checkpoints
from gancli.training import state
from gancli.training.calibration import calibrate
from gancli.training.trainer import Diverged, Trainer


def train(
    modality: Modality,
    config: Any,
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
    fixed(config.threads)  # a usage error should not wait for the data
    Run.check(run_path, force)
    spec, sentences = modality.inspect(source, config)
    for sentence in sentences:
        reporter.note(sentence)
    dataset = modality.load(source, spec, config, reporter)
    record = {
        "modality": modality.name, "data": str(Path(source.path).absolute()),
        "data_name": source.name, "command": command,
    }
    table = {**to_table(config), "run": record, "spec": asdict(spec)}
    run = Run.create(run_path, table, force)
    try:
        return _train(modality, spec, config, dataset, run, reporter, record)
    finally:
        run.close()


def resume(run_path: Path, data: str | None, reporter: Reporter, *, modality_name: str) -> Path:
    """Go on with a run exactly where its newest sound checkpoint is.

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
    from gancli import modalities

    run = Run.open(run_path)
    try:
        table = run.table()
        try:
            record, spec_table = dict(table["run"]), dict(table["spec"])
            modality = modalities.get(record["modality"])
            recorded_data = str(record["data"])
        except (KeyError, TypeError) as error:
            raise GancliError(
                f"{run_path}/config.toml is damaged: {error!r} is missing.",
                "Start a new run.",
            ) from error
        if modality.name != modality_name:
            raise UsageError(
                f"{run_path} is a run of {modality.name}, not of {modality_name}.",
                f"Use: gancli train {modality.name} --resume {run_path}",
            )
        chosen = {name: value for name, value in table.items() if name not in ("run", "spec")}
        config, _ = resolve(modality.config_type, file=chosen)
        spec = modality.spec_from_table(spec_table)
        try:
            source = open_source(data or recorded_data)
        except GancliError as error:
            raise GancliError(
                f"The run's data cannot be opened: {error.message}",
                f"If it moved, use: gancli train {modality.name} DATA --resume {run_path}",
                error.exit_code,
            ) from error
        dataset = modality.load(source, spec, config, reporter)
        return _train(modality, spec, config, dataset, run, reporter, record)
    finally:
        run.close()


def _train(
    modality: Modality,
    spec: Any,
    config: Any,
    dataset: Any,
    run: Run,
    reporter: Reporter,
    record: dict[str, Any],
) -> Path:
    device = choose(config.device)
    compute = Compute(device, bf16(config.precision, device))
    reporter.note(
        f"Computing on {device.type} in {'bf16' if compute.bf16 else 'fp32'}; "
        f"{len(dataset.train):,} items to train on, {len(dataset.held_out):,} kept for measuring."
    )
    scorer = modality.scorer(dataset, spec, 0)
    trainer = Trainer(modality, spec, config, dataset, run, compute, reporter, scorer)
    newest = checkpoints.newest(run.checkpoints, reporter.warn)
    if newest is not None:
        trainer.take_up(newest)
        run.cut_log(newest.step)
        reporter.note(f"Going on from step {newest.step:,}.")
    try:
        with Stop() as stop:
            trainer.train(stop)
    except Diverged:
        _export(trainer, record)
        raise
    return _export(trainer, record)


def _export(trainer: Trainer, record: dict[str, Any]) -> Path:
    """Write the best generator as the run's model, and the run's report."""
    run, quality = trainer.run, trainer.progress.quality
    metrics: dict[str, Any] = {
        "steps": trainer.progress.step, "items": trainer.progress.items,
        "seconds": round(trainer.progress.seconds, 1), "floor": round(trainer.scorer.floor, 4),
    }
    calibration = None
    if trainer.settled:
        calibration = calibrate(trainer)
        metrics["guide_accuracy"] = round(calibration.accuracy, 4)
    elif quality.best_step is not None:
        best = checkpoints.load(run.checkpoints, quality.best_step)
        state.restore(best, trainer.networks, trainer.ema, {})
    if quality.best_step is not None:
        metrics |= {
            "score": round(quality.best or 0.0, 4), "best_step": quality.best_step,
            "diversity": round(quality.best_diversity or 0.0, 4),
        }
    networks = {
        "generator": trainer.ema.network, "discriminator": trainer.networks["discriminator"]
    }
    provenance = {"data": record["data_name"], "command": record["command"]}
    made = model.Model(
        trainer.modality, trainer.spec, trainer.config, networks, calibration, metrics, provenance
    )
    model.save(made, run.model)
    write_report(run, record, metrics)
    return run.model

