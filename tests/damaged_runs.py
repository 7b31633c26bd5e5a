"""Runs of which something is to be damaged, as one would who knows the format."""

import json
import shutil

from gancli.storage.files import sha256

SECOND, NEWEST = 10, 11  # the last checkpoints of a run that was interrupted


def folder_of(run, step):
    return run / "checkpoints" / f"step-{step:09d}"


def seal(folder):
    """Make the sums of a checkpoint's manifest right, as one would who knows the format."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"] = {
        name: sha256((folder / name).read_bytes()) for name in manifest["sha256"]
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def remove(run, step):
    shutil.rmtree(folder_of(run, step))
