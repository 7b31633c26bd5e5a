"""What each layer of a network is, does and costs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class LayerRow:
    """One layer, as one item passes through it.

    Args:
        name: Where it is in the network.
        kind: Its class.
        output_shape: Shape of what it gives for one item.
        parameters: Weights that it holds itself.
        multiply_adds: Multiplications with addition; 0 for layers that only pass or rescale.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def layer_table(network: nn.Module, inputs: Mapping[str, torch.Tensor]) -> list[LayerRow]:
    """Return the leaf layers of a network in the order in which they run.

    Args:
        network: The network, in evaluation mode.
        inputs: Its arguments by name; one named ``""`` is passed first and by position.
    """
    rows: list[LayerRow] = []
    names = {module: name for name, module in network.named_modules()}

    def record(module: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, torch.Tensor):
            return
        shape = tuple(output.shape[1:])
        rows.append(
            LayerRow(
                names[module], _kind(module), shape,
                sum(each.numel() for each in module.parameters()),
                _multiply_adds(module, given[0], output),
            )
        )

    hooks = [
        module.register_forward_hook(record)
        for module, name in names.items() if _is_layer(module, name)
    ]
    by_name = dict(inputs)
    by_position = [by_name.pop("")] if "" in by_name else []
    try:
        with torch.no_grad():
            network(*by_position, **by_name)
    finally:
        for hook in hooks:
            hook.remove()
    return rows


def _is_layer(module: nn.Module, name: str) -> bool:
    """Return whether a module has no parts. What normalizes its weight counts as none."""
    if isinstance(module, nn.Identity) or "parametrizations" in name.split("."):
        return False
    return all(part == "parametrizations" for part, _ in module.named_children())


def _kind(module: nn.Module) -> str:
    """Return a layer's class; torch derives a new one where spectral norm is at work."""
    return type(module).__name__.removeprefix("Parametrized")


def _multiply_adds(module: nn.Module, given: torch.Tensor, output: torch.Tensor) -> int:
    """Return the multiply-adds of one item, without the bias."""
    if isinstance(module, nn.Linear):
        return math.prod(output.shape[1:]) * module.in_features
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        # Every position of the one meets a kernel; of a transposed convolution that is the input.
        transposed = isinstance(module, nn.ConvTranspose2d)
        positions = math.prod((given if transposed else output).shape[2:])
        channels = module.in_channels * module.out_channels // module.groups
        return positions * channels * math.prod(module.kernel_size)
    return 0
