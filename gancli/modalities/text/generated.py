"""One generated text, with what is known of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gancli.modalities.base import Items

# Turns token ids into text.
Decode = Callable[[np.ndarray], str]

_END = 0  # the token that ends a sample, and what fills the rest


@dataclass(frozen=True, eq=False)  # eq: an array is not equal to another by one truth
class Sample:
    """A generated text.

    Args:
        tokens: Its token ids, int64, without the end.
        log_likelihood: Sum over its tokens and its end of their logarithms under the model, nats.
        score: What the discriminator says of it, or None where it was not asked.
        text: The tokens, decoded.
    """

    tokens: np.ndarray
    log_likelihood: float
    score: float | None
    text: str

    @classmethod
    def from_item(
        cls, item: np.ndarray, decode: Decode, score: float | None = None
    ) -> "Sample":
        """Return what a generator's item says.

        Args:
            item: Float32, shape (steps, 2): ids, which are exact, and their log-probabilities.
            decode: Turns ids into text.
            score: What the discriminator says of it, or None.
        """
        ids = item[:, 0].astype(np.int64)
        ends = np.flatnonzero(ids == _END)
        # A text that was cut at the greatest length has no end that could count.
        count = int(ends[0]) if len(ends) else len(ids)
        likelihood = float(item[: count + 1, 1].sum(dtype=np.float64))
        return cls(ids[:count], likelihood, score, decode(ids[:count]))


# Makes the samples of seeds one after the other, in their order.
TextItems = Callable[[Sequence[int]], Iterator[tuple[int, Sample]]]


def samples_of(items: Items, decode: Decode) -> TextItems:
    """Return what makes samples, from what makes the generator's items."""

    def samples(seeds: Sequence[int]) -> Iterator[tuple[int, Sample]]:
        for seed, item, score in items(seeds):
            yield seed, Sample.from_item(item, decode, score)

    return samples
