"""Finding a model by what a person calls it: a folder, a run, a name of the zoo."""

from collections.abc import Callable
from pathlib import Path

from gancli import modalities
from gancli.artifacts import model
from gancli.artifacts.model import Model
from gancli.artifacts.run import CONFIG, is_run, read_table
from gancli.config import resolve
from gancli.errors import GancliError, UsageError, suggest
from gancli.storage import bundled, checkpoints


def open_model(
    name: str | None, modality_name: str | None, warn: Callable[[str], None]
) -> Model:
    """Return a model.

    Args:
        name: A model folder, a run, or a name of the zoo; None is the zoo's default.
        modality_name: The modality it must have, or None for any.
        warn: Hears of damaged checkpoints that were passed over.

    Raises:
        GancliError: There is none of that name, or it is damaged or of another modality.
    """
    if name is None:
        name = bundled.default("models", modality_name or "image")
    path = Path(name)
    if is_run(path):
        finished = model.is_model(path / "model")
        found = model.load(path / "model") if finished else _of_run(path, warn)
    elif model.is_model(path):
        found = model.load(path)
    elif folder := bundled.resolve("models", name):
        found = model.load(folder)
    else:
        raise UsageError(
            f"{name!r} is neither a model, a run, nor a name that `gancli models` lists.",
            suggest(name, [*bundled.names("models"), *_near(path)]),
        )
    if modality_name not in (None, found.modality.name):
        raise UsageError(
            f"{name!r} is a model of {found.modality.name}, not of {modality_name}.",
            f"Use: gancli sample {found.modality.name} {name}",
        )
    return found


def _near(path: Path) -> list[str]:
    return [str(each.parent) for each in [*path.parent.glob("*/config.toml"),
                                          *path.parent.glob("*/config.json")]]


def _of_run(path: Path, warn: Callable[[str], None]) -> Model:
    """Return the best that an unfinished run has so far."""
    newest = checkpoints.newest(path / "checkpoints", warn)
    if newest is None or newest.step == 0:
        raise GancliError(
            f"{path} has no checkpoint to sample yet.", "Wait for its first, or resume the run."
        )
    best = newest.state["progress"]["quality"]["best_step"]
    chosen = newest if best is None else checkpoints.load(path / "checkpoints", best)
    table = read_table(path / CONFIG)
    try:
        record, spec_table = dict(table.pop("run")), dict(table.pop("spec"))
        modality = modalities.get(record["modality"])
    except (KeyError, TypeError, ValueError) as error:
        raise GancliError(f"{path / CONFIG} is damaged: {error!r}.", "Start a new run.") from error
    config, _ = resolve(modality.config_type, file=table)
    spec = modality.spec_from_table(spec_table)
    networks = modality.build(spec, config)
    networks["generator"].load_state_dict(chosen.tensors["averaged"])
    networks["discriminator"].load_state_dict(
        {key.removeprefix("discriminator."): tensor
         for key, tensor in chosen.tensors["networks"].items()
         if key.startswith("discriminator.")}
    )
    for network in networks.values():
        network.eval().requires_grad_(False)
    score = newest.state["progress"]["quality"]["best"]
    return Model(
        modality, spec, config, networks, None,
        {**({} if score is None else {"score": score}), "best_step": chosen.step},
        {"data": record.get("data_name", ""), "command": record.get("command", "")},
    )
