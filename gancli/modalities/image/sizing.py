"""What a budget decides: the width of the networks, pictures in a step, and learning rates.

Wide networks end better and learn slower, and so do slow learning rates: the best width grows with
the pictures that a network can be trained on, the best rates fall. RESULTS.md has what is measured.
"""

from dataclasses import replace

from gancli.modalities.base import Affordable
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.ladder import sides
from gancli.modalities.image.spec import ImageSpec

_WIDTHS = (16, 24, 32, 48, 64, 96, 128)
_REFERENCE = 32  # the width that is timed
# Pictures that a network of the reference width and two layers (28 px) should see, how that grows
# with the width, and with each layer more: 28 to 31 px have two, up to 63 px three, up to 127 four.
_ENOUGH, _GROWTH, _PER_LAYER = 110_000, 2.0, 1.5
# Time of a step against its width. It is less than 2, since not all of a step is convolutions.
_COST = 1.6
_BATCH = 32
# Learning rates of a run of so many steps, and how they fall with more.
_RATE, _FEW_STEPS, _FALL, _SLOWEST = 2e-3, 3_000, 0.5, 2e-4


def sized(
    spec: ImageSpec, config: ImageConfig, affordable: Affordable[ImageConfig]
) -> tuple[ImageConfig, list[str]]:
    """Return the config with widths and batch, and a sentence for each choice.

    Args:
        spec: What the data fixed.
        config: What the person chose; None is left to choose.
        affordable: Returns the pictures that the budget buys with a config of such a batch, or
            None before the machine was timed; what depends on it is left open then.
    """
    sentences = []
    batch = config.batch or _BATCH
    if config.batch is None:
        sentences.append(f"Batch: {batch} pictures a step (--batch sets it).")
    config = replace(config, batch=batch)
    width = config.g_width or config.d_width
    rates_open = config.g_lr is None or config.d_lr is None
    if width is not None and not rates_open:
        return _completed(config, width, _RATE), sentences
    pictures = affordable(_completed(config, width or _REFERENCE, _RATE), batch)
    if pictures is None:
        sentences.append(_left_open(width is None, rates_open))
        return _completed(config, width, None), sentences
    if width is None:
        timed = config.steps is None and config.images is None
        width = _widest(pictures, spec.size, _COST if timed else 0.0)
        pictures *= (_REFERENCE / width) ** (_COST if timed else 0.0)
        sentences.append(
            f"Width: {width}, which suits the {_rounded(pictures)} pictures that this budget shows "
            "it here (--g-width sets it)."
        )
    rate = _rate(pictures / batch)
    if rates_open:
        sentences.append(
            f"Learning rates: {rate:g}, which suits {_rounded(pictures / batch)} steps "
            "(--g-lr and --d-lr set them)."
        )
    return _completed(config, width, rate), sentences


def _completed(config: ImageConfig, width: int | None, rate: float | None) -> ImageConfig:
    """Return the config with this width and learning rate where it leaves them open."""
    return replace(
        config,
        g_width=config.g_width or width,
        d_width=config.d_width or width,
        g_lr=rate if config.g_lr is None else config.g_lr,
        d_lr=rate if config.d_lr is None else config.d_lr,
    )


def _left_open(width: bool, rates: bool) -> str:
    names = " and ".join(["width"] * width + ["learning rates"] * rates).capitalize()
    flags = "--g-lr and --d-lr set them" if rates else "--g-width sets it"
    flags = f"--g-width, {flags}" if width and rates else flags
    return f"{names}: found as training starts, from the budget and this machine's speed ({flags})."


def _rate(steps: float) -> float:
    """Return the learning rate for a run of so many steps, of two digits."""
    rate = _RATE * min(1.0, (_FEW_STEPS / max(steps, 1.0)) ** _FALL)
    return float(f"{max(rate, _SLOWEST):.1e}")


def _widest(pictures: float, size: int, cost: float) -> int:
    """Return the widest network that the budget shows enough pictures.

    Args:
        pictures: That the reference width would see.
        size: Pixels of a side.
        cost: Exponent by which they become fewer as the width grows.
    """
    enough = _ENOUGH * _PER_LAYER ** (len(sides(size)) - 3)  # sides has that of the picture, too
    widths = [
        width for width in _WIDTHS
        if pictures * (_REFERENCE / width) ** cost >= enough * (width / _REFERENCE) ** _GROWTH
    ]
    return widths[-1] if widths else _WIDTHS[0]


def _rounded(count: float) -> str:
    digits = max(len(str(int(count))) - 2, 0)
    return f"{round(count, -digits):,.0f}"
