"""Seeds, and the random numbers that belong to each: the same on any device, in any batch."""

import secrets
from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from gancli.errors import UsageError
from gancli.sampling.config import SampleConfig
from gancli.sampling.lazy import Ranges
from gancli.sampling.request import SampleRequest

_MAX_SEEDS = 10_000_000
_STREAMS = 8  # random streams that one candidate may use

# Seeds that training and eval sample for their own purposes. Anyone may sample them too.
PREVIEW_SEEDS = range(64)
SCORED_SEEDS_FROM = 64
CALIBRATION_SEEDS_FROM = 1 << 40
STATISTICS_SEEDS_FROM = 1 << 41
EVALUATION_SEEDS_FROM = 1 << 42


class Stream(IntEnum):
    """What random numbers are for; every purpose has a stream of its own."""

    NOISE = 0
    CLASS = 1
    CANDIDATE = 2
    PHASE = 3


def parse_seeds(text: str) -> Ranges:
    """Return the seeds of ``0-63,99``, in order.

    Raises:
        UsageError: The text is not a list of numbers and ranges.
    """
    parts: list[range] = []
    count = 0
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        # No seed has more digits, and int() refuses thousands of them with an error of its own.
        numbers = (end.isascii() and end.isdigit() and len(end) < 20 for end in (first, last))
        if not all(numbers):
            raise UsageError(f"--seeds cannot be {text!r}.", "Write it like 0-63,99.")
        low, high = int(first), int(last)
        if high < low or high > 2**62 or count + high - low >= _MAX_SEEDS:
            raise UsageError(
                f"The range {part.strip()} in --seeds does not count up, or is too long.",
                f"Give at most {_MAX_SEEDS:,} seeds, the smaller end first.",
            )
        parts.append(range(low, high + 1))
        count += len(parts[-1])
    return Ranges(parts)


def choose_seeds(options: SampleConfig) -> tuple[Sequence[int], str]:
    """Return the seeds that the options ask for, and a sentence if the first was drawn at random.

    Raises:
        UsageError: Both ``--seed`` and ``--seeds`` are given, or the latter is not a list.
    """
    if options.seeds is not None:
        if options.seed is not None:
            raise UsageError("Both --seed and --seeds are given.", "Keep one of them.")
        return parse_seeds(options.seeds), ""
    if options.seed is not None:
        return range(options.seed, options.seed + options.n), ""
    first = secrets.randbelow(2**31)
    again = f"--seed {first}" + (f" -n {options.n}" if options.n > 1 else "")
    sentence = f"Drew a random seed; {again} makes the same again."
    return range(first, first + options.n), sentence


def philox(seed: int, stream: Stream, candidate: int = 0) -> np.random.Generator:
    """Return the random numbers of a seed for one purpose."""
    return np.random.Generator(np.random.Philox(key=[seed, stream + _STREAMS * candidate]))


def normal(
    seed: int, size: int, candidate: int = 0, truncation: float | None = None
) -> np.ndarray:
    """Return the noise of a seed, float32, shape (size,).

    Args:
        seed: Of the sample.
        size: Numbers wanted.
        candidate: Which of its candidates.
        truncation: Draw numbers beyond this many standard deviations again (Brock et al. 2018,
            arXiv 1809.11096), or None.
    """
    rng = philox(seed, Stream.NOISE, candidate)
    noise = rng.standard_normal(size, dtype=np.float32)
    while truncation is not None and (beyond := np.abs(noise) > truncation).any():
        noise[beyond] = rng.standard_normal(int(beyond.sum()), dtype=np.float32)
    return noise


def uniform(request: SampleRequest, size: int) -> np.ndarray:
    """Return a request's noise in [0, 1), float32, shape (size,); a longer one begins the same."""
    return philox(request.seed, Stream.NOISE, request.candidate).random(size, dtype=np.float32)


def drawn_class(request: SampleRequest, counts: tuple[int, ...]) -> int:
    """Return a class for a request, as frequent as ``counts`` says; candidates share one."""
    seed = request.seed if request.class_seed is None else request.class_seed
    cumulative = np.cumsum(counts) / max(sum(counts), 1)
    position = int(np.searchsorted(cumulative, philox(seed, Stream.CLASS).random(), "right"))
    return min(position, len(counts) - 1)
