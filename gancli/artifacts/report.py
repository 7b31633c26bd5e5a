"""The run's report: one HTML file that needs nothing else."""

import base64
import html
from collections.abc import Sequence
from math import isfinite
from typing import Any

from gancli.artifacts.run import Run
from gancli.storage.files import write_file

_WIDTH, _HEIGHT = 640, 220
_MAX_PICTURES = 6


def write_report(
    run: Run, command: str, metrics: dict[str, Any], warnings: Sequence[str] = ()
) -> None:
    """Write ``report.html``: warnings, figures, curves, and the latest previews."""
    lines = run.metrics()

    def curve(name: str) -> list[tuple[float, float]]:
        return [(line["step"], line[name]) for line in lines if _finite(line.get(name))]

    losses = {name: curve(name) for name in ("d_loss", "g_loss")}
    paragraphs = "".join(
        f"<p><strong>Warning:</strong> {html.escape(sentence)}</p>" for sentence in warnings
    )
    rows = "".join(
        f"<tr><td>{html.escape(str(name))}</td><td>{html.escape(str(value))}</td></tr>"
        for name, value in metrics.items()
    )
    pictures = "".join(
        f"<figure><img src='data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}'>"
        f"<figcaption>{html.escape(path.stem)}</figcaption></figure>"
        for path in sorted(run.samples.glob("*.png"))[-_MAX_PICTURES:]
    )
    page = (
        "<!doctype html><meta charset=utf-8><title>gancli run</title>"
        "<style>body{font:15px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "td{padding:.1em 1em .1em 0}figure{display:inline-block;margin:1em 1em 0 0}"
        "img{max-width:28em;image-rendering:pixelated}</style>"
        f"<h1>{html.escape(run.path.name)}</h1><pre>{html.escape(command)}</pre>"
        f"{paragraphs}<table>{rows}</table>"
        f"<h2>Score (smaller is better)</h2>{_curves({'score': curve('score')})}"
        f"<h2>Losses</h2>{_curves(losses)}<h2>Samples</h2>{pictures}\n"
    )
    write_file(run.path / "report.html", page.encode("utf-8", "replace"))


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _curves(series: dict[str, list[tuple[float, float]]]) -> str:
    """Return an SVG of curves over steps."""
    points = [point for curve in series.values() for point in curve]
    if not points:
        return "<p>None were recorded.</p>"
    right = max(x for x, _ in points) or 1
    low, high = min(y for _, y in points), max(y for _, y in points)
    span = (high - low) or 1.0
    drawn = []
    for color, (name, curve) in zip(("#06c", "#c30"), series.items(), strict=False):
        path = " ".join(
            f"{x / right * _WIDTH:.1f},{(1 - (y - low) / span) * _HEIGHT:.1f}" for x, y in curve
        )
        drawn.append(
            f"<polyline fill=none stroke='{color}' points='{path}'><title>{name}</title>"
            "</polyline>"
        )
    return (
        f"<svg width={_WIDTH} height={_HEIGHT} style='border:1px solid #ccc'>{''.join(drawn)}"
        f"</svg><p>{' and '.join(series)}, from {low:.4g} to {high:.4g} over {right:,.0f} steps</p>"
    )
