"""Pictures, tokens and seconds of sound a second, beside the step of PyTorch's DCGAN example.

    python tests/benchmarks/throughput.py [--seconds 60] [--neighbor] [--device cpu]

Of pictures, our step and the plain one train networks of the same shapes and take turns in one
process, so that whatever else the machine does meets both; each gets batches of the same size. Ours
computes with the threads that it finds fastest, as ``gancli train`` does, the plain one with
torch's own choice. --neighbor keeps a process that multiplies matrices, with as many threads as
there are cores, busy beside them. Prints a line of JSON for each, with the medians over turns; the
last one says what share of a large matrix product's speed the multiply-adds of our step reach, and
which of torch's operators take its time.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import torch
from plain import PlainStep
from stepper import Stepper, seconds_of, stepper, synchronize
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gancli.runtime.machine import machine
from gancli.runtime.memory import keep_freed
from gancli.runtime.processors import cores

_TURN = 2.0  # seconds that each computes before it is the other's turn
_SIDE = 1536  # of the matrices whose product is the machine's peak
_OPERATORS = 12
_NEIGHBOR = "import torch\nx = torch.randn(768, 768)\nwhile True: x @ x"


@contextmanager
def neighbor(wanted: bool) -> Iterator[None]:
    """Give a context beside which another process computes, if wanted."""
    process = subprocess.Popen([sys.executable, "-c", _NEIGHBOR]) if wanted else None
    try:
        if process is not None:
            time.sleep(3)  # it imports torch
        yield
    finally:
        if process is not None:
            process.kill()
            process.wait()


def turns(
    steps: dict[str, tuple[Callable[[], object], int, float]], device: torch.device, seconds: float,
) -> dict[str, float]:
    """Return the median speed of each.

    Args:
        steps: By name: the step, its threads, and the units that it sees.
        device: Where they compute.
        seconds: For all of them together, after a step of each to warm up.
    """
    found: dict[str, list[float]] = {name: [] for name in steps}
    counts: dict[str, int] = {}
    for name, (step, count, _) in steps.items():
        torch.set_num_threads(max(count, 1))
        step()
        counts[name] = max(1, round(_TURN / seconds_of(step, device, time.perf_counter, 2) * 2))
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends or not all(found.values()):
        for name, (step, count, units) in steps.items():
            torch.set_num_threads(max(count, 1))
            took = seconds_of(step, device, time.perf_counter, counts[name])
            found[name].append(counts[name] * units / took)
    return {name: median(each) for name, each in found.items()}


def compare_pictures(device: str, seconds: float, **options: Any) -> tuple[Stepper, dict[str, Any]]:
    """Return our step and its speed beside the plain one's."""
    usual = torch.get_num_threads()
    ours = stepper("image", device, **options)
    dataset, config = ours.feed.dataset, ours.config
    networks = ours.modality.trainable().build(ours.spec, config)
    for network in networks.named().values():
        network.to(ours.precision.device).train()
    plain = PlainStep(
        networks.generator, networks.discriminator, dataset, config.batch, config.latent,
        ours.precision.device,
    )
    count = ours.tune()
    pace = turns(
        {"gancli": (ours, count, ours.units_per_step), "plain": (plain, usual, config.batch)},
        ours.precision.device, seconds,
    )
    return ours, {
        "modality": "image", "units": "pictures a second", "width": config.g_width,
        "batch": config.batch, "threads": count, "plain threads": usual,
        "precision": ours.precision.name, **{name: round(each, 1) for name, each in pace.items()},
        "times as fast": round(pace["gancli"] / pace["plain"], 2),
    }


def alone(name: str, device: str, seconds: float, **options: Any) -> dict[str, Any]:
    """Return the speed of a modality that the example does not have."""
    ours = stepper(name, device, **options)
    count = ours.tune()
    pace = turns({"gancli": (ours, count, ours.units_per_step)}, ours.precision.device, seconds)
    return {
        "modality": name, "units": f"{ours.units} a second", "threads": count,
        "precision": ours.precision.name, "phase": ours.phase.name,
        "gancli": round(pace["gancli"], 1),
    }


def matrix_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Return the floating-point operations a second of a large matrix product."""
    x = torch.randn(_SIDE, _SIDE, device=device).to(dtype)
    with torch.no_grad():
        x @ x
        best = min(seconds_of(lambda: x @ x, device, time.perf_counter, 3) for _ in range(5))
    return 3 * 2 * _SIDE**3 / best


class Operations(TorchDispatchMode):
    """Counts the floating-point operations of matrix products and convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=result)
        return result


def profile(ours: Stepper, steps: int = 10) -> dict[str, Any]:
    """Return how near our step comes to the matrix peak, and where its time goes."""
    device = ours.precision.device
    with Operations() as counter:
        ours()
    seconds = seconds_of(ours, device, time.perf_counter, steps) / steps
    dtype = torch.bfloat16 if ours.precision.bf16 else torch.float32
    peak = matrix_peak(device, dtype)
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as found:
        for _ in range(steps):
            ours()
        synchronize(device)
    events = found.key_averages()

    def own(event: Any) -> float:
        name = "self_device_time_total" if device.type == "cuda" else "self_cpu_time_total"
        return float(getattr(event, name))

    total = sum(map(own, events))
    ranked = sorted(events, key=own, reverse=True)[:_OPERATORS]
    flops = counter.total
    return {
        "step ms": round(1e3 * seconds, 2), "gflop a step": round(flops / 1e9, 3),
        "gflop/s": round(flops / seconds / 1e9, 1), "matrix peak gflop/s": round(peak / 1e9, 1),
        "share of the peak": round(flops / seconds / peak, 3),
        "operators": {event.key: f"{own(event) / total:.1%}" for event in ranked},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="for each modality")
    parser.add_argument("--neighbor", action="store_true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--width", type=int, default=32, help="of the networks of pictures")
    given = parser.parse_args()
    keep_freed()
    widths = {"g_width": given.width, "d_width": given.width}
    with neighbor(given.neighbor):
        ours, line = compare_pictures(given.device, given.seconds, **widths)
        print(json.dumps({"neighbor": given.neighbor, "cores": cores(), **line,
                          "machine": machine(ours.precision)}), flush=True)
        for name in ("text", "audio"):
            print(json.dumps(alone(name, given.device, given.seconds)), flush=True)
        print(json.dumps({"profile": "image", **profile(ours)}), flush=True)


if __name__ == "__main__":
    main()
