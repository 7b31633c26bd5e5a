"""What a training runs on, for the record."""

import os
import platform
import re
from pathlib import Path

import torch

import gancli
from gancli.runtime.launch import launch
from gancli.runtime.precision import Precision
from gancli.runtime.processors import physical_cores


def machine(precision: Precision) -> dict[str, str | int]:
    """Return what computes, in what arithmetic, and the versions that do it."""
    device = precision.device.type
    name = torch.cuda.get_device_name(precision.device) if device == "cuda" else ""
    processes = launch().world
    return {
        **({"processes": processes} if processes > 1 else {}),
        "device": f"{device} ({name})" if name else device,
        "precision": precision.name,
        "processor": _processor(),
        "physical cores": physical_cores(),
        "logical cores": os.cpu_count() or 1,
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "gancli": gancli.__version__,
    }


def _processor() -> str:
    """Return the processor's name; Linux does not tell it to platform."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()
