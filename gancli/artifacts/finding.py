"""Finding a model by what a person calls it: a folder, a run, a bundled name."""

from collections.abc import Callable
from pathlib import Path

from gancli.artifacts import model
from gancli.artifacts.model import AnyModel, Model, Weights
from gancli.artifacts.record import CONFIG as RUN
from gancli.artifacts.record import read_record
from gancli.artifacts.run import is_run, siblings
from gancli.config.unicode import typed_path
from gancli.errors import GancliError, UsageError, suggest
from gancli.storage import bundled, checkpoints
from gancli.storage.checkpoints import Checkpoint, Damaged


def open_model(
    name: str | None, modality_name: str | None, warn: Callable[[str], None]
) -> AnyModel:
    """Return a model.

    Args:
        name: A model folder, a run, or a bundled name; None is the default.
        modality_name: The modality it must have, or None for any.
        warn: Receives a warning for each damaged checkpoint that is passed over.

    Raises:
        GancliError: There is none of that name, or it is damaged or of another modality.
    """
    if name is None:
        name = bundled.default("models", modality_name)
    path = typed_path(name) or Path(name)
    if folder := model_folder(name):
        opened = model.load(folder)
    elif is_run(path):
        opened = _of_run(path, warn)
    elif missing := model.missing(path):
        raise GancliError(
            f"{path / missing} is missing, without which {path} is not a model.",
            model.remedy(path),
        )
    else:
        hint = suggest(name, [*bundled.names("models"), *siblings(path, RUN, model.CONFIG)])
        if model.is_model(path / "model"):  # of a run that has lost its options
            hint = f"Did you mean {path / 'model'}?"
        raise UsageError(
            f"{name!r} is neither a model, a run, nor a name that `gancli models` lists.", hint
        )
    if modality_name not in (None, opened.modality.name):
        raise UsageError(
            f"{name!r} is a model of {opened.modality.name}, not of {modality_name}.",
            f"Use it with {opened.modality.name}, or name another: `gancli models` lists them.",
        )
    return opened


def model_folder(name: str) -> Path | None:
    """Return the folder of the model that a person names, or None.

    There is none of a run whose best generator is in a checkpoint.

    Raises:
        GancliError: The model of a run is damaged.
    """
    path = typed_path(name) or Path(name)
    if is_run(path):
        return None if finished_model(path) is None else path / "model"
    return path if model.is_model(path) else bundled.resolve("models", name)


def is_bundled(name: str) -> bool:
    """Return whether a name is that of a bundled model, and of nothing nearer."""
    path = typed_path(name) or Path(name)
    return not is_run(path) and not model.is_model(path) and name in bundled.names("models")


def finished_model(run: Path) -> AnyModel | None:
    """Return the model of a run, or None while training goes on beyond it.

    Raises:
        GancliError: The model is damaged.
    """
    if not model.is_model(run / "model"):
        return None
    finished, saved = model.load(run / "model"), checkpoints.steps(run / "checkpoints")
    steps = finished.metrics.get("steps")
    return None if saved and isinstance(steps, int) and saved[-1] > steps else finished


def _of_run(path: Path, warn: Callable[[str], None]) -> AnyModel:
    """Return the best that an unfinished run has so far."""
    root = path / "checkpoints"
    while True:
        newest = checkpoints.newest(root, warn, _best)
        if newest is None or newest.step == 0:
            raise GancliError(
                f"{path} has no checkpoint to sample yet.",
                "Wait for its first, or resume the run.",
            )
        step, score = _best(newest)
        try:
            chosen = newest if step is None else checkpoints.load(root, step)
            break
        except Damaged as error:
            if checkpoints.steps(root)[-1:] != [newest.step]:
                continue  # a training has found a better one meanwhile
            warn(f"{error.message} That of step {newest.step:,} is sampled instead of the best.")
            chosen, score = newest, None
            break
    record = read_record(path)
    arrays = {f"generator.{key}": array for key, array in chosen.arrays["ema"].items()}
    arrays |= {
        key: array for key, array in chosen.arrays["networks"].items()
        if key.startswith("discriminator.")
    }
    metrics = {**({} if score is None else {"score": score}), "best_step": chosen.step}
    return Model(
        record.modality, record.spec, record.config,
        Weights.of(f"The checkpoint of step {chosen.step:,} in {path}", arrays), None, metrics,
        {"data": record.data_name, "command": record.command},
    )


def _best(checkpoint: Checkpoint) -> tuple[int | None, float | None]:
    """Return the step of the best generator so far, and its score.

    Raises:
        Damaged: The checkpoint does not hold what sampling needs.
    """
    try:
        quality = checkpoint.state["progress"]["quality"]
        step, score = quality["best_step"], quality["best_score"]
    except (KeyError, TypeError) as error:
        raise Damaged(f"of step {checkpoint.step:,}", f"its state lacks {error}") from error
    if not (step is None or type(step) is int) or not (
        score is None or isinstance(score, int | float)
    ):
        raise Damaged(f"of step {checkpoint.step:,}", "its best step or score is not a number")
    if not {"ema", "networks"} <= checkpoint.arrays.keys():
        raise Damaged(f"of step {checkpoint.step:,}", "it lacks networks")
    return step, score
