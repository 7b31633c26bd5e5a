"""Where and in which arithmetic a step is computed."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Precision:
    """A device, and the arithmetic of forward passes on it.

    Args:
        device: Where tensors live.
        bf16: Whether networks run forward in bfloat16 where that is safe.
    """

    device: torch.device
    bf16: bool

    @property
    def name(self) -> str:
        """As ``--precision`` names it."""
        return "bf16" if self.bf16 else "fp32"

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context for a forward pass.

        It must not stay open over an update: it caches the weights that it has cast.
        """
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)
