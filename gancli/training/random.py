"""Training's random numbers, a function of (seed, rank, step, attempt) and of nothing else.

A resumed run therefore needs no saved generator state, and measuring cannot disturb training.
"""

import numpy as np
import torch


def step_rng(
    device: torch.device, seed: int, rank: int, step: int, attempt: int
) -> torch.Generator:
    """Return the random numbers of one step; ``attempt`` counts the roll-backs before it."""
    words = np.random.SeedSequence((seed, rank, step, attempt)).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(words[0] >> np.uint64(1)))
