"""Options that several modalities declare alike: a config says the default and its own words."""

# ruff: noqa: D103 - the help of an option says what it is

from typing import TypeVar

from gancli.config import option
from gancli.layers.names import ACTIVATIONS, CELLS
from gancli.losses.names import OBJECTIVES

RateT = TypeVar("RateT", bound=float | None)


def labels() -> str:
    return option(
        "auto", "folders: first-level folders are classes; auto: the labels of a dataset.json, or "
        "else folders that look like classes.", "Data", choices=("auto", "folders", "none"),
    )


def show(what: str) -> bool:
    return option(
        False, f"Draw the {what} on the terminal, as well as it allows; without -o nothing is "
        "written.", "Output",
    )


def latent() -> int:
    return option(
        64, "Latent dimensions: numbers in the noise vector z.", "Networks", minimum=1, maximum=4096
    )


def cell(network: str) -> str:
    return option("lstm", f"Recurrent cell of the {network}.", "Networks", choices=CELLS)


def d_activation() -> str:
    return option(
        "leaky_relu", "Activation in the discriminator.", "Networks", choices=ACTIVATIONS
    )


def slope() -> float:
    return option(0.2, "Slope of leaky_relu below zero.", "Networks", minimum=0.0, maximum=1.0)


def objective() -> str:
    return option("relativistic", "Adversarial loss function.", "Objective", choices=OBJECTIVES)


def penalty_share(default: float) -> float:
    return option(
        default, "Part of each batch that is penalized; a small part is cheap and unbiased.",
        "Objective", minimum=0.0, maximum=1.0,
    )


def class_weight(default: float, items: str) -> float:
    return option(
        default, f"Weight of telling classes apart: the discriminator learns the class of real "
        f"{items}, and the generator to be read as the class that it was asked for; 0 is off.",
        "Objective", minimum=0.0, maximum=1e3,
    )


def learning_rate(default: RateT, whose: str) -> RateT:
    return option(
        default, f"Learning rate of the {whose}.", "Training", minimum=0.0, maximum=10.0
    )


def beta1() -> float:
    return option(
        0.0, "Adam's decay of the gradient's mean (momentum).", "Training", minimum=0.0,
        maximum=0.9999
    )


def beta2() -> float:
    return option(
        0.99, "Adam's decay of the gradient's square.", "Training", minimum=0.0, maximum=0.99999
    )


def clip(default: float) -> float:
    return option(
        default, "Gradient clipping: maximum norm of the gradient; larger ones are scaled down.",
        "Training", minimum=1e-6, maximum=1e6,
    )


def lr_end(of: str) -> float:
    return option(
        0.3, f"Learning rate decay: fraction left at the end of the {of}, reached by a cosine; 1 "
        "keeps them constant.", "Training", minimum=0.0, maximum=1.0,
    )


def ema(items: str, limit: str = "10,000") -> float:
    return option(
        0.05, f"Half-life of the averaged generator (EMA) as a fraction of the {items} seen, at "
        f"most {limit}; 0 is off.", "Training", minimum=0.0, maximum=1.0,
    )
