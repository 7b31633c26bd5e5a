"""Images: a DCGAN."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gancli.modalities.base import Loader, Modality, Trainable
from gancli.modalities.image.config import PRESETS, ImageConfig, ImageSampleConfig

if TYPE_CHECKING:
    from gancli.modalities.image.codec import ImageCodec
    from gancli.modalities.image.spec import ImageSpec


def _loader() -> "Loader[ImageSpec, ImageConfig]":
    from gancli.modalities.image.dataset import load
    from gancli.modalities.image.inspect import inspect
    from gancli.modalities.image.spec import ImageSpec
    from gancli.modalities.image.transfer import TRANSFER

    return Loader(inspect, ImageSpec.from_table, load, TRANSFER)


def _codec() -> "Callable[[ImageSpec, ImageConfig], ImageCodec]":
    from gancli.modalities.image.codec import ImageCodec

    return ImageCodec


def _trainable() -> "Trainable[ImageSpec, ImageConfig]":
    from gancli.modalities.image.training import TRAINABLE

    return TRAINABLE


MODALITY: "Modality[ImageSpec, ImageConfig, ImageSampleConfig]" = Modality(
    name="image",
    items="pictures",
    config_type=ImageConfig,
    options_type=ImageSampleConfig,
    presets=PRESETS,
    binary=True,
    tile=16,  # as fast as 32 and better than 8; a single picture costs as much as a tile
    loader=_loader,
    codec=_codec,
    trainable=_trainable,
)
