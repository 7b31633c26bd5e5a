"""Text for people: sizes, tables and the status of a training."""

import re
from collections.abc import Sequence
from typing import Any

from gancli.config.durations import duration
from gancli.reporting import Status

# Control characters in a file's name could move the cursor or fake a line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def clean(text: str) -> str:
    """Return the text as one line, with control characters escaped."""
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def size(count: float) -> str:
    """Return a number of bytes as ``12 B`` or ``3.4 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def speed(steps_per_s: float) -> str:
    """Return ``1,234 steps/s``, ``12.5 steps/s`` or ``0.35 steps/s``."""
    if steps_per_s >= 100:
        return f"{steps_per_s:,.0f} steps/s"
    return f"{steps_per_s:.1f} steps/s" if steps_per_s >= 1 else f"{steps_per_s:.2g} steps/s"


def count_line(what: str, done: int, total: int) -> str:
    """Return the progress of a countable job; a total of 0 means unknown."""
    what = what[:1].upper() + what[1:]
    return f"{what}: {done:,} of {total:,}" if total else f"{what}: {done:,}"


def status_line(status: Status) -> str:
    """Return a training's status as a plain line."""
    parts = [f"step {status.step:,}", speed(status.steps_per_s)]
    if status.seconds_left is not None:
        parts.append(f"{duration(status.seconds_left, compact=True)} left")
    if status.score is not None:
        beside = [f"{name} {value:.4g}" for name, value in
                  (("best", status.best), ("floor", status.floor)) if value is not None]
        score = f"score {status.score:.4g} {status.trend or ''}".rstrip()
        parts.append(score + (f" ({', '.join(beside)})" if beside else ""))
    if status.held_out_loss is not None:
        parts.append(f"held-out loss {status.held_out_loss:.4g}")
    parts += [f"{name} {float(loss):.3g}" for name, loss in status.losses.items()]
    parts.append(f"{status.threads} thread{'' if status.threads == 1 else 's'}")
    if status.phase:
        parts.append(f"{status.phase} phase")
    return f"{status.progress:4.0%}  " + ", ".join(parts)


def columns(rows: Sequence[tuple[str, ...]], right: frozenset[int] = frozenset()) -> list[str]:
    """Return rows of cells as lines with aligned columns.

    Args:
        rows: Cells; all rows have the same length.
        right: Indices of columns to align to the right, such as numbers.
    """
    if not rows:
        return []
    cells = [tuple(clean(cell) for cell in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def layer_lines(network: str, rows: list[dict[str, Any]]) -> list[str]:
    """Return the layers of a network as a table with totals."""
    head = (network, "kind", "output", "parameters", "multiply-adds")
    body = [
        (row["name"], row["kind"], "x".join(map(str, row["output_shape"])),
         f"{row['parameters']:,}", f"{row['multiply_adds']:,}")
        for row in rows
    ]
    total = ("total", "", "", *(
        f"{sum(row[key] for row in rows):,}" for key in ("parameters", "multiply_adds")
    ))
    return columns([head, *body, total], right=frozenset({3, 4}))
