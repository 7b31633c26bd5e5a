"""The samples between seeds."""

from collections.abc import Sequence

import numpy as np

from gancli.errors import UsageError
from gancli.sampling.lazy import Lazy
from gancli.sampling.request import SampleRequest
from gancli.sampling.seeds import normal


def route(seeds: Sequence[int], frames: int, closed: bool) -> Sequence[SampleRequest]:
    """Return the requests from seed to seed, ``frames`` for each pair, all of one class.

    A closed route returns to the first seed but stops one frame short of it, so that an animation
    that repeats does not stand still; an open one ends at the last seed.
    """

    def request(place: int) -> SampleRequest:
        leg, frame = divmod(place, frames)
        toward = seeds[(leg + 1) % len(seeds)] if closed else seeds[min(leg + 1, len(seeds) - 1)]
        return SampleRequest(
            seeds[leg], toward=toward, fraction=frame / frames, class_seed=seeds[0]
        )

    count = len(seeds) * frames if closed else (len(seeds) - 1) * frames + 1
    return Lazy(range(count), request)


def slerp(first: np.ndarray, second: np.ndarray, fraction: float) -> np.ndarray:
    """Return the vector at ``fraction`` of the arc between two of shape (size,), float32.

    The straight line would pass near the origin, where a Gaussian of many dimensions almost never
    is (White 2016, arXiv 1609.04468).
    """
    a, b = first.astype(np.float64), second.astype(np.float64)
    lengths = np.sqrt((a * a).sum() * (b * b).sum())
    angle = np.arccos(np.clip((a * b).sum() / lengths, -1.0, 1.0)) if lengths else 0.0
    if np.sin(angle) < 1e-6:  # the same direction or the opposite one: no arc to follow
        between = (1.0 - fraction) * a + fraction * b
    else:
        between = (
            np.sin((1.0 - fraction) * angle) * a + np.sin(fraction * angle) * b
        ) / np.sin(angle)
    return between.astype(np.float32)


def latent_noise(
    request: SampleRequest, size: int, truncation: float | None = None
) -> np.ndarray:
    """Return a request's noise, float32, shape (size,): that of its seed, or between two."""
    noise = normal(request.seed, size, request.candidate, truncation)
    if request.toward is None:
        return noise
    return slerp(noise, normal(request.toward, size, truncation=truncation), request.fraction)


def check_route(seeds: int, guided: int) -> None:
    """Check that there is a way between this many seeds.

    Raises:
        UsageError: There is none, or a discriminator was to choose on it.
    """
    if guided > 1:
        raise UsageError(
            "--guided chooses among samples of a seed, and between seeds there are none.",
            "Leave --guided or --interpolate out.",
        )
    if seeds < 2:
        raise UsageError("--interpolate needs two seeds or more.", "Add -n 2.")
