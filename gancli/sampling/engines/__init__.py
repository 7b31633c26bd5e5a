"""What runs a generator and a discriminator; one file an engine."""

from typing import Protocol

import numpy as np

from gancli.sampling.request import Inputs


class Engine(Protocol):
    """Runs the networks of one model."""

    def generate(self, inputs: Inputs) -> np.ndarray:
        """Return the generator's items, float32, a row for each row of the inputs."""

    def discriminate(
        self, items: np.ndarray, labels: np.ndarray | None, group: int = 1
    ) -> np.ndarray:
        """Return the discriminator's logits, float32, shape (n,).

        Args:
            items: As :meth:`generate` returns them.
            labels: Numbers of their classes, int64, shape (n,), or None without classes.
            group: Items side by side that belong together. A discriminator that compares items
                sees those of a group alone, so that no logit depends on what else is computed.
        """
