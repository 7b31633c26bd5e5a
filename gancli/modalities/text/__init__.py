"""Text: a recurrent generator that learns by likelihood first, then from a discriminator."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gancli.modalities.base import Inference, Loader, Modality, Trainable
from gancli.modalities.text.config import PRESETS, TextConfig, TextSampleConfig

if TYPE_CHECKING:
    from gancli.modalities.text.codec import TextCodec
    from gancli.modalities.text.spec import TextSpec


def _loader() -> "Loader[TextSpec, TextConfig]":
    from gancli.modalities.text.dataset import load
    from gancli.modalities.text.inspect import inspect
    from gancli.modalities.text.spec import TextSpec

    return Loader(inspect, TextSpec.from_table, load)


def _codec() -> "Callable[[TextSpec, TextConfig], TextCodec]":
    from gancli.modalities.text.codec import TextCodec

    return TextCodec


def _inference() -> "Inference[TextSpec, TextConfig]":
    from gancli.modalities.text.inference import networks

    return networks


def _trainable() -> "Trainable[TextSpec, TextConfig]":
    from gancli.modalities.text.training import TRAINABLE

    return TRAINABLE


MODALITY: "Modality[TextSpec, TextConfig, TextSampleConfig]" = Modality(
    name="text",
    items="texts",
    config_type=TextConfig,
    options_type=TextSampleConfig,
    presets=PRESETS,
    binary=False,
    loader=_loader,
    codec=_codec,
    inference=_inference,
    trainable=_trainable,
)
