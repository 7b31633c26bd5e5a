"""Checkpoints: a folder of named state objects, each file under a sha256."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gancli.errors import GancliError
from gancli.storage.files import remove_leftovers, sha256, write_folder
from gancli.storage.tensors import pack, unpack

VERSION = 1
_KEPT = 2  # the newest, and the one before it in case that is damaged

Tensors = dict[str, torch.Tensor]


@dataclass
class Checkpoint:
    """A training's whole state.

    Args:
        step: Steps done.
        tensors: Groups of named tensors, one safetensors file each (networks, averaged
            generator, optimizers).
        state: All else, as JSON holds it.
    """

    step: int
    tensors: dict[str, Tensors]
    state: dict[str, Any]


def _folder(root: Path, step: int) -> Path:
    return root / f"step-{step:09d}"


def steps(root: Path) -> list[int]:
    """Return the steps of the checkpoints, oldest first, sound or not."""
    if not root.is_dir():
        return []
    found = (re.fullmatch(r"step-(\d{9,})", path.name) for path in root.iterdir())
    return sorted(int(match[1]) for match in found if match)


def save(root: Path, checkpoint: Checkpoint, keep: set[int]) -> None:
    """Write a checkpoint, then remove those that nothing needs any more.

    Args:
        root: The run's checkpoints.
        checkpoint: What to save.
        keep: Steps to keep besides the newest two.

    Raises:
        GancliError: It cannot be written; the older ones are intact.
    """
    remove_leftovers(root)
    files = {f"{name}.safetensors": pack(group) for name, group in checkpoint.tensors.items()}
    files["state.json"] = json.dumps(checkpoint.state, indent=1).encode()
    manifest = {
        "version": VERSION,
        "step": checkpoint.step,
        "sha256": {name: sha256(data) for name, data in files.items()},
    }
    files["manifest.json"] = json.dumps(manifest, indent=1).encode()
    write_folder(_folder(root, checkpoint.step), files)
    older = [step for step in steps(root) if step < checkpoint.step]
    for step in older[: -(_KEPT - 1)]:
        if step not in keep:
            shutil.rmtree(_folder(root, step), ignore_errors=True)


def load(root: Path, step: int) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        GancliError: It is damaged or of a newer version; the message names the file.
    """
    folder = _folder(root, step)
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        version, sums = manifest["version"], manifest["sha256"]
        if version > VERSION:
            raise GancliError(
                f"{folder} was written by a newer gancli.", "Upgrade gancli and try again."
            )
        files = {}
        for name, expected in sums.items():
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
        tensors = {
            name.removesuffix(".safetensors"): unpack(data, str(folder / name))
            for name, data in files.items()
        }
        return Checkpoint(manifest["step"], tensors, state)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GancliError(
            f"Checkpoint {folder} is damaged: {error!r}.", "The checkpoint before it is used."
        ) from error


def newest(root: Path, warn: Any) -> Checkpoint | None:
    """Return the newest sound checkpoint, or None; ``warn`` hears of damaged ones."""
    for step in reversed(steps(root)):
        try:
            return load(root, step)
        except GancliError as error:
            warn(f"{error.message} {error.hint}")
    return None
