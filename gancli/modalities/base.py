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
    from gancli.report import Reporter
    from gancli.sampling.config import SampleConfig

# Makes the items of some keys one after the other, in their order, while few are in memory. A key
# is a seed or whatever else the modality's ``latents`` knows; an item is float32, shaped as the
# generator makes it, without the batch.
Items = Callable[[Sequence[Any]], "Iterator[tuple[Any, np.ndarray]]"]

# Gives the binary stream for data; refuses a terminal by a GancliError.
Stdout = Callable[[], BinaryIO]


class Scorer(Protocol):
    """Measures generated items against held-out real ones; smaller is better."""

    floor: float

    def score(self, items: "torch.Tensor") -> float:
        """Return the distance of items, shaped as the generator makes them."""

    def diversity(self, items: "torch.Tensor") -> float:
        """Return the spread of items over that of real ones: 1 is alike, 0 is one item repeated."""


class Modality(Protocol):
    """One kind of thing that can be generated."""

    name: str
    config_type: type[TrainConfig]
    sample_config_type: "type[SampleConfig]"
    presets: Mapping[str, Mapping[str, Any]]

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
        """Return networks by name; ``generator`` and ``discriminator`` are always among them."""

    def phases(self, spec: Any, config: Any, dataset: "Dataset") -> "list[Phase]":
        """Return the parts of training in order."""

    def scorer(self, dataset: "Dataset", seed: int) -> Scorer:
        """Return the monitor's figure for this data."""

    def latents(
        self, keys: list[Any], spec: Any, config: Any, options: Any
    ) -> "dict[str, np.ndarray]":
        """Return the generator's inputs by argument name, a row for each key (no torch).

        A key is a seed, or what else the modality's own ``write`` asks for (places between seeds).
        """

    def preview(self, items: "np.ndarray", path: "Path") -> None:
        """Write a picture of a few generated items beside ``path``, with a fitting suffix."""

    def write(
        self,
        items: Items,
        seeds: list[int],
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
