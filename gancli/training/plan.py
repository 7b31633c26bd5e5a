"""What a training would do, without doing it."""

from dataclasses import dataclass
from typing import Any, Generic

from gancli.artifacts.layers import describe_layers
from gancli.artifacts.model import AnyModel
from gancli.artifacts.networks import parameter_counts, planned_networks
from gancli.config import options
from gancli.config.option import Value
from gancli.data.source import Source
from gancli.errors import UsageError
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT
from gancli.training.budget import Budget
from gancli.training.fine_tuning import inspected, weights_kept


@dataclass(frozen=True)
class Plan(Generic[SpecT, ConfigT]):
    """A look ahead.

    Args:
        spec: What the data fixes.
        config: With what the budget decides, as far as that is known.
        found: Values of the options that it leaves to the data, by name.
        sentences: Why.
        parameters: Number of weights of each network; empty if their size is not known yet.
        layers: Of each network, as ``describe_layers`` returns them, if they were asked for.
    """

    spec: SpecT
    config: ConfigT
    found: dict[str, Value]
    sentences: list[str]
    parameters: dict[str, int]
    layers: dict[str, list[dict[str, Any]]]


def plan(
    modality: Modality[SpecT, ConfigT, OptionsT], config: ConfigT, source: Source, layers: bool,
    origin: AnyModel | None = None,
) -> Plan[SpecT, ConfigT]:
    """Look at the data and build the networks, without memory unless their layers are to be shown.

    Raises:
        UsageError: The layers are asked for, but their sizes are not known before a training.
    """
    spec, sentences = inspected(modality, source, config, origin)
    if origin is not None:
        sentences.append(weights_kept(spec, config, origin))
    config, more, parameters = plan_networks(modality, spec, config)
    sentences, tables = [*sentences, *more], {}
    if layers and not parameters:
        raise UsageError(
            "The layers are not known yet: a budget in time decides their width by this machine's "
            "speed, as training starts.",
            "Name a --g-width, or a budget in --steps or --images.",
        )
    if layers:
        tables = describe_layers(modality, spec, config, run=True)
    return Plan(spec, config, _found(spec, config), sentences, parameters, tables)


def plan_networks(
    modality: Modality[SpecT, ConfigT, OptionsT], spec: SpecT, config: ConfigT
) -> tuple[ConfigT, list[str], dict[str, int]]:
    """Build the networks of a training without memory.

    Returns:
        The config with what its budget decides, as far as that is known; a sentence for each of
        these; and the number of weights of each network, empty if their size is not known yet.

    Raises:
        GancliError: They cannot be built.
    """
    config, sentences = sized_by_count(modality, spec, config)
    if any(
        option.group == "Networks" and getattr(config, option.name) is None
        for option in options(type(config))
    ):
        return config, sentences, {}
    networks = planned_networks(modality.trainable(), spec, config)
    return config, sentences, parameter_counts(networks)


def sized_by_count(
    modality: Modality[SpecT, ConfigT, OptionsT], spec: SpecT, config: ConfigT
) -> tuple[ConfigT, list[str]]:
    """Return the config with what its budget decides without timing, and why, in sentences."""
    trainable = modality.trainable()
    if trainable.sized is None:
        return config, []

    def affordable(trial: ConfigT, batch: int) -> float | None:
        return Budget.of(trial).items(batch)

    return trainable.sized(spec, config, affordable)


def _found(spec: SpecT, config: ConfigT) -> dict[str, Value]:
    """Return what the data decided of the options that were left open: a spec names it alike."""
    values: dict[str, Value] = {}
    for option in options(type(config)):
        value = getattr(spec, option.name, None)
        if getattr(config, option.name) in (None, "auto") and value:
            values[option.name] = len(value) if isinstance(value, tuple) else value
    return values
