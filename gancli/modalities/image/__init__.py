"""Images: a DCGAN."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gancli.modalities.base import Inference, Loader, Modality, Trainable
from gancli.modalities.image.config import PRESETS, ImageConfig, ImageSampleConfig

if TYPE_CHECKING:
    from gancli.modalities.image.codec import ImageCodec
    from gancli.modalities.image.spec import ImageSpec


def _spec() -> "Callable[[Mapping[str, Any]], ImageSpec]":
    from gancli.modalities.image.spec import ImageSpec

    return ImageSpec.from_table


def _loader() -> "Loader[ImageSpec, ImageConfig]":
    from gancli.modalities.image.dataset import load
    from gancli.modalities.image.inspect import inspect
    from gancli.modalities.image.transfer import TRANSFER

    return Loader(inspect, load, TRANSFER)


def _codec() -> "Callable[[ImageSpec, ImageConfig], ImageCodec]":
    from gancli.modalities.image.codec import ImageCodec

    return ImageCodec


def _inference() -> "Inference[ImageSpec, ImageConfig]":
    from gancli.modalities.image.inference import networks

    return networks


def _trainable() -> "Trainable[ImageSpec, ImageConfig]":
    from gancli.modalities.image.training import TRAINABLE

    return TRAINABLE


MODALITY: "Modality[ImageSpec, ImageConfig, ImageSampleConfig]" = Modality(
    name="image",
    items="pictures",
    score="the Frechet distance of pictures from real ones held out, by how they look (random "
    "convolutional features) and what they show (clusters)",
    config_type=ImageConfig,
    options_type=ImageSampleConfig,
    presets=PRESETS,
    binary=True,
    previews=(".png",),
    spec=_spec,
    loader=_loader,
    codec=_codec,
    inference=_inference,
    trainable=_trainable,
)
