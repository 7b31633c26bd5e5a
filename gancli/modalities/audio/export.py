"""What the file of an exported generator of sounds says of itself."""

import json
from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import nn

from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.frames import FLOOR
from gancli.modalities.audio.inputs import latent_size
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.base import Graph, whole_generator


def graph(
    generator: nn.Module, spec: AudioSpec, config: AudioConfig, inputs: Mapping[str, torch.Tensor]
) -> Graph:
    """Return the whole generator, which makes frames."""
    labels = " and labels (n,) int64, numbers of classes," if spec.classes else ""
    usage = (
        f"z (n, {latent_size(spec, config)}) float32, normal noise,{labels} to items (n, "
        f"{spec.frames}, {spec.depth}). Of a frame, the last value is at least 0 inside the clip; "
        "the others, times deviation, plus mean, are the natural logarithms of mel magnitudes plus "
        f"{FLOOR:g}, {spec.bins} bands for each of {spec.channels} channels. To make sound: divide "
        "the magnitudes by the mel filters (their pseudo-inverse; triangles of height 1 on the HTK "
        f"scale from 0 to {spec.rate // 2} Hz) and find phases by Griffin-Lim, with Hann windows "
        f"of {spec.window} samples, {spec.hop} apart, at {spec.rate} Hz."
    )
    return whole_generator(
        generator, inputs,
        {"usage": usage, "classes": json.dumps(spec.classes), "spec": json.dumps(asdict(spec))},
    )
