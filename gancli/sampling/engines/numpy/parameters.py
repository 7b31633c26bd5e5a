"""A model's arrays, taken one by one under the names that torch gave them."""

from collections.abc import Mapping

import numpy as np

from gancli.storage.tensors import Shape

Array = np.ndarray


class Misfit(Exception):
    """An array is missing, left over or not of the shape that the networks need; says which."""


class Parameters:
    """The arrays of a network, or of a part of it.

    Args:
        arrays: By name.
        prefix: Of the part's names, with a dot at its end.
        taken: What was taken so far, and whether it is learned; the parts of a network share it.
    """

    def __init__(
        self, arrays: Mapping[str, Array], prefix: str = "", taken: dict[str, bool] | None = None
    ) -> None:
        self._arrays, self._prefix = arrays, prefix
        self._taken = {} if taken is None else taken

    @classmethod
    def planned(cls, shapes: Mapping[str, Shape]) -> "Parameters":
        """Return arrays of these shapes that take no memory, to check that networks fit."""
        zero = np.zeros((), np.float32)
        return cls({name: np.broadcast_to(zero, shape) for name, shape in shapes.items()})

    def below(self, *path: object) -> "Parameters":
        """Return the arrays of a part."""
        prefix = self._prefix + "".join(f"{step}." for step in path)
        return Parameters(self._arrays, prefix, self._taken)

    def take(self, name: str, *shape: int) -> Array:
        """Return an array that was learned, float32.

        Raises:
            Misfit: It is not there, or of another shape.
        """
        return self._take(name, shape, learned=True)

    def buffer(self, name: str, *shape: int) -> Array:
        """Return an array that was computed, not learned, float32.

        Raises:
            Misfit: It is not there, or of another shape.
        """
        return self._take(name, shape, learned=False)

    def _take(self, name: str, shape: Shape, *, learned: bool) -> Array:
        key = self._prefix + name
        array = self._arrays.get(key)
        if array is None or array.shape != shape:
            raise Misfit(key)
        self._taken[key] = learned
        return array.astype(np.float32, copy=False)

    def finish(self) -> None:
        """Check that nothing is left.

        Raises:
            Misfit: Something is.
        """
        for key in sorted(self._arrays.keys() - self._taken.keys()):
            raise Misfit(key)

    def counts(self) -> dict[str, int]:
        """Return the number of learned values that were taken, by network."""
        totals: dict[str, int] = {}
        for key, learned in self._taken.items():
            network = key.partition(".")[0]
            totals[network] = totals.get(network, 0) + learned * self._arrays[key].size
        return totals
