"""A training on other data that starts from a model's weights."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from gancli.artifacts.model import AnyModel
from gancli.artifacts.networks import planned_networks
from gancli.config import options
from gancli.data.source import Source
from gancli.errors import UsageError
from gancli.layers import weights
from gancli.modalities.base import Axes, ConfigT, Modality, OptionsT, SpecT
from gancli.phases.base import Networks
from gancli.storage.tensors import Shape

Names: TypeAlias = Sequence[Sequence[str] | None] | None  # along each axis of a weight

_MIN_KEPT = 0.25  # of the generator; where classes come, what sees them is half of it


def inherited(model: AnyModel) -> dict[str, object]:
    """Return the options that a training takes from the model that it starts from.

    Raises:
        UsageError: Models of this modality cannot be trained on other data.
    """
    own = {
        option.name: getattr(model.config, option.name)
        for option in options(type(model.config)) if option.group == "Networks"
    }
    transfer = model.modality.loader().transfer
    if transfer is None:
        raise UsageError(
            f"A model of {model.modality.name} cannot be trained on other data.",
            "Leave out --from.",
        )
    return {**own, **transfer.inherited(model.spec)}


def inspected(
    modality: Modality[SpecT, ConfigT, OptionsT], source: Source, config: ConfigT,
    origin: AnyModel | None,
) -> tuple[SpecT, list[str]]:
    """Return what the data fixes beside what the model keeps, and a sentence for each choice."""
    loader = modality.loader()
    spec, sentences = loader.inspect(source, config)
    if origin is None or loader.transfer is None:
        return spec, sentences
    spec, more = loader.transfer.adopt(spec, origin.spec)
    same = [
        f"{name.replace('_', '-')} {value}"
        for name, value in loader.transfer.inherited(origin.spec).items()
        if getattr(config, name) == value
    ]
    return spec, [*sentences, f"From the model: networks, {', '.join(same)}.", *more]


def as_found(config: ConfigT, origin: AnyModel | None) -> ConfigT:
    """Return the config with what the model decides left open, since nobody asked for it.

    Loading the data then says what of it is lost.
    """
    if origin is None:
        return config
    own = inherited(origin)
    left_open: dict[str, Any] = {
        option.name: option.default for option in options(type(config))
        if option.default in (None, "auto") and option.name in own
        and getattr(config, option.name) == own[option.name]
    }
    return replace(config, **left_open)


def weights_kept(spec: SpecT, config: ConfigT, origin: AnyModel) -> str:
    """Return a sentence that says how much of a model's weights a training takes over.

    Raises:
        UsageError: Too little fits.
    """
    axes, former_axes = _both_axes(spec, config, origin)
    fractions = {}
    for name, network in planned_networks(
        origin.modality.trainable(), spec, config
    ).named().items():
        kept = total = 0
        for key, parameter in network.named_parameters():
            whole, shape = f"{name}.{key}", tuple(parameter.shape)
            places = _places(
                shape, _names(axes, whole), origin.weights.shapes.get(whole),
                _names(former_axes, whole),
            )
            kept += math.prod(len(targets) for targets, _ in places or [([], [])])
            total += parameter.numel()
        fractions[name] = kept / max(total, 1)
    if fractions["generator"] < _MIN_KEPT:
        raise UsageError(
            f"Only {fractions['generator']:.0%} of the generator's weights fit these options and "
            "this data.",
            _differences(config, origin),
        )
    return (
        f"Weights: {fractions['generator']:.0%} of the generator's and "
        f"{fractions['discriminator']:.0%} of the discriminator's are the model's; the rest is new."
    )


def take_over(networks: Networks, spec: SpecT, config: ConfigT, origin: AnyModel) -> None:
    """Give networks of a training the weights of a model, as far as they fit.

    Args:
        networks: Generator and discriminator, with weights that are not trained.
        spec, config: Of the training.
        origin: The model.

    Raises:
        GancliError: The model is damaged.
    """
    axes, former_axes = _both_axes(spec, config, origin)
    former = origin.weights.read()
    for name in ("generator", "discriminator"):
        network = networks.named()[name]
        arrays = weights.to_arrays(network.state_dict())
        for key, array in arrays.items():
            own = former.get(whole := f"{name}.{key}")
            places = _places(
                array.shape, _names(axes, whole), None if own is None else own.shape,
                _names(former_axes, whole),
            )
            if own is not None and places is not None:
                arrays[key] = array.copy()
                targets = np.ix_(*(each for each, _ in places))
                arrays[key][targets] = own[np.ix_(*(each for _, each in places))]
        weights.load(network, arrays)


def _both_axes(spec: SpecT, config: ConfigT, origin: AnyModel) -> tuple[Axes, Axes]:
    transfer = origin.modality.loader().transfer
    assert transfer is not None  # inherited() has refused it
    return transfer.axes(spec, config), transfer.axes(origin.spec, origin.config)


def _names(axes: Axes, key: str) -> Names:
    """Return the names along the axes of a weight, or None if none has any."""
    for pattern, own in axes.items():
        if re.fullmatch(pattern, key):
            return own
    return None


def _places(
    shape: Shape, names: Names, former_shape: Shape | None, former_names: Names
) -> list[tuple[Sequence[int], Sequence[int]]] | None:
    """Return along each axis where an array and a former one have the same, or None if nowhere."""
    if former_shape is None or len(shape) != len(former_shape):
        return None
    nameless = [None] * len(shape)
    places: list[tuple[Sequence[int], Sequence[int]]] = []
    for size, own, former_size, theirs in zip(
        shape, names or nameless, former_shape, former_names or nameless, strict=True
    ):
        if own is None or theirs is None:
            if size != former_size:
                return None
            places.append((range(size), range(size)))
            continue
        index = {name: place for place, name in enumerate(theirs)}
        pairs = [(place, index[name]) for place, name in enumerate(own) if name in index]
        places.append(([target for target, _ in pairs], [source for _, source in pairs]))
    return places


def _differences(config: ConfigT, origin: AnyModel) -> str:
    """Return which options are not the model's, as a hint."""
    own = inherited(origin)
    odd = [
        f"{option.flag} {value} (the model has {own[option.name]})"
        for option in options(type(config))
        if option.name in own and (value := getattr(config, option.name)) != own[option.name]
    ]
    if not odd:
        return "Train a new model without --from."
    return f"Leave out {' and '.join(odd)}, or train a new model without --from."
