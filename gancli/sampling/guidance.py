"""Letting the discriminator choose among candidates, so that samples come nearer to real data."""

from dataclasses import dataclass

import numpy as np

from gancli.sampling.seeds import Stream, philox


@dataclass(frozen=True)
class Calibration:
    """How a discriminator's logits become odds of being real; fitted on held-out data.

    Args:
        scale: Factor on a logit. Below 1 the discriminator is overconfident, 0 is a discriminator
            that knows nothing.
        shift: Added after.
        accuracy: Share of held-out real and generated items that it classifies correctly.
    """

    scale: float
    shift: float
    accuracy: float

    def log_odds(self, logits: np.ndarray) -> np.ndarray:
        """Return calibrated log-odds of being real, of any shape."""
        return self.scale * logits + self.shift


def pick_candidate(seed: int, log_odds: np.ndarray) -> int:
    """Return the number of the candidate that becomes the sample of a seed.

    A candidate is drawn with a weight of its odds of being real, D / (1 - D), which is the ratio
    of the densities of real and generated data where the discriminator is optimal: then many
    candidates give real data's distribution. Sources: Azadi et al. 2018 (discriminator rejection
    sampling, arXiv 1810.06758); Deng et al. 2020 (resampling for text, arXiv 2004.11714).

    Args:
        seed: Fixes the draw.
        log_odds: Of its candidates, shape (candidates,).
    """
    weights = np.exp(log_odds.astype(np.float64) - log_odds.max())
    cumulative = np.cumsum(weights) / weights.sum()
    position = np.searchsorted(cumulative, philox(seed, Stream.CANDIDATE).random(), "right")
    return min(int(position), len(cumulative) - 1)


def effective_sample_size(log_odds: np.ndarray) -> np.ndarray:
    """Return how many of each row's candidates still count (Kish's effective sample size).

    Args:
        log_odds: Shape (samples, candidates).

    Returns:
        Shape (samples,): 1 where one candidate takes all weight, their number where all are alike.
    """
    weights = np.exp(log_odds.astype(np.float64) - log_odds.max(1, keepdims=True))
    effective: np.ndarray = weights.sum(1) ** 2 / (weights**2).sum(1)
    return effective
