"""New networks for a training on sounds."""

import numpy as np
import torch
from torch import nn

from gancli.data.dataset import Dataset
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.frame_basis import FrameBasis
from gancli.modalities.audio.mel import to_items
from gancli.modalities.audio.networks import Encoder, build
from gancli.modalities.audio.spec import AudioSpec

_FRAMES = 50_000  # that the shapes are found in


def start(spec: AudioSpec, config: AudioConfig, dataset: Dataset) -> dict[str, nn.Module]:
    """Return generator, discriminator and encoder, which know the shapes of the clips."""
    networks = build(spec, config)
    if config.warm_start:
        networks["encoder"] = Encoder(spec, config)
    chosen = dataset.train[:: -(-len(dataset.train) * spec.frames // _FRAMES)]
    taken = dataset.take(np.asarray(chosen))
    items = to_items(
        torch.from_numpy(taken["samples"]), torch.from_numpy(taken["lengths"]), spec
    )
    found = FrameBasis(spec, config)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the last bits of the components depend on how many there are
    try:
        found.fit(items)
    finally:
        torch.set_num_threads(threads)
    for network in networks.values():
        assert isinstance(network.shapes, FrameBasis)
        network.shapes.load_state_dict(found.state_dict())
    return networks
