"""What ``gancli eval --save`` keeps with a model: evaluation.json, and a section of its card."""

import hashlib
import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gancli
from gancli.artifacts.model import CARD, CONFIG, WEIGHTS
from gancli.errors import GancliError, cause
from gancli.metrics.figure import Figure
from gancli.storage.files import sha256, write_file

FILE = "evaluation.json"
_MAX_BYTES = 1_000_000
_HEADING = "\n## Evaluation\n"
_SHORT = ("frechet", "auc", "near_training", "copied")  # figures that a single line has
HEADINGS = ("figure", "value", "95% interval", "floor", "what it says")
FLOOR = "The floor is what as many real items get."


@dataclass(frozen=True)
class SavedEvaluation:
    """Figures that were measured of a model.

    Args:
        data: Name of the data that its samples were compared with.
        held_out: Number of items of it that were.
        command: The command line.
        date: When, as YYYY-MM-DD in UTC.
        remark: What a person should know of the data, in a sentence; or empty.
        figures: What was measured.
    """

    data: str
    held_out: int
    command: str
    date: str
    remark: str
    figures: Sequence[Figure]

    @property
    def heading(self) -> str:
        """What was compared with what, in a few words."""
        n = self.figures[0].n
        return f"{n:,} samples against {self.held_out:,} items of {self.data}, {self.date}"

    @property
    def summary(self) -> str:
        """The most telling figures, on a line."""
        shown = [
            f"{figure.name} {short(figure.value)} (floor {short(figure.floor)})"
            for figure in self.figures if figure.name in _SHORT
        ]
        return f"{', '.join(shown)}; {self.heading}"


def short(value: float) -> str:
    """Return a figure in three digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def today() -> str:
    """Return the date in UTC, as YYYY-MM-DD."""
    return datetime.now(UTC).strftime("%Y-%m-%d")


def write(folder: Path, evaluation: SavedEvaluation) -> Path:
    """Write the figures into a model's folder, and into its card; return their file.

    Raises:
        GancliError: They cannot be written, or the model is damaged.
    """
    table = {
        "weights": _digest(folder), "gancli": gancli.__version__, **asdict(evaluation)
    }
    path = folder / FILE
    write_file(path, (json.dumps(table, indent=1) + "\n").encode())
    try:
        config = json.loads((folder / CONFIG).read_bytes())
        old = (folder / CARD).read_text(encoding="utf-8") if (folder / CARD).exists() else ""
        card = (old.split(_HEADING)[0] + _section(evaluation)).encode()
        config["sha256"][CARD] = sha256(card)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GancliError(
            f"The figures are in {path}, but not in the card: {error}.", "Check the model's folder."
        ) from error
    write_file(folder / CARD, card)
    write_file(folder / CONFIG, (json.dumps(config, indent=1) + "\n").encode())
    return path


def read(folder: Path) -> SavedEvaluation | None:
    """Return what was measured of the model in a folder, or None.

    Raises:
        GancliError: The figures are of other weights, or damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    again = f"Measure again: gancli eval {shlex.quote(str(folder))} --save"
    try:
        with open(path, "rb") as file:
            table = json.loads(file.read(_MAX_BYTES))
        found, is_of_these = _parse(table), table["weights"] == _digest(folder)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise GancliError(f"{path} is damaged: {cause(error)}.", again) from error
    if not is_of_these:
        raise GancliError(f"The figures in {path} are of other weights.", again)
    return found


def read_or_tell(folder: Path | None, tell: Callable[[str], None]) -> SavedEvaluation | None:
    """Return what :func:`read` does; what is wrong with the figures is told, in a sentence."""
    try:
        return None if folder is None else read(folder)
    except GancliError as error:
        tell(f"{error.message} {error.hint}")
        return None


def _parse(table: Mapping[str, Any]) -> SavedEvaluation:
    """Return the evaluation in a table.

    Raises:
        KeyError, TypeError, ValueError: It holds none.
    """
    figures = [
        Figure(
            str(each["name"]), float(each["value"]), float(each["low"]), float(each["high"]),
            float(each["floor"]), int(each["n"]), str(each["about"]),
        )
        for each in table["figures"]
    ]
    if not figures:
        raise ValueError("it has no figures")
    if not all(math.isfinite(x) for f in figures for x in (f.value, f.low, f.high, f.floor)):
        raise ValueError("a figure is not finite")
    return SavedEvaluation(
        str(table["data"]), int(table["held_out"]), str(table["command"]), str(table["date"]),
        str(table["remark"]), figures,
    )


def _digest(folder: Path) -> str:
    with open(folder / WEIGHTS, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def figure_rows(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """Return figures with their intervals and floors as cells, below ``HEADINGS``."""
    return [
        (each.name, short(each.value), f"{short(each.low)} to {short(each.high)}",
         short(each.floor), each.about)
        for each in figures
    ]


def markdown_table(figures: Sequence[Figure]) -> str:
    """Return figures with their intervals and floors as a table in Markdown."""
    head, *rows = (f"| {' | '.join(row)} |\n" for row in (HEADINGS, *figure_rows(figures)))
    return f"{head}{'|---' * len(HEADINGS)}|\n{''.join(rows)}"


def _section(evaluation: SavedEvaluation) -> str:
    """Return the section of a model card, in Markdown."""
    remark = f"{evaluation.remark}\n\n" if evaluation.remark else ""
    return (
        f"{_HEADING}\n{evaluation.heading}:\n\n```\n{evaluation.command}\n```\n\n{remark}"
        f"{markdown_table(evaluation.figures)}\n{FLOOR}\n"
    )
