"""The contract of a modality: facts, and doors to its code. README.md explains it.

Importing a modality must not import numpy or torch: the command line reads the configs of all of
them for ``--help``. So a modality's code is behind doors that are opened where it is needed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from gancli.config import TrainConfig
from gancli.sampling.config import SampleConfig

if TYPE_CHECKING:
    import numpy as np
    import torch
    from _typeshed import DataclassInstance
    from torch import nn

    from gancli.data.dataset import Dataset, Items
    from gancli.data.source import Source
    from gancli.metrics.figure import Figure
    from gancli.phases.base import Networks, Phase
    from gancli.reporting import Reporter
    from gancli.sampling.codec import Codec
    from gancli.sampling.engines.numpy import ArrayNetworks
    from gancli.sampling.engines.numpy.parameters import Parameters


# What the data fixes: a frozen dataclass of JSON values.
SpecT = TypeVar("SpecT", bound="DataclassInstance")
ConfigT = TypeVar("ConfigT", bound=TrainConfig)
OptionsT = TypeVar("OptionsT", bound=SampleConfig)


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

    def projected(self, items: "torch.Tensor") -> "np.ndarray":
        """Return the features by which items are compared, float64, shape (n, dims)."""


# Items that the budget buys with a config whose steps have so many, if that is known.
Affordable: TypeAlias = Callable[[ConfigT, int], float | None]


# For keys of weights that match a pattern, the names along each axis; None where it has none.
Axes: TypeAlias = Mapping[str, tuple[Sequence[str] | None, ...]]


@dataclass(frozen=True)
class Transfer(Generic[SpecT, ConfigT]):
    """How the weights of a model become the start of a training on other data (numpy).

    Args:
        inherited: Returns the options under which other data gets networks that the weights fit.
        adopt: Returns the spec of other data with what must stay as the model had it, given that
            and the model's, and a sentence for each thing that is kept or new.
        axes: Returns names along the axes whose sizes the data fixes, such as classes; what has the
            same name in both is the same.
    """

    inherited: Callable[[SpecT], Mapping[str, object]]
    adopt: Callable[[SpecT, SpecT], tuple[SpecT, list[str]]]
    axes: "Callable[[SpecT, ConfigT], Axes]"


@dataclass(frozen=True)
class Loader(Generic[SpecT, ConfigT]):
    """From files to arrays (numpy).

    Args:
        inspect: Returns the spec that the data fixes and a sentence for each choice.
        load: Reads all items.
        transfer: How a model starts a training on other data; None where it cannot.
    """

    inspect: "Callable[[Source, ConfigT], tuple[SpecT, list[str]]]"
    load: "Callable[[Source, SpecT, ConfigT, Reporter], Dataset]"
    transfer: Transfer[SpecT, ConfigT] | None = None


@dataclass(frozen=True)
class Graph:
    """What ``gancli export`` writes of a generator.

    Args:
        module: What is run.
        inputs: Example inputs by argument name: tensors, or a list of them.
        axes: Names of the axes of any size, by argument name and axis, shaped as the inputs.
        input_names, output_names: In the file, lists taken apart.
        metadata: What the file says of itself; ``usage`` is for people.
    """

    module: "nn.Module"
    inputs: Mapping[str, Any]
    axes: Mapping[str, Any]
    input_names: list[str]
    output_names: list[str]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Trainable(Generic[SpecT, ConfigT]):
    """Networks and what trains them (torch).

    Args:
        build: Returns what a model holds, with weights that are not trained.
        start: Returns new networks for a training: those of ``build``, and what only training
            needs.
        generate: Runs a generator on inputs by argument name; returns items, a row each.
        real: Returns real items as the discriminator sees them, a row each and shaped as the
            generator makes them, and their labels.
        phases: Returns the parts of training in order.
        scorer: Returns the monitor's measure for this data; the integer is its seed.
        sized: Chooses what the config leaves to the budget, such as the width of the networks, and
            says so. Its last argument returns the items that the budget buys with a config whose
            steps have so many items, or None where that is not known yet; then it is left open.
            A modality that leaves nothing to the budget has none.
        graph: Returns what ``gancli export`` writes of a generator, given inputs of a few items by
            argument name; the generator itself if there is none.
        also_shown: Returns what turns items into others that training shows beside them, such as
            their mirror images, or None if a config asks for none: copies of them are copies.
        figures: Returns figures that the modality alone has, given items that were trained on,
            others held out, those that copies are looked for among, samples, all shaped as the
            generator makes them, and a seed; or None.
    """

    build: "Callable[[SpecT, ConfigT], Networks]"
    start: "Callable[[SpecT, ConfigT, Dataset], Networks]"
    generate: "Callable[[nn.Module, Mapping[str, torch.Tensor]], torch.Tensor]"
    real: "Callable[[Items, SpecT], tuple[torch.Tensor, torch.Tensor | None]]"
    phases: "Callable[[SpecT, ConfigT, Dataset], list[Phase]]"
    scorer: "Callable[[Dataset, SpecT, ConfigT, int], Scorer]"
    sized: (
        "Callable[[SpecT, ConfigT, Affordable[ConfigT]], tuple[ConfigT, list[str]]] | None"
    ) = None
    graph: (
        "Callable[[nn.Module, SpecT, ConfigT, Mapping[str, torch.Tensor]], Graph] | None"
    ) = None
    also_shown: "Callable[[ConfigT], Callable[[torch.Tensor], torch.Tensor] | None] | None" = None
    figures: (
        "Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, SpecT, int],"
        " list[Figure]] | None"
    ) = None


# Builds the networks of a spec and a config from a model's arrays (numpy); raises Misfit where
# these are others.
Inference: TypeAlias = "Callable[[SpecT, ConfigT, Parameters], ArrayNetworks]"


def whole_generator(
    generator: "nn.Module", inputs: "Mapping[str, torch.Tensor]", metadata: Mapping[str, str]
) -> Graph:
    """Return the graph of a generator that makes its items in one pass."""
    axes = {name: {0: "batch"} for name in inputs}
    return Graph(generator, inputs, axes, list(inputs), ["items"], metadata)


def call_generator(
    generator: "nn.Module", inputs: "Mapping[str, torch.Tensor]"
) -> "torch.Tensor":
    """Run a generator that makes its items in one pass."""
    items: torch.Tensor = generator(**inputs)
    return items


@dataclass(frozen=True)
class Modality(Generic[SpecT, ConfigT, OptionsT]):
    """One kind of thing that can be generated.

    Args:
        name: As on the command line.
        items: What it makes, in the plural, for messages.
        score: What its scorer measures, as the rest of a sentence: ``the Frechet distance ...``.
        config_type: Options of training.
        options_type: Options of sampling.
        presets: Values of each preset, by its name.
        binary: Whether its samples have to be kept from a terminal.
        previews: Suffixes of the files that the codec's ``preview`` writes.
        spec, loader, codec, trainable: The doors. ``spec`` returns a spec from its JSON form and
            raises GancliError if a field is missing, of a wrong type or out of bounds; ``codec``
            makes the one of a spec and a config.
        inference: The door to the networks without torch; a modality that has none is sampled by
            torch.
    """

    name: str
    items: str
    score: str
    config_type: type[ConfigT]
    options_type: type[OptionsT]
    presets: Mapping[str, Mapping[str, object]]
    binary: bool
    previews: Sequence[str]
    spec: Callable[[], Callable[[Mapping[str, Any]], SpecT]]
    loader: Callable[[], Loader[SpecT, ConfigT]]
    codec: "Callable[[], Callable[[SpecT, ConfigT], Codec[OptionsT]]]"
    trainable: Callable[[], Trainable[SpecT, ConfigT]]
    inference: "Callable[[], Inference[SpecT, ConfigT]] | None" = None


# A modality found by its name, whose types are known to nobody but itself.
AnyModality: TypeAlias = Modality[Any, Any, Any]
