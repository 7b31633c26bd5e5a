"""The samples between seeds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gancli.errors import UsageError
from gancli.sampling.seeds import Key


@dataclass(frozen=True)
class Between:
    """A place on the way from one seed to another.

    Args:
        first, second: The seeds.
        share: How far it is from the first, 0 to 1.
        label: The seed whose class is drawn.
    """

    first: int
    second: int
    share: float
    label: int


def route(seeds: list[int], frames: int, closed: bool) -> list[Between]:
    """Return the places from seed to seed, ``frames`` for each pair.

    A closed route returns to the first seed but stops one frame short of it, so that an animation
    that repeats does not stand still; an open one ends at the last seed.
    """
    pairs = list(zip(seeds, seeds[1:] + (seeds[:1] if closed else []), strict=False))
    places = [
        Between(first, second, frame / frames, seeds[0])
        for first, second in pairs
        for frame in range(frames)
    ]
    return places if closed else [*places, Between(seeds[-1], seeds[-1], 0.0, seeds[0])]


def slerp(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return the vector at ``share`` of the arc between two of shape (count,), float32.

    The straight line would pass near the origin, where a Gaussian of many dimensions almost never
    is (White 2016, arXiv 1609.04468).
    """
    a, b = first.astype(np.float64), second.astype(np.float64)
    lengths = np.sqrt((a * a).sum() * (b * b).sum())
    angle = np.arccos(np.clip((a * b).sum() / lengths, -1.0, 1.0)) if lengths else 0.0
    if np.sin(angle) < 1e-6:  # the same direction or the opposite one: no arc to follow
        between = (1.0 - share) * a + share * b
    else:
        between = (np.sin((1.0 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)
    return between.astype(np.float32)


def interpolated_inputs(
    places: list[Between], inputs: Callable[[list[Key]], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Return the generator's inputs for places between seeds.

    Args:
        places: Where.
        inputs: Returns ``z`` (n, numbers) and, with classes, ``labels`` (n,) of seeds.
    """
    first = inputs([place.first for place in places])["z"]
    second = inputs([place.second for place in places])["z"]
    found = inputs([place.label for place in places])
    found["z"] = np.stack([
        slerp(a, b, place.share) for a, b, place in zip(first, second, places, strict=True)
    ])
    return found


def check_way(seeds: int, guided: int) -> None:
    """Check that there is a way between this many seeds.

    Raises:
        UsageError: There is none, or a discriminator was to choose on it.
    """
    if guided > 1:
        raise UsageError(
            "--guided chooses among samples of a seed, and between seeds there is none.",
            "Leave --guided or --interpolate out.",
        )
    if seeds < 2:
        raise UsageError("--interpolate needs two seeds or more.", "Add -n 2.")
