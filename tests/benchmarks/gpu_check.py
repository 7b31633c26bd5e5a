"""Everything that only a GPU can show, within eight minutes.

    python tests/benchmarks/gpu_check.py [-o gpu-check/] [--seconds 60]

Runs the tests that need CUDA; trains each modality for --seconds, interrupted and resumed in
between; compares samples of the trained models with the CPU's; times our step beside the plain one
of PyTorch's DCGAN example; and, with two GPUs, trains with two ranks by NCCL. Writes report.json
and grid.png to the folder and ends with status 1 if a part failed; the others go on.

To see that the script itself works: --device cpu --seconds 3.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model_samples import samples_of
from throughput import alone, compare_pictures, profile

from gancli.artifacts.model import load
from gancli.runtime.devices import choose
from gancli.runtime.machine import machine
from gancli.runtime.precision import Precision

_ROOT = Path(__file__).resolve().parents[2]
_LIMIT = 480.0  # seconds for all parts on a GPU; a CPU, which only tries the script, has an hour
# Options of networks that a CPU trains within seconds; a GPU gets what the budget chooses.
_SMALL = {
    "image": ["--g-width", "16", "--d-width", "16"], "text": [],
    "audio": ["--g-width", "16", "--d-width", "16"],
}
_SEEDS = range(16)


class Check:
    """The parts, one after the other.

    Args:
        folder: Where everything goes.
        device: What is checked.
        seconds: Of training in each modality.
    """

    def __init__(self, folder: Path, device: torch.device, seconds: int) -> None:
        self.folder, self.device, self.seconds = folder, device, seconds
        self.ends = time.monotonic() + (3600.0 if device.type == "cpu" else _LIMIT)
        self.report: dict[str, Any] = {
            "machine": machine(Precision(device, bf16=False)),
            "GPUs": torch.cuda.device_count(), "parts": {},
        }

    def part(self, name: str, run: Callable[[], dict[str, Any]]) -> None:
        """Run a part and record what it returns, or how it failed."""
        started = time.monotonic()
        if started > self.ends:
            found: dict[str, Any] = {"ok": False, "problem": "no time was left"}
        else:
            try:
                found = {"ok": True, **run()}
            except Exception as error:  # noqa: BLE001 - whatever it is, the other parts go on
                found = {"ok": False, "problem": f"{type(error).__name__}: {error}"}
        found["seconds"] = round(time.monotonic() - started, 1)
        self.report["parts"][name] = found
        print(f"{name}: {json.dumps(found)}", flush=True)
        (self.folder / "report.json").write_text(json.dumps(self.report, indent=1) + "\n")

    # The parts

    def tests(self) -> dict[str, Any]:
        """Run the tests that need CUDA."""
        done = self._run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "cuda",
                         str(_ROOT / "tests" / "runtime" / "test_cuda.py"))
        last = done.stdout.strip().splitlines()[-1:]
        # pytest's status 5 is that no test was chosen.
        return {"ok": done.returncode == 0, "status": done.returncode, "summary": " ".join(last)}

    def training(self, name: str) -> dict[str, Any]:
        """Train a modality, interrupt it half way, and resume it."""
        run = self.folder / name
        options = _SMALL[name] if self.device.type == "cpu" else []
        words = ["train", name, "-o", str(run), "--time", f"{self.seconds}s", "--device",
                 self.device.type, *options]
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gancli", *words], stderr=log, stdout=log, cwd=_ROOT
            )
            self._wait_for_steps(process, run)
            process.send_signal(signal.SIGINT)
            interrupted = process.wait(120)
        if interrupted != 130:
            raise RuntimeError(f"the interrupted training ended with status {interrupted}")
        before = _last_step(run)
        done = self._run("-m", "gancli", "train", name, "--resume", str(run))
        if done.returncode not in (0, 3):  # 3: so short a training may never become good
            raise RuntimeError(f"resumed: status {done.returncode}: {done.stderr[-500:]}")
        going_on = re.search(r"Continuing from step ([\d,]+)", done.stderr)
        metrics = json.loads((run / "model" / "config.json").read_text())["metrics"]
        # On a busy CPU the few seconds may have been spent before the interruption.
        least = before if self.device.type == "cpu" else before + 1
        if going_on is None or metrics["steps"] < least:
            raise RuntimeError(f"it did not go on from step {before}: {done.stderr[-500:]}")
        return {"interrupted at step": before, "status": done.returncode, **metrics}

    def _wait_for_steps(self, process: "subprocess.Popen[bytes]", run: Path) -> None:
        """Wait until half of the time was trained; starting does not count."""
        ends = time.monotonic() + 120 + self.seconds
        while process.poll() is None and time.monotonic() < ends:
            if _last_seconds(run) >= self.seconds / 2:
                return
            time.sleep(0.2)

    def agreement(self, name: str) -> dict[str, Any]:
        """Compare samples of a trained model with those that the CPU makes of it."""
        model = load(self.folder / name / "model")
        here, on_cpu = (
            np.stack([sample.data for sample in samples_of(
                model, _SEEDS, device=device, engine="torch"
            )]) for device in (self.device.type, "cpu")
        )
        by_numpy = np.stack([sample.data for sample in samples_of(
            model, _SEEDS, device="cpu", engine="numpy"
        )])
        scale = float(np.abs(on_cpu).max())
        differ = float(np.mean([
            not np.array_equal(one, other) for one, other in zip(here, on_cpu, strict=True)
        ]))
        furthest = float(np.abs(here - on_cpu).max()) / scale
        # Texts are tokens, which are the same or are not; a rounding may turn one draw of many.
        ok = differ <= 0.07 if name == "text" else furthest < 1e-2
        return {"ok": ok, "furthest, of the largest value": furthest, "share that differs": differ,
                "furthest of numpy": float(np.abs(by_numpy - on_cpu).max()) / scale}

    def throughput(self) -> dict[str, Any]:
        """Time our steps, and that of pictures beside the plain one."""
        seconds = max(2.0, self.seconds / 4)
        small = self.device.type == "cpu"
        width = 16 if small else 64
        batch = {} if small else {"batch": 128}
        ours, line = compare_pictures(
            self.device.type, seconds, g_width=width, d_width=width, **batch
        )
        others = {name: alone(name, self.device.type, seconds / 2) for name in ("text", "audio")}
        return {"image": line, **others, "profile": profile(ours)}

    def ranks(self) -> dict[str, Any]:
        """Train with two ranks, if there are two GPUs and gancli can."""
        cpu = self.device.type == "cpu"
        if not (_ROOT / "gancli" / "runtime" / "ranks.py").exists():
            return {"ok": True, "skipped": "gancli does not train on several ranks yet"}
        if not cpu and torch.cuda.device_count() < 2:
            return {"ok": True, "skipped": "there is one GPU"}
        run = self.folder / "ranks"
        done = self._run(
            "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "gancli", "train",
            "image", "-o", str(run), "--steps", "20", "--device", self.device.type, *_SMALL["image"]
        )
        if done.returncode not in (0, 3):
            raise RuntimeError(f"status {done.returncode}: {done.stderr[-500:]}")
        return {"steps": _last_step(run), "status": done.returncode}

    def grid(self) -> dict[str, Any]:
        """Draw samples of the trained pictures."""
        done = self._run(
            "-m", "gancli", "sample", "image", str(self.folder / "image"), "-n", "64", "--seed",
            "0", "--grid", "--device", self.device.type, "-o", str(self.folder / "grid.png"),
            "--force",
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-500:])
        return {"file": "grid.png"}

    def _run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        left = max(30.0, self.ends - time.monotonic())
        return subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, cwd=_ROOT, timeout=left,
            env=os.environ | {"PYTHONPATH": str(_ROOT)}, check=False,
        )


def _entries(run: Path) -> Sequence[dict[str, Any]]:
    log = run / "metrics.jsonl"
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]


def _last_step(run: Path) -> int:
    return max((int(entry["step"]) for entry in _entries(run) if "step" in entry), default=0)


def _last_seconds(run: Path) -> float:
    return max((float(entry.get("seconds", 0)) for entry in _entries(run)), default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("gpu-check"))
    parser.add_argument("--seconds", type=int, default=60, help="of training in each modality")
    parser.add_argument("--device", default="cuda")
    given = parser.parse_args()
    if given.output.exists():
        parser.error(f"{given.output} already exists; name another folder with -o.")
    given.output.mkdir(parents=True)
    check = Check(given.output.resolve(), choose(given.device), given.seconds)
    check.part("tests", check.tests)
    for name in ("image", "text", "audio"):
        check.part(f"train {name}", lambda name=name: check.training(name))
        check.part(f"agreement of {name}", lambda name=name: check.agreement(name))
    check.part("grid", check.grid)
    check.part("throughput", check.throughput)
    check.part("ranks", check.ranks)
    check.report["seconds"] = sum(part["seconds"] for part in check.report["parts"].values())
    (check.folder / "report.json").write_text(json.dumps(check.report, indent=1) + "\n")
    failed = [name for name, part in check.report["parts"].items() if not part["ok"]]
    print(f"failed: {', '.join(failed)}" if failed else "all parts passed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
