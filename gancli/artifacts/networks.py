"""A model's networks, and the engine that runs them, in torch."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from gancli.artifacts.model import RESTORE_HINT, AnyModel, Model, misfit
from gancli.config import options
from gancli.errors import GancliError
from gancli.layers import weights
from gancli.modalities.base import ConfigT, OptionsT, SpecT, Trainable
from gancli.phases.base import Networks
from gancli.sampling.engines.torch import TILE, TorchEngine, repeatable
from gancli.storage.tensors import Shape


def planned_networks(
    trainable: Trainable[SpecT, ConfigT], spec: SpecT, config: ConfigT
) -> Networks:
    """Return networks on the meta device, where they have shapes but take no memory.

    Raises:
        GancliError: The config leaves a size open.
    """
    for option in options(type(config)):
        if option.group == "Networks" and getattr(config, option.name) is None:
            raise GancliError(
                f"The options do not say {option.name}, so the networks cannot be built.",
                RESTORE_HINT,
            )
    with torch.device("meta"):
        return trainable.build(spec, config)


def check_fit(
    trainable: Trainable[SpecT, ConfigT], spec: SpecT, config: ConfigT,
    shapes: Mapping[str, Shape], name: str,
) -> None:
    """Check, before any memory is taken, that arrays fit the networks that they are meant for.

    Args:
        trainable, spec, config: What the networks are built from.
        shapes: Of the arrays under ``NETWORK.KEY``.
        name: What messages call the arrays.

    Raises:
        GancliError: They do not fit.
    """
    planned = planned_networks(trainable, spec, config)
    wanted = {
        f"{part}.{key}": tuple(tensor.shape)
        for part, network in planned.named().items()
        for key, tensor in network.state_dict().items()
    }
    if dict(shapes) != wanted:
        odd = sorted(set(shapes.items()) ^ set(wanted.items()))[0][0]
        raise misfit(name, odd)


def parameter_counts(networks: Networks) -> dict[str, int]:
    """Return the number of weights of each network that are learned."""
    return {
        name: sum(each.numel() for each in network.parameters())
        for name, network in networks.named().items()
    }


def load_networks(model: Model[SpecT, ConfigT, OptionsT]) -> Networks:
    """Return a model's networks in evaluation mode; all is checked before memory is taken.

    Raises:
        GancliError: The weights are damaged, or do not fit the model's spec and config.
    """
    trainable, own = model.modality.trainable(), model.weights
    check_fit(trainable, model.spec, model.config, own.shapes, own.name)
    arrays = own.read()
    networks = trainable.build(model.spec, model.config)
    for name, network in networks.named().items():
        weights.load(network, weights.below(arrays, name))
        network.eval().requires_grad_(False)
    return networks


def torch_engine(
    trainable: Trainable[SpecT, ConfigT], generator: nn.Module, discriminator: nn.Module,
    device: torch.device, tile: int | None,
) -> TorchEngine:
    """Return an engine for networks in evaluation mode on a device."""
    return TorchEngine(
        lambda inputs: trainable.generate(generator, inputs),
        lambda inputs: discriminator(inputs["items"], inputs.get("labels")).logits,
        device, mixes_items=bool(discriminator.mixes_items), tile=tile,
    )


@contextmanager
def open_torch_engine(model: AnyModel, device: torch.device) -> Iterator[TorchEngine]:
    """Give the engine of a model, which makes the same bytes of a seed again and again.

    Raises:
        GancliError: The model is damaged.
    """
    networks = load_networks(model)
    with repeatable():
        yield torch_engine(
            model.modality.trainable(), networks.generator.to(device),
            networks.discriminator.to(device), device, TILE,
        )
