"""Checkpoints: a folder of named state objects, with a sha256 of each file."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gancli.errors import GancliError
from gancli.storage.files import sha256, write_folder
from gancli.storage.tensors import pack, unpack

VERSION = 2
_NEWEST_KEPT = 2  # the newest, and the one before it in case that is damaged

Arrays = dict[str, np.ndarray]

# What version 1 called things: groups of arrays, and keys of the state at any depth.
_FORMER_GROUPS = {"averaged": "ema", "optimisers": "optimizers"}
_FORMER_KEYS = {
    "scale": "lr_scale", "start": "phase_start", "ended": "phase_ended", "saved": "saved_at",
    "best": "best_score", "least_loss": "min_loss", "risen": "rise_count",
    "worse": "divergence_count", "narrow": "collapse_count", "last": "measured_at",
    "looked": "loss_items", "spent": "measuring_seconds", "cost": "measurement_seconds",
}


@dataclass
class Checkpoint:
    """The whole state of a training.

    Args:
        step: Steps done.
        arrays: Groups of named arrays, one safetensors file each (networks, ema, optimizers).
        state: All else, as JSON holds it.
    """

    step: int
    arrays: dict[str, Arrays]
    state: dict[str, Any]


def _folder(root: Path, step: int) -> Path:
    return root / f"step-{step:09d}"


def steps(root: Path) -> list[int]:
    """Return the steps of the checkpoints, oldest first, intact or not."""
    if not root.is_dir():
        return []
    matches = (re.fullmatch(r"step-(\d{9,})", path.name) for path in root.iterdir())
    return sorted(int(match[1]) for match in matches if match)


def save(root: Path, checkpoint: Checkpoint, keep: set[int]) -> None:
    """Write a checkpoint, then remove those that are no longer needed.

    Args:
        root: The run's checkpoints.
        checkpoint: What to save.
        keep: Steps to keep besides the newest two.

    Raises:
        GancliError: It cannot be written; the older ones are intact.
    """
    files = {f"{name}.safetensors": pack(group) for name, group in checkpoint.arrays.items()}
    files["state.json"] = json.dumps(checkpoint.state, indent=1).encode()
    manifest = {
        "version": VERSION,
        "step": checkpoint.step,
        "sha256": {name: sha256(data) for name, data in files.items()},
    }
    files["manifest.json"] = json.dumps(manifest, indent=1).encode()
    write_folder(_folder(root, checkpoint.step), files)
    older = [step for step in steps(root) if step < checkpoint.step]
    for step in older[: -(_NEWEST_KEPT - 1)]:
        if step not in keep:
            shutil.rmtree(_folder(root, step), ignore_errors=True)


def remove_after(root: Path, step: int) -> None:
    """Remove the checkpoints of later steps, which a training has turned its back on."""
    for later in steps(root):
        if later > step:
            shutil.rmtree(_folder(root, later), ignore_errors=True)


def load(root: Path, step: int) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        GancliError: It is damaged or has a newer version; the message names the file.
    """
    folder = _folder(root, step)
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        version, checksums = manifest["version"], manifest["sha256"]
        if version > VERSION:
            raise GancliError(
                f"{folder} was written by a newer gancli.", "Upgrade gancli and try again."
            )
        files = {}
        for name, expected in checksums.items():
            if Path(name).name != name:
                raise ValueError(name)
            data = (folder / name).read_bytes()
            if sha256(data) != expected:
                raise GancliError(
                    f"Checkpoint {folder / name} is damaged: its sha256 differs.",
                    "The checkpoint before it is used.",
                )
            files[name] = data
        state = json.loads(files.pop("state.json"))
        arrays = {
            name.removesuffix(".safetensors"): unpack(data, str(folder / name))
            for name, data in files.items()
        }
        if version < 2:
            state = _renamed(state)
            arrays = {_FORMER_GROUPS.get(name, name): group for name, group in arrays.items()}
        return Checkpoint(manifest["step"], arrays, state)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GancliError(
            f"Checkpoint {folder} is damaged: {error!r}.", "The checkpoint before it is used."
        ) from error


def _renamed(state: Any) -> Any:
    """Return a state of version 1 with the names that things have now."""
    if not isinstance(state, dict):
        return state
    return {_FORMER_KEYS.get(key, key): _renamed(value) for key, value in state.items()}


def newest(root: Path, warn: Callable[[str], None]) -> Checkpoint | None:
    """Return the newest intact checkpoint, or None; ``warn`` is told of damaged ones."""
    for step in reversed(steps(root)):
        try:
            return load(root, step)
        except GancliError as error:
            warn(f"{error.message} {error.hint}")
    return None
