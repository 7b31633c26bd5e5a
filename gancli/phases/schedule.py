"""Learning rate over the budget."""

import math


def cosine(progress: float) -> float:
    """Return a factor that falls from 1 to 0 as progress goes from 0 to 1.

    Source: Loshchilov and Hutter 2016, arXiv 1608.03983, without restarts.
    """
    return 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
