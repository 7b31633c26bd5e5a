"""Options of the toy."""

from dataclasses import dataclass

from gancli.config import TrainConfig, option
from gancli.sampling.config import SampleConfig


@dataclass(frozen=True)
class RingSpec:
    points: int


@dataclass(frozen=True, kw_only=True)
class RingConfig(TrainConfig):
    preset: str = option("plain", "The only one.", "Training", choices=("plain",))
    ema: float = option(0.05, "Half-life of the average.", "Training")
    width: int = option(32, "Width of both networks.", "Networks")


@dataclass(frozen=True, kw_only=True)
class RingSampleConfig(SampleConfig):
    pass
