"""What computes here, as far as that can be told without importing torch."""

import os
import platform
import sys
from pathlib import Path

# Made by the drivers of NVIDIA (the second on Jetson), of AMD, and of either under WSL.
_GPU_FILES = ("/dev/nvidiactl", "/dev/nvhost-gpu", "/dev/kfd", "/dev/dxg")


def cores() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def physical_cores() -> int:
    """Return the cores that this process may use, two threads of one core counted once."""
    if not hasattr(os, "sched_getaffinity"):
        return cores()
    groups = set()
    for number in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list")
        try:
            groups.add(siblings.read_text())
        except OSError:  # no such files in some containers
            groups.add(str(number))
    return len(groups)


def may_have_gpu() -> bool:
    """Return whether there are signs of a GPU that torch may be able to use."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return any(os.path.exists(path) for path in _GPU_FILES)
