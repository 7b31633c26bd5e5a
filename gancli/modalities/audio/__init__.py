"""Sounds: a recurrent generator of log-mel frames."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gancli.modalities.audio.config import PRESETS, AudioConfig, AudioSampleConfig
from gancli.modalities.base import Inference, Loader, Modality, Trainable

if TYPE_CHECKING:
    from gancli.modalities.audio.codec import AudioCodec
    from gancli.modalities.audio.spec import AudioSpec


def _loader() -> "Loader[AudioSpec, AudioConfig]":
    from gancli.modalities.audio.dataset import load
    from gancli.modalities.audio.inspect import inspect
    from gancli.modalities.audio.spec import AudioSpec

    return Loader(inspect, AudioSpec.from_table, load)


def _codec() -> "Callable[[AudioSpec, AudioConfig], AudioCodec]":
    from gancli.modalities.audio.codec import AudioCodec

    return AudioCodec


def _inference() -> "Inference[AudioSpec, AudioConfig]":
    from gancli.modalities.audio.inference import networks

    return networks


def _trainable() -> "Trainable[AudioSpec, AudioConfig]":
    from gancli.modalities.audio.training import TRAINABLE

    return TRAINABLE


MODALITY: "Modality[AudioSpec, AudioConfig, AudioSampleConfig]" = Modality(
    name="audio",
    items="sounds",
    config_type=AudioConfig,
    options_type=AudioSampleConfig,
    presets=PRESETS,
    binary=True,
    loader=_loader,
    codec=_codec,
    inference=_inference,
    trainable=_trainable,
)
