"""What is trained on what."""

from dataclasses import dataclass
from typing import Any, Generic

from gancli.data.dataset import Dataset
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT


@dataclass(frozen=True)
class Experiment(Generic[SpecT, ConfigT, OptionsT]):
    """A modality, what the data fixed, what the person chose, and the data itself."""

    modality: Modality[SpecT, ConfigT, OptionsT]
    spec: SpecT
    config: ConfigT
    dataset: Dataset


AnyExperiment = Experiment[Any, Any, Any]
