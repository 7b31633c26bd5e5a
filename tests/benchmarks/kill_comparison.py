"""Kill a comparison at random moments and look for any difference from one that was left alone.

    python tests/benchmarks/kill_comparison.py [KILLS] [DATA] [--halve]

SIGKILL and SIGTERM take turns; between the random ones some come as comparison.json is written.
The test in tests/evaluation/test_killed_comparison.py ends one at chosen moments; this is the long
form, run by hand.
"""

import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def compare(data: str, folder: Path, options: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "gancli", "compare", "image", data, "--vary",
         "g-activation=relu,tanh", "--seeds", "2", "--steps", "60", "--threads", "1", "--g-width",
         "8", "--d-width", "8", "--batch", "16", "--save-every", "7", "--json", "-o", str(folder),
         *options],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )


def wait_for_write(folder: Path, process: subprocess.Popen, limit: float) -> bool:
    """Return as soon as comparison.json is being replaced, or after ``limit`` seconds."""
    end = time.monotonic() + limit
    while time.monotonic() < end and process.poll() is None:
        if (folder / f".comparison.json.{process.pid}.tmp").exists():
            return True
        time.sleep(0.0002)
    return False


def table(text: str) -> list:
    """Return what a comparison prints but for places and times."""
    found = json.loads(text)
    for cell in found["cells"]:
        for run in cell["runs"]:
            run.pop("seconds"), run.pop("run")
    return [found["ranks"], found["cells"]]


def weights(folder: Path) -> dict[str, str]:
    """Return the checksum of each model."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("model.safetensors"))
    }


def main() -> None:
    words = [word for word in sys.argv[1:] if word != "--halve"]
    options = ["--halve"] if "--halve" in sys.argv else []
    kills, data = (words + ["5", "fashion-mnist"][len(words):])[:2]
    moments = random.Random()
    with tempfile.TemporaryDirectory() as scratch:
        whole, broken = Path(scratch, "whole"), Path(scratch, "broken")
        started = time.perf_counter()
        expected = table(compare(data, whole, options).communicate()[0])
        took = time.perf_counter() - started
        print(f"whole: {took:.0f} s", flush=True)
        for number in range(int(kills)):
            name = (signal.SIGKILL, signal.SIGTERM)[number % 2]
            process = compare(data, broken, options)
            began = time.perf_counter()
            if number % 3 == 2:
                caught = wait_for_write(broken, process, took)
                what = "as comparison.json was written" if caught else "after a write"
            else:
                time.sleep(moments.uniform(0, took))
                what = "at random"
            if process.poll() is None:
                process.send_signal(name)
            process.communicate()
            models = len(list(broken.glob("*/seed-*/model/model.safetensors")))
            temporary = [path.name for path in broken.glob(".*.tmp")]
            print(f"{name.name} {what}, after {time.perf_counter() - began:.1f} s: status "
                  f"{process.returncode}, {models} models, left over: {temporary}", flush=True)
        process = compare(data, broken, options)
        found = table(process.communicate()[0])
        assert process.returncode == 0
        print("the same table" if found == expected else f"DIFFERENT: {found} {expected}")
        same = weights(whole) == weights(broken)
        print("the same weights, bit for bit" if same else "DIFFERENT weights")
        print(f"left over: {[path.name for path in broken.glob('.*.tmp')]}")


if __name__ == "__main__":
    main()
