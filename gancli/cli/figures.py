"""Figures of ``gancli eval`` as lines, each with its interval and its floor."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gancli.cli.lines import clean, columns

if TYPE_CHECKING:
    from gancli.metrics.figure import Figure


def figure_lines(figures: Sequence["Figure"]) -> list[str]:
    """Return figures as a table."""
    from gancli.artifacts.evaluation import short

    rows: list[tuple[str, ...]] = [("figure", "value", "95% interval", "floor", "n", "")]
    rows += [
        (clean(each.name), short(each.value), f"{short(each.low)} to {short(each.high)}",
         short(each.floor), f"{each.n:,}", clean(each.about))
        for each in figures
    ]
    return columns(rows, right=frozenset({1, 3, 4}))
