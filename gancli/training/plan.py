"""What a training would do, without doing it."""

from dataclasses import dataclass
from typing import Any

import torch

from gancli.data.source import Source
from gancli.modalities.base import Modality


@dataclass(frozen=True)
class Plan:
    """A look ahead.

    Args:
        spec: What the data fixes.
        sentences: Why.
        parameters: Number of weights of each network.
    """

    spec: Any
    sentences: list[str]
    parameters: dict[str, int]


def plan(modality: Modality, config: Any, source: Source) -> Plan:
    """Look at the data and build the networks without memory."""
    spec, sentences = modality.inspect(source, config)
    with torch.device("meta"):
        networks = modality.build(spec, config)
    parameters = {
        name: sum(each.numel() for each in network.parameters())
        for name, network in networks.items()
    }
    return Plan(spec, sentences, parameters)
