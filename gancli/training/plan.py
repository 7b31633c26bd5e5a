"""What a training would do, without doing it."""

from dataclasses import dataclass
from typing import Generic

from gancli.artifacts.model import AnyModel
from gancli.artifacts.networks import parameter_counts, planned_networks
from gancli.config import options
from gancli.data.source import Source
from gancli.modalities.base import ConfigT, Modality, OptionsT, SpecT
from gancli.training.budget import Budget
from gancli.training.fine_tuning import inspected, weights_kept


@dataclass(frozen=True)
class Plan(Generic[SpecT, ConfigT]):
    """A look ahead.

    Args:
        spec: What the data fixes.
        config: With what the budget decides, as far as that is known.
        sentences: Why.
        parameters: Number of weights of each network; empty if their size is not known yet.
    """

    spec: SpecT
    config: ConfigT
    sentences: list[str]
    parameters: dict[str, int]


def plan(
    modality: Modality[SpecT, ConfigT, OptionsT], config: ConfigT, source: Source,
    origin: AnyModel | None = None,
) -> Plan[SpecT, ConfigT]:
    """Look at the data and build the networks without memory."""
    spec, sentences = inspected(modality, source, config, origin)
    if origin is not None:
        sentences.append(weights_kept(spec, config, origin))
    trainable = modality.trainable()
    if trainable.sized is not None:

        def affordable(trial: ConfigT, batch: int) -> float | None:
            return Budget.of(trial).items(batch)

        config, more = trainable.sized(spec, config, affordable)
        sentences = [*sentences, *more]
    parameters = {}
    known = not any(
        option.group == "Networks" and getattr(config, option.name) is None
        for option in options(type(config))
    )
    if known:
        parameters = parameter_counts(planned_networks(trainable, spec, config))
    return Plan(spec, config, sentences, parameters)
