"""Text: a recurrent generator that learns by likelihood first, then from a discriminator."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gancli.modalities.base import Inference, Loader, Modality, Trainable
from gancli.modalities.text.config import PRESETS, TextConfig, TextSampleConfig

if TYPE_CHECKING:
    from gancli.modalities.text.codec import TextCodec
    from gancli.modalities.text.spec import TextSpec


def _spec() -> "Callable[[Mapping[str, Any]], TextSpec]":
    from gancli.modalities.text.spec import TextSpec

    return TextSpec.from_table


def _loader() -> "Loader[TextSpec, TextConfig]":
    from gancli.modalities.text.dataset import load
    from gancli.modalities.text.inspect import inspect
    from gancli.modalities.text.transfer import TRANSFER

    return Loader(inspect, load, TRANSFER)


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
    score="the Frechet distance of texts from real ones held out, by their runs of one to four "
    "tokens and their lengths",
    config_type=TextConfig,
    options_type=TextSampleConfig,
    presets=PRESETS,
    binary=False,
    previews=(".txt",),
    spec=_spec,
    loader=_loader,
    codec=_codec,
    inference=_inference,
    trainable=_trainable,
)
