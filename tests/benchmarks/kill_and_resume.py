"""Kill a training at random moments many times and compare its weights with a whole one's.

    python tests/benchmarks/kill_and_resume.py [DATA] [KILLS] [STEPS]

The test of the same name kills a few times; this is the long form, run by hand.
"""

import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    data = sys.argv[1] if len(sys.argv) > 1 else "fashion-mnist"
    kills, steps = (int(word) for word in (sys.argv[2:4] + ["20", "400"][len(sys.argv[2:4]):]))
    moments = random.Random()
    with tempfile.TemporaryDirectory() as folder:
        whole, broken = Path(folder) / "whole", Path(folder) / "broken"
        options = ["--steps", str(steps), "--threads", "1", "--save-every", "7", "--g-width", "8",
                   "--d-width", "8", "--batch", "16", "--seed", "1"]

        def gancli(*words: str) -> subprocess.Popen:
            return subprocess.Popen([sys.executable, "-m", "gancli", *words],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        started = time.perf_counter()
        assert gancli("train", "image", data, "-o", str(whole), *options).wait() == 0
        took = time.perf_counter() - started
        killed = 0
        while killed < kills:
            again = (broken / "config.toml").exists()
            process = gancli("train", "image", *(
                ["--resume", str(broken)] if again else [data, "-o", str(broken), *options]
            ))
            # From before the first import to a while into training.
            time.sleep(moments.uniform(0, 3 + took / 20))
            if process.poll() is not None:
                print(f"done after {killed} kills; give more steps")
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            here = sorted(path.name for path in broken.glob("checkpoints/*"))
            print(f"kill {killed}: {here}", flush=True)
        if not (broken / "model").exists():
            assert gancli("train", "image", "--resume", str(broken)).wait() == 0
        sums = []
        for run in (whole, broken):
            files = [*sorted((run / "checkpoints").glob(f"step-{steps:09d}/*.safetensors")),
                     run / "model" / "model.safetensors"]
            sums.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
        assert len(sums[0]) == 4
        print("the same weights, bit for bit" if sums[0] == sums[1] else f"DIFFERENT: {sums}")


if __name__ == "__main__":
    main()
