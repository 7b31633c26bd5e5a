"""Where to compute, and in what arithmetic."""

from collections.abc import Callable

import torch

from gancli.errors import UsageError
from gancli.runtime.launch import launch


def available() -> list[str]:
    """Return the kinds of device that are here, the fastest first."""
    there = {
        "cuda": torch.cuda.is_available(),
        # torch.distributed cannot exchange MPS tensors.
        "mps": torch.backends.mps.is_available() and launch().world == 1,
        "cpu": True,
    }
    return [kind for kind, here in there.items() if here]


def choose(wanted: str) -> torch.device:
    """Return the device for ``--device``; ``auto`` takes a GPU if there is one.

    Raises:
        UsageError: It is not here.
    """
    there = available()
    if wanted == "auto":
        return torch.device(there[0])
    if wanted not in there:
        raise UsageError(
            f"There is no {wanted} device here.",
            f"Use --device auto, or one of those that are here: {', '.join(there)}.",
        )
    return torch.device(wanted)


def bf16(wanted: str, device: torch.device) -> bool:
    """Return whether networks compute in bf16 for ``--precision`` auto, fp32 or bf16.

    ``auto`` takes it where it is always faster: on GPUs from Ampere on, and on processors that
    multiply bf16 matrices (AMX).
    """
    if wanted != "auto":
        return wanted == "bf16"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    return device.type == "cpu" and bool(_capabilities().get("amx_bf16"))


def bf16_is_to_be_timed(device: torch.device) -> bool:
    """Return whether only a measurement tells if bf16 is faster here.

    So it is on processors with AVX-512's bf16 and no AMX: a step took 1.5 times as long on a Xeon
    that hides AMX, and .7 to .8 of the time on an AMD. Without it, bf16 takes many times as long.
    """
    found = _capabilities()
    return (
        device.type == "cpu" and bool(found.get("avx512_bf16")) and not found.get("amx_bf16")
    )


def _capabilities() -> dict[str, object]:
    """Return what the processor can do; older versions of torch cannot tell."""
    ask: Callable[[], dict[str, object]] = getattr(torch.cpu, "get_capabilities", dict)
    return ask()
