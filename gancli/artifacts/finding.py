"""Finding a model by what a person calls it: a folder, a run, a bundled name."""

from collections.abc import Callable
from pathlib import Path

from gancli.artifacts import model
from gancli.artifacts.model import AnyModel, Model, Weights
from gancli.artifacts.record import read_record
from gancli.artifacts.run import is_run
from gancli.config.unicode import typed_path
from gancli.errors import GancliError, UsageError, suggest
from gancli.storage import bundled, checkpoints


def open_model(
    name: str | None, modality_name: str | None, warn: Callable[[str], None]
) -> AnyModel:
    """Return a model.

    Args:
        name: A model folder, a run, or a bundled name; None is the default.
        modality_name: The modality it must have, or None for any.
        warn: Hears of damaged checkpoints that were passed over.

    Raises:
        GancliError: There is none of that name, or it is damaged or of another modality.
    """
    if name is None:
        name = bundled.default("models", modality_name or "image")
    path = typed_path(name) or Path(name)
    if is_run(path):
        finished = model.is_model(path / "model")
        opened = model.load(path / "model") if finished else _of_run(path, warn)
    elif model.is_model(path):
        opened = model.load(path)
    elif folder := bundled.resolve("models", name):
        opened = model.load(folder)
    else:
        raise UsageError(
            f"{name!r} is neither a model, a run, nor a name that `gancli models` lists.",
            suggest(name, [*bundled.names("models"), *_near(path)]),
        )
    if modality_name not in (None, opened.modality.name):
        raise UsageError(
            f"{name!r} is a model of {opened.modality.name}, not of {modality_name}.",
            f"Use: gancli sample {opened.modality.name} {name}",
        )
    return opened


def _near(path: Path) -> list[str]:
    return [str(each.parent) for each in [*path.parent.glob("*/config.toml"),
                                          *path.parent.glob("*/config.json")]]


def _of_run(path: Path, warn: Callable[[str], None]) -> AnyModel:
    """Return the best that an unfinished run has so far."""
    newest = checkpoints.newest(path / "checkpoints", warn)
    if newest is None or newest.step == 0:
        raise GancliError(
            f"{path} has no checkpoint to sample yet.", "Wait for its first, or resume the run."
        )
    quality = newest.state["progress"]["quality"]
    step, score = quality["best_step"], quality["best_score"]
    chosen = newest if step is None else checkpoints.load(path / "checkpoints", step)
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
