"""A toy modality in three short files, points on a ring: nothing else needs a change."""

from dataclasses import dataclass

from gancli.config import TrainConfig, option
from gancli.modalities.base import Loader, Modality
from gancli.sampling.config import SampleConfig


@dataclass(frozen=True, kw_only=True)
class RingConfig(TrainConfig):
    preset: str = option("plain", "The only one.", "Training", choices=("plain",))
    ema: float = option(0.05, "Half-life of the average.", "Training")
    width: int = option(32, "Width of both networks.", "Networks")


@dataclass(frozen=True, kw_only=True)
class RingSampleConfig(SampleConfig):
    pass


def _spec():
    from ring.points import RingSpec

    return lambda table: RingSpec(**table)


def _loader():
    from ring.points import inspect, load

    return Loader(inspect, load)


def _codec():
    from ring.points import RingCodec

    return RingCodec


def _trainable():
    from ring.networks import TRAINABLE

    return TRAINABLE


MODALITY = Modality(
    "ring", "points", "the distance of points from the ring", RingConfig, RingSampleConfig,
    {"plain": {}}, binary=True, previews=(".json",),
    spec=_spec, loader=_loader, codec=_codec, trainable=_trainable,
)
