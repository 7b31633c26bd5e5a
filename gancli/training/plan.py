"""What a training would do, without doing it."""

from dataclasses import dataclass
from typing import Generic

from gancli.artifacts.networks import parameter_counts, planned_networks
from gancli.data.source import Source
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT


@dataclass(frozen=True)
class Plan(Generic[SpecT]):
    """A look ahead.

    Args:
        spec: What the data fixes.
        sentences: Why.
        parameters: Number of weights of each network.
    """

    spec: SpecT
    sentences: list[str]
    parameters: dict[str, int]


def plan(
    modality: Modality[SpecT, ConfigT, OptionsT], config: ConfigT, source: Source
) -> Plan[SpecT]:
    """Look at the data and build the networks without memory."""
    spec, sentences = modality.loader().inspect(source, config)
    networks = planned_networks(modality.trainable(), spec, config)
    return Plan(spec, sentences, parameter_counts(networks))
