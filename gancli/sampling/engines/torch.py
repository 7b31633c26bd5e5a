"""Running a generator on latents."""

from collections.abc import Callable, Mapping

import numpy as np
import torch


@torch.no_grad()
def generate(
    network: Callable[..., torch.Tensor], inputs: Mapping[str, np.ndarray], device: torch.device
) -> torch.Tensor:
    """Return what a network makes of a batch of inputs by argument name, on the CPU."""
    tensors = {name: torch.from_numpy(values).to(device) for name, values in inputs.items()}
    items: torch.Tensor = network(**tensors).float().cpu()
    return items
