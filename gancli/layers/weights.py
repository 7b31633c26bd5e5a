"""A network's tensors as arrays, which is how files hold them, and back."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

Arrays = dict[str, np.ndarray]


def to_arrays(tensors: Mapping[str, torch.Tensor]) -> Arrays:
    """Return tensors as arrays, on the CPU and contiguous."""
    return {name: each.detach().cpu().contiguous().numpy() for name, each in tensors.items()}


def to_tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Return arrays, which need not be writable, as tensors of their own."""
    return {name: torch.tensor(array) for name, array in arrays.items()}


def joined(networks: Mapping[str, nn.Module]) -> Arrays:
    """Return the weights and buffers of networks, each under ``NETWORK.KEY``."""
    return {
        f"{name}.{key}": array
        for name, network in networks.items()
        for key, array in to_arrays(network.state_dict()).items()
    }


def below(arrays: Mapping[str, np.ndarray], prefix: str) -> Arrays:
    """Return the arrays under ``PREFIX.``, without it."""
    start = prefix + "."
    return {key[len(start) :]: each for key, each in arrays.items() if key.startswith(start)}


def load(network: nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Copy arrays into a network's weights and buffers, by key."""
    network.load_state_dict(to_tensors(arrays))
