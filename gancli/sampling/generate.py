"""Running a generator on latents."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn


@torch.no_grad()
def generate(
    network: nn.Module, latents: Mapping[str, np.ndarray], device: torch.device
) -> torch.Tensor:
    """Return the items for a batch of latents, on the CPU."""
    inputs = {name: torch.from_numpy(values).to(device) for name, values in latents.items()}
    items: torch.Tensor = network(**inputs).float().cpu()
    return items
