"""What is trained on what."""

from dataclasses import dataclass
from typing import Any, Generic

from gancli.artifacts.model import AnyModel
from gancli.data.dataset import Dataset
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT
from gancli.phases.base import Networks
from gancli.training.fine_tuning import take_over


@dataclass(frozen=True)
class Experiment(Generic[SpecT, ConfigT, OptionsT]):
    """A modality, what the data fixed, what the person chose, and the data itself.

    Args:
        modality, spec, config, dataset: What is trained on what.
        origin: The model whose weights a new training starts from, or None.
    """

    modality: Modality[SpecT, ConfigT, OptionsT]
    spec: SpecT
    config: ConfigT
    dataset: Dataset
    origin: AnyModel | None = None

    def start(self) -> Networks:
        """Return the networks of a training before its first step."""
        networks = self.modality.trainable().start(self.spec, self.config, self.dataset)
        if self.origin is not None:
            take_over(networks, self.spec, self.config, self.origin)
        return networks


AnyExperiment = Experiment[Any, Any, Any]
