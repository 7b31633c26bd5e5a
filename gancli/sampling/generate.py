"""Running a generator on latents."""

from collections.abc import Callable, Mapping

import numpy as np
import torch


@torch.no_grad()
def generate(
    network: Callable[..., torch.Tensor], latents: Mapping[str, np.ndarray], device: torch.device
) -> torch.Tensor:
    """Return what a network makes of a batch of inputs by argument name, on the CPU."""
    inputs = {name: torch.from_numpy(values).to(device) for name, values in latents.items()}
    items: torch.Tensor = network(**inputs).float().cpu()
    return items
