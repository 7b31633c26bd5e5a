"""Training's random numbers, a function of (seed, step, attempt) and of nothing else.

A resumed run therefore needs no saved generator state, measuring cannot disturb training, and each
of several processes draws the same numbers (:mod:`gancli.runtime.shard`).
"""

import numpy as np
import torch


def step_rng(device: torch.device, seed: int, step: int, attempt: int) -> torch.Generator:
    """Return the random numbers of one step; ``attempt`` counts the roll-backs before it."""
    # The zero is from when each process had numbers of its own; runs that began then go on.
    words = np.random.SeedSequence((seed, 0, step, attempt)).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(words[0] >> np.uint64(1)))
