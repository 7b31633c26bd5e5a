"""HTML and figures as text."""

import html
import math
from collections.abc import Iterable


def text(value: object) -> str:
    """Return a value as text of a page, with all that means something to HTML escaped."""
    # File names need not be UTF-8, and a page must be.
    clean = str(value).encode("utf-8", "replace").decode()
    return html.escape(clean)


def table(rows: Iterable[Iterable[object]], head: Iterable[str] = (), kind: str = "") -> str:
    """Return a table in a region of its own that scrolls; cells are escaped.

    Args:
        rows: The cells of each row; the first names the row.
        head: Headings of the columns, if there are any.
        kind: CSS class.
    """
    headings = "".join(f"<th scope=col>{text(name)}</th>" for name in head)
    body = []
    for first, *others in rows:
        cells = "".join(f"<td>{text(cell)}</td>" for cell in others)
        body.append(f"<tr><th scope=row>{text(first)}</th>{cells}</tr>")
    top = f"<thead><tr>{headings}</tr></thead>" if headings else ""
    return (
        f"<div class=scroll><table class='{text(kind)}'>{top}<tbody>{''.join(body)}</tbody></table>"
        "</div>"
    )


def number(value: object) -> str:
    """Return a value for people: 12,345, 0.1235 or yes."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "not finite"
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    if value is None or value in ("", [], ()):
        return "none"
    if isinstance(value, list | tuple):
        shown = ", ".join(number(each) for each in value[:12])
        return shown + (f" ... ({len(value):,} in all)" if len(value) > 12 else "")
    if isinstance(value, dict):
        return "; ".join(f"{name}: {number(each)}" for name, each in value.items())
    long = str(value)
    return long if len(long) <= 300 else f"{long[:300]} ... ({len(long):,} characters in all)"
