"""Seeds, and the noise that belongs to each: the same on any device, in any batch."""

import secrets
from typing import NamedTuple

import numpy as np

from gancli.errors import UsageError

_MAX = 10_000_000
_PURPOSES = 8  # kinds of numbers that one sample may draw


class Candidate(NamedTuple):
    """One of several tries at the sample of a seed; number 0 is the seed's own sample."""

    seed: int
    number: int


Key = int | Candidate


def parse_seeds(text: str) -> list[int]:
    """Return the seeds of ``0-63,99``, in order.

    Raises:
        UsageError: The text is no list of numbers and ranges.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        # No seed has more digits, and int() refuses thousands of them by an error of its own.
        numbers = (each.isascii() and each.isdigit() and len(each) < 20 for each in (first, last))
        if not all(numbers):
            raise UsageError(f"--seeds cannot be {text!r}.", "Write it like 0-63,99.")
        low, high = int(first), int(last)
        if high < low or high > 2**62 or len(seeds) + high - low >= _MAX:
            raise UsageError(
                f"The range {part.strip()} in --seeds does not count up, or is too long.",
                f"Give at most {_MAX:,} seeds, the smaller end first.",
            )
        seeds += range(low, high + 1)
    return seeds


def chosen_seeds(n: int, seed: int | None, seeds: str | None) -> list[int]:
    """Return the seeds that the options ask for; a random start when they name none."""
    if seeds is not None:
        if seed is not None:
            raise UsageError("Both --seed and --seeds are given.", "Keep one of them.")
        return parse_seeds(seeds)
    start = secrets.randbelow(2**31) if seed is None else seed
    return list(range(start, start + n))


def philox(key: Key, purpose: int) -> np.random.Generator:
    """Return the stream of one sample for one purpose (0 noise, 1 class, 2 choice)."""
    if isinstance(key, Candidate):
        return philox(key.seed, purpose + _PURPOSES * key.number)
    return np.random.Generator(np.random.Philox(key=[key, purpose]))


def normal(key: Key, count: int, truncation: float | None = None) -> np.ndarray:
    """Return a sample's noise, float32, shape (count,).

    Args:
        key: The sample's seed, or one of its candidates.
        count: Numbers wanted.
        truncation: Draw numbers beyond this many deviations again (Brock et al. 2018,
            arXiv 1809.11096), or None.
    """
    stream = philox(key, 0)
    noise = stream.standard_normal(count, dtype=np.float32)
    while truncation is not None and (beyond := np.abs(noise) > truncation).any():
        noise[beyond] = stream.standard_normal(int(beyond.sum()), dtype=np.float32)
    return noise


def drawn_class(key: Key, counts: tuple[int, ...]) -> int:
    """Return a class for a sample, as frequent as ``counts`` says; candidates share one."""
    seed = key.seed if isinstance(key, Candidate) else key
    share = np.cumsum(counts) / max(sum(counts), 1)
    position = int(np.searchsorted(share, philox(seed, 1).random(), "right"))
    return min(position, len(counts) - 1)
