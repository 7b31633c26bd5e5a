"""A random change that real and generated sounds go through alike."""

from dataclasses import dataclass

import torch

from gancli.modalities.audio.mel import after_end
from gancli.modalities.audio.spec import AudioSpec


@dataclass(frozen=True)
class Shift:
    """Moves a batch later by up to a step's frames.

    The discriminator reads windows of several frames and would without it not see what always
    happens where the generator's windows begin, and sooner know the clips by heart.

    Args:
        spec: Of the sounds.
        step_frames: Frames of a step.
    """

    spec: AudioSpec
    step_frames: int

    def __call__(self, items: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return items (n, frames, depth) later; the shift is the same for all of them."""
        late = int(torch.randint(self.step_frames, (), generator=generator, device=items.device))
        if not late:
            return items
        frame = after_end(self.spec).to(items)
        return torch.cat([frame.expand(len(items), late, -1), items[:, :-late]], 1)
