"""Whether memory, open files and the time of a step grow over thousands of steps.

    python tests/benchmarks/steady.py [image|text|audio] [--steps 5000] [--device cpu]

Trains the smallest networks as ``gancli train`` does, with its log, previews, measurements and
checkpoints, and prints a line of JSON for each tenth of the steps: resident memory, open files,
Python objects and tensors, and the median time of a step. Ends with status 1 if the last tenth has
more than the fifth (each phase of training has to warm up): 5% of memory, one file, 1% of objects;
or if steps take 25% longer at the end of the second tenth's phase.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch

from gancli import modalities
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.reporting import Silent, Status
from gancli.storage import bundled
from gancli.training.session import train

SMALL = {
    "image": {"g_width": 4, "d_width": 4, "latent": 8, "batch": 8},
    "text": {"g_width": 8, "d_width": 8, "embedding": 4, "batch": 8},
    "audio": {"g_width": 8, "d_width": 8, "latent": 4, "noise": 2, "batch": 4},
}
_MAX_GROWTH = {"resident MB": 1.05, "objects": 1.01, "step ms": 1.25}


def counted() -> dict[str, float]:
    """Return what must not grow."""
    gc.collect()
    objects = gc.get_objects()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "resident MB": round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1),
        "open files": len(os.listdir("/proc/self/fd")),
        "objects": len(objects),
        "tensors": sum(issubclass(type(each), torch.Tensor) for each in objects),
    }


class Watcher(Silent):
    """Counts at each tenth of the steps.

    Args:
        steps: Of the training.
    """

    def __init__(self, steps: int) -> None:
        self.every = max(1, steps // 10)
        self.rows: list[dict[str, float]] = []
        self._phases: list[str] = []
        self._times: list[float] = []
        self._last = time.perf_counter()

    def status(self, status: Status) -> None:
        now = time.perf_counter()
        self._times.append(now - self._last)
        if status.step % self.every == 0 and len(self.rows) < 10:
            row = {"step": status.step, **counted(),
                   "step ms": round(1e3 * median(self._times), 3)}
            print(json.dumps(row), flush=True)
            self.rows.append(row)
            self._phases.append(status.phase)
            self._times.clear()
        self._last = time.perf_counter()

    def growth(self) -> list[str]:
        """Return what has grown by more than it may."""
        early, late = self.rows[4], self.rows[-1]
        # Steps of another phase take another time.
        same = [row for row, phase in zip(self.rows[1:], self._phases[1:], strict=True)
                if phase == self._phases[1]]
        early = {**early, "step ms": same[0]["step ms"]}
        late = {**late, "step ms": same[-1]["step ms"]}
        found = [name for name, most in _MAX_GROWTH.items() if late[name] > most * early[name]]
        return found + ["open files"] * (late["open files"] > early["open files"] + 1)


def watch(name: str, steps: int, device: str = "auto") -> Watcher:
    """Train a modality on its bundled data and return what was counted."""
    modality = modalities.get(name)
    # Threads that are measured anew would make steps of a different speed.
    options = {**SMALL[name], "steps": steps, "threads": "1", "device": device,
               "precision": "fp32", "save_every": "500"}
    config, _ = resolve(modality.config_type, command_line=options, presets=modality.presets)
    watcher = Watcher(steps)
    with tempfile.TemporaryDirectory() as folder:
        source = open_source(bundled.default("samples", name))
        train(modality, config, source, Path(folder) / "run", watcher, command="", force=False)
    return watcher


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modality", nargs="?", default="image", choices=SMALL)
    parser.add_argument("--steps", type=int, default=5_000)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    growth = watch(given.modality, given.steps, given.device).growth()
    print(f"grows: {', '.join(growth)}" if growth else "steady")
    sys.exit(bool(growth))


if __name__ == "__main__":
    main()
