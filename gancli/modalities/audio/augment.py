"""Random, differentiable changes that real and generated sounds go through alike."""

from dataclasses import dataclass

import torch

from gancli.modalities.audio.networks import after_end
from gancli.modalities.audio.spec import AudioSpec

_MOST = 0.25  # of the frames, and of the bands, that a mask hides


@dataclass(frozen=True)
class Augment:
    """Moves a batch later by up to a step's frames, and hides parts of each of its items.

    The discriminator reads several frames a step and would without the shift not see what always
    happens at the seams between the generator's steps. Masks are those of Park et al. 2019
    (SpecAugment, arXiv 1904.08779), used as Zhao et al. 2020 (arXiv 2006.10738) use theirs: on
    both kinds of items, so that the generator never learns to make them.

    Args:
        spec: Of the sounds.
        step_frames: Frames of a step.
        masks: Whether parts are hidden.
    """

    spec: AudioSpec
    step_frames: int
    masks: bool

    def __call__(self, items: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return items (n, frames, depth) changed; the shift is the same for all of them."""
        late = int(torch.randint(self.step_frames, (), generator=generator, device=items.device))
        if late:
            frame = after_end(self.spec).to(items)
            items = torch.cat([frame.expand(len(items), late, -1), items[:, :-late]], 1)
        if self.masks:
            hidden = _runs(items, 1, generator)[:, :, None] | _runs(items, 2, generator)[:, None]
            items = items.masked_fill(hidden, 0.0)  # a band's mean
        return items


def _runs(items: torch.Tensor, axis: int, generator: torch.Generator) -> torch.Tensor:
    """Return one run of places for each item, up to a quarter of an axis, bool (n, size)."""
    count, size = len(items), items.shape[axis]
    wide, place = torch.rand((2, count, 1), generator=generator, device=items.device)
    wide = (wide * (int(_MOST * size) + 1)).floor()
    start = (place * (size - wide + 1)).floor()
    places = torch.arange(size, device=items.device)
    hidden: torch.Tensor = (places >= start) & (places < start + wide)
    return hidden
