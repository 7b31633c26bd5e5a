"""The contract of a modality: all that the loop, the sampler and the commands know of one.

A folder in ``gancli/modalities/`` whose ``__init__`` holds a ``MODALITY`` is a modality. Importing
it must not import torch: the command line reads the configs of every modality for ``--help``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from gancli.config import TrainConfig

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch
    from torch import nn

    from gancli.data.dataset import Dataset
    from gancli.data.source import Source
    from gancli.phases.base import Phase
    from gancli.reporting import Reporter
    from gancli.sampling.config import SampleConfig

# Makes the items of some keys one after the other, in their order, while few are in memory. A key
# is a seed or whatever else the modality's ``latents`` knows; an item is float32, shaped as the
# generator makes it, without the batch; the score is the discriminator's calibrated log-odds of
# the item being real, or None where nobody asked for it.
Items = Callable[[Sequence[Any]], "Iterator[tuple[Any, np.ndarray, float | None]]"]

# Gives the binary stream for data; refuses a terminal by a GancliError.
Stdout = Callable[[], BinaryIO]


class Scorer(Protocol):
    """Measures generated items against held-out real ones; smaller is better."""

    floor: float

    def score(self, items: "torch.Tensor") -> float:
        """Return the distance of items, shaped as the generator makes them."""

    def diversity(self, items: "torch.Tensor") -> float:
        """Return the spread of items over that of real ones: 1 is alike, 0 is one item repeated."""

    def loss(self, generator: "nn.Module") -> float | None:
        """Return the generator's own loss on held-out items; None where it has no likelihood."""

    def notes(self, items: "torch.Tensor") -> dict[str, float]:
        """Return further figures for the log."""


class Modality(Protocol):
    """One kind of thing that can be generated."""

    name: str
    config_type: type[TrainConfig]
    sample_config_type: "type[SampleConfig]"
    presets: Mapping[str, Mapping[str, Any]]
    binary: bool  # whether its data has to be kept from a terminal
    tile: int  # items that sampling computes together; another number is another set of bytes

    def inspect(self, source: "Source", config: Any) -> tuple[Any, list[str]]:
        """Return the spec that the data fixes and a sentence for each choice (no torch)."""

    def spec_from_table(self, table: Mapping[str, Any]) -> Any:
        """Return a spec from its JSON form.

        Raises:
            GancliError: A field is missing, of a wrong type or out of bounds.
        """

    def load(
        self, source: "Source", spec: Any, config: Any, reporter: "Reporter"
    ) -> "Dataset":
        """Read all items (no torch)."""

    def build(self, spec: Any, config: Any) -> "dict[str, nn.Module]":
        """Return what a model holds: the ``generator`` and the ``discriminator``."""

    def start(self, spec: Any, config: Any, dataset: "Dataset") -> "dict[str, nn.Module]":
        """Return new networks for a training: those of ``build``, and what only training needs."""

    def real(
        self, batch: "dict[str, np.ndarray]", spec: Any
    ) -> "tuple[torch.Tensor, torch.Tensor | None]":
        """Return real items from ``Dataset.take`` that the generator could make, and their labels.

        The items are shaped as it makes them; without classes there are no labels.
        """

    def phases(self, spec: Any, config: Any, dataset: "Dataset") -> "list[Phase]":
        """Return the parts of training in order."""

    def scorer(self, dataset: "Dataset", spec: Any, seed: int) -> Scorer:
        """Return the monitor's figure for this data."""

    def generator_inputs(
        self, keys: list[Any], spec: Any, config: Any, options: Any
    ) -> "dict[str, np.ndarray]":
        """Return the generator's inputs by argument name, a row for each key (no torch).

        A key is a seed, a :class:`gancli.sampling.seeds.Candidate`, or what else the modality's
        own ``write`` asks for (places between seeds). ``labels`` are the discriminator's too.
        """

    def preview(self, items: "np.ndarray", spec: Any, path: "Path") -> None:
        """Write a picture of a few generated items beside ``path``, with a fitting suffix."""

    def write(
        self,
        items: Items,
        seeds: list[int],
        spec: Any,
        options: Any,
        reporter: "Reporter",
        stdout: Stdout,
    ) -> "list[Path]":
        """Encode the items of seeds to files or to stdout and return the files.

        Whatever can be refused is refused before the first item is asked for.

        Raises:
            UsageError: The options do not go together.
            GancliError: A file is there already (without ``force``) or cannot be written.
        """
