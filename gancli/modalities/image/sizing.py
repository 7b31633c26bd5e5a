"""How wide the networks are, and how many pictures a step has, for what a budget buys.

Wide networks end better and learn slower: the best width grows with the pictures that a network can
be trained on. RESULTS.md has what is measured of it so far, which is the lower end.
"""

from dataclasses import replace

from gancli.modalities.base import Affordable
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec

_WIDTHS = (16, 24, 32, 48, 64, 96, 128)
_REFERENCE = 32  # the width that is timed
# Pictures that a network of the reference width should see, and how that grows with the width. The
# optimum is flat: where it saw 36,000 and 74,000, widths from 16 to 48 differed by no more than
# chance.
_ENOUGH, _GROWTH = 60_000, 2.0
# Time of a step against its width. It is less than 2, since not all of a step is convolutions.
_COST = 1.6
_BATCH = 32


def sized(
    spec: ImageSpec, config: ImageConfig, affordable: Affordable[ImageConfig]
) -> tuple[ImageConfig, list[str]]:
    """Return the config with widths and batch, and a sentence for each choice.

    Args:
        spec: What the data fixed.
        config: What the person chose; None is left to choose.
        affordable: Returns the pictures that the budget buys with a config of such a batch, or
            None before the machine was timed, when the width is left open.
    """
    sentences = []
    batch = config.batch or _BATCH
    if config.batch is None:
        sentences.append(f"Batch: {batch} pictures a step (--batch sets it).")
    config = replace(config, batch=batch)
    asked = config.g_width or config.d_width
    if asked is None:
        trial = replace(config, g_width=_REFERENCE, d_width=_REFERENCE)
        pictures = affordable(trial, batch)
        if pictures is None:
            sentences.append(
                "Width: found as training starts, from the budget and the speed of this machine "
                "(--g-width sets it)."
            )
            return config, sentences
        timed = config.steps is None and config.images is None
        asked = _widest(pictures, _COST if timed else 0.0)
        seen = pictures * (_REFERENCE / asked) ** (_COST if timed else 0.0)
        sentences.append(
            f"Width: {asked}, which suits the {_rounded(seen)} pictures that this budget shows it "
            "here (--g-width sets it)."
        )
    return (
        replace(config, g_width=config.g_width or asked, d_width=config.d_width or asked),
        sentences,
    )


def _widest(pictures: float, cost: float) -> int:
    """Return the widest network that the budget shows enough pictures.

    Args:
        pictures: That the reference width would see.
        cost: Exponent by which they become fewer as the width grows.
    """
    enough = [
        width for width in _WIDTHS
        if pictures * (_REFERENCE / width) ** cost >= _ENOUGH * (width / _REFERENCE) ** _GROWTH
    ]
    return enough[-1] if enough else _WIDTHS[0]


def _rounded(count: float) -> str:
    digits = max(len(str(int(count))) - 2, 0)
    return f"{round(count, -digits):,.0f}"
