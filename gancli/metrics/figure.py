"""A figure as it may be shown: never bare, always with its floor and its interval."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured of samples.

    Args:
        name: Of the figure.
        value: Of the samples.
        low, high: Its 95% interval.
        floor: What as many real items get.
        n: Number of samples.
        about: What it says, and which way is better.
    """

    name: str
    value: float
    low: float
    high: float
    floor: float
    n: int
    about: str
