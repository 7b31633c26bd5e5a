"""A generated text, with what is known of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gancli.modalities.text.tokens import END
from gancli.sampling.request import Sample

# Turns token ids into text.
Decode = Callable[[np.ndarray], str]


@dataclass(frozen=True, eq=False)  # eq: two arrays are not equal by one truth value
class GeneratedText:
    """A generated text.

    Args:
        sample: What it was read from.
        tokens: Its token ids, int64, without the end.
        log_likelihood: Sum over its tokens and its end of their logarithms under the model, nats.
        text: The tokens, decoded.
    """

    sample: Sample
    tokens: np.ndarray
    log_likelihood: float
    text: str

    @classmethod
    def read(cls, sample: Sample, decode: Decode) -> "GeneratedText":
        """Return the text of a sample.

        Args:
            sample: Its data, float32, shape (steps, 2), are ids, which are exact, and their
                log-probabilities.
            decode: Turns ids into text.
        """
        ids = sample.data[:, 0].astype(np.int64)
        ends = np.flatnonzero(ids == END)
        # A text that was cut at the greatest length has no end that could count.
        count = int(ends[0]) if len(ends) else len(ids)
        likelihood = float(sample.data[: count + 1, 1].sum(dtype=np.float64))
        return cls(sample, ids[:count], likelihood, decode(ids[:count]))
