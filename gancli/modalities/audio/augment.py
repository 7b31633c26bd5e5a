"""A random change that real and generated sounds go through alike."""

from dataclasses import dataclass

import torch

from gancli.modalities.audio.frames import after_end
from gancli.modalities.audio.spec import AudioSpec
from gancli.runtime.shard import Shard


@dataclass(frozen=True)
class Shift:
    """Moves a batch later by up to a step's frames.

    The discriminator reads windows of several frames and would without it not see what always
    happens where the generator's windows begin, and sooner memorize the clips.

    Args:
        spec: Of the sounds.
        step_frames: Frames of a step.
    """

    spec: AudioSpec
    step_frames: int

    def __call__(self, items: torch.Tensor, shard: Shard) -> torch.Tensor:
        """Return items (n, frames, depth) later; the shift is the same for all of them."""
        shift = int(
            torch.randint(self.step_frames, (), generator=shard.rng, device=items.device)
        )
        if not shift:
            return items
        frame = torch.from_numpy(after_end(self.spec)).to(items)
        return torch.cat([frame.expand(len(items), shift, -1), items[:, :-shift]], 1)
