"""Sounds: a recurrent generator of log-mel frames."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gancli.modalities.audio.config import PRESETS, AudioConfig, AudioSampleConfig
from gancli.modalities.base import Inference, Loader, Modality, Trainable

if TYPE_CHECKING:
    from gancli.modalities.audio.codec import AudioCodec
    from gancli.modalities.audio.spec import AudioSpec


def _spec() -> "Callable[[Mapping[str, Any]], AudioSpec]":
    from gancli.modalities.audio.spec import AudioSpec

    return AudioSpec.from_table


def _loader() -> "Loader[AudioSpec, AudioConfig]":
    from gancli.modalities.audio.dataset import load
    from gancli.modalities.audio.inspect import inspect
    from gancli.modalities.audio.transfer import TRANSFER

    return Loader(inspect, load, TRANSFER)


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
    score="the Frechet distance of sounds from real ones held out, by random convolutional "
    "features of their log-mel spectrograms",
    config_type=AudioConfig,
    options_type=AudioSampleConfig,
    presets=PRESETS,
    binary=True,
    previews=(".png", ".wav"),
    spec=_spec,
    loader=_loader,
    codec=_codec,
    inference=_inference,
    trainable=_trainable,
)
