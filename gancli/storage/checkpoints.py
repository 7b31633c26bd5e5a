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
from gancli.storage.tensors import pack, shapes, unpack

VERSION = 4  # 3 had one counter more; 2 lacked some, and did not say what budget they count towards
_NEWEST_KEPT = 2  # the newest, and the one before it in case that is damaged
_MAX_JSON, _MAX_TENSORS = 10_000_000, 1 << 33  # bytes of a file

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
        version: Of the format that it was read from.
    """

    step: int
    arrays: dict[str, Arrays]
    state: dict[str, Any]
    version: int = VERSION


class Damaged(GancliError):
    """A checkpoint that is missing, or not as it was written; there may be others."""

    def __init__(self, name: object, problem: str) -> None:
        super().__init__(
            f"Checkpoint {name} is damaged: {problem}.",
            "Copy the run again from where it was trained, or train it again.",
        )


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

    Later ones are of a course that training has turned back from.

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
    found = steps(root)
    older = [step for step in found if step < checkpoint.step]
    later = [step for step in found if step > checkpoint.step]
    for step in (*later, *older[: -(_NEWEST_KEPT - 1)]):
        if step not in keep:
            shutil.rmtree(_folder(root, step), ignore_errors=True)


def remove_after(root: Path, step: int) -> None:
    """Remove the checkpoints of later steps, which a training has turned its back on."""
    for later in steps(root):
        if later > step:
            shutil.rmtree(_folder(root, later), ignore_errors=True)


def load(root: Path, step: int) -> Checkpoint:
    """Read a checkpoint; nothing of it is taken on trust but what the files hold.

    Raises:
        Damaged: It is missing or damaged; the message names the file.
        GancliError: It has a newer version.
    """
    folder = _folder(root, step)
    try:
        manifest = _table(_bytes(folder / "manifest.json", _MAX_JSON))
        version = manifest["version"]
        if type(version) is not int:
            raise ValueError("its version is not a number")
        if version > VERSION:
            raise GancliError(
                f"{folder} was written by a newer gancli.", "Upgrade gancli and try again."
            )
        if set(manifest) != {"version", "step", "sha256"} or manifest["step"] != step:
            raise ValueError("its manifest is of something else")
        checksums = dict(manifest["sha256"])
        state = _table(_verified(folder / "state.json", checksums.pop("state.json"), _MAX_JSON))
        arrays = {}
        for name, expected in checksums.items():
            if Path(name).name != name or not name.endswith(".safetensors"):
                raise ValueError(f"its manifest names {name!r}")
            arrays[name.removesuffix(".safetensors")] = _arrays(folder / name, expected)
    except FileNotFoundError as error:  # removed by a training that goes on meanwhile
        raise Damaged(folder, "it is gone") from error
    except RecursionError as error:
        raise Damaged(folder, "its JSON is nested too deeply") from error
    except KeyError as error:
        raise Damaged(folder, f"its manifest lacks {error}") from error
    except (ValueError, TypeError) as error:
        raise Damaged(folder, str(error)) from error
    if version < 2:
        state = _renamed(state)
        arrays = {_FORMER_GROUPS.get(name, name): group for name, group in arrays.items()}
    return Checkpoint(step, arrays, state, version)


def _bytes(path: Path, limit: int) -> bytes:
    """Return a file of at most so many bytes."""
    # A pipe would be waited for.
    if not path.is_file():
        raise Damaged(path.parent, f"{path.name} is missing")
    if path.stat().st_size > limit:
        raise Damaged(path.parent, f"{path.name} is too large")
    return path.read_bytes()


def _verified(path: Path, expected: object, limit: int) -> bytes:
    """Return a file whose sha256 is as it should be."""
    data = _bytes(path, limit)
    if sha256(data) != expected:
        raise Damaged(path, "its sha256 differs")
    return data


def _arrays(path: Path, expected: object) -> Arrays:
    """Return the arrays of a file, which is read only if it is as large as it says."""
    try:
        if path.is_file():
            shapes(path)
        return unpack(_verified(path, expected, _MAX_TENSORS), str(path))
    except Damaged:
        raise
    except GancliError as error:
        raise Damaged(path, "it is not a whole safetensors file") from error


def _table(data: bytes) -> dict[str, Any]:
    table = json.loads(data)
    if not isinstance(table, dict):
        raise ValueError("its JSON is not an object")
    return table


def _renamed(state: Any) -> Any:
    """Return a state of version 1 with the names that things have now."""
    if not isinstance(state, dict):
        return state
    return {_FORMER_KEYS.get(key, key): _renamed(value) for key, value in state.items()}


def newest(
    root: Path, warn: Callable[[str], None], check: Callable[[Checkpoint], object] = lambda _: None
) -> Checkpoint | None:
    """Return the newest intact checkpoint, or None where there is none at all.

    Args:
        root: The run's checkpoints; a training may be adding to them.
        warn: Receives a warning for damaged ones, and for the one that takes their place.
        check: Raises Damaged if it finds a checkpoint wanting.

    Raises:
        Damaged: There are some, but none is intact.
        GancliError: One is of a newer version, or cannot be read.
    """
    while True:
        found, passed = steps(root), list[Damaged]()
        for step in reversed(found):
            try:
                checkpoint = load(root, step)
                check(checkpoint)
            except Damaged as error:
                passed.append(error)
                continue
            for each in passed:
                warn(f"{each.message} That of step {step:,} is used instead.")
            return checkpoint
        if steps(root) == found:  # or a training has replaced them meanwhile
            break
    if passed:
        raise passed[0]
    return None
