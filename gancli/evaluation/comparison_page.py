"""What a comparison found, as a page: the figures, and what each cell makes, side by side."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from gancli.evaluation.comparison import Comparison, Outcome, Result
from gancli.modalities.base import AnyModality
from gancli.storage.files import write_file

_SHOWN = (".png", ".wav", ".txt")
_STYLE = """
:root{color-scheme:light dark;--line:#8884}
body{font:16px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}th,td{padding:.25rem .8rem .25rem 0;text-align:left;
border-bottom:1px solid var(--line)}td.n{text-align:right;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}.cells{display:grid;grid-template-columns:repeat(auto-fill,minmax(18rem,1fr));
gap:1.5rem}.cells section{min-width:0}img{max-width:100%;image-rendering:pixelated}
pre{white-space:pre-wrap;max-height:24rem;overflow:auto}audio{max-width:100%}
"""


def write_page(found: Comparison, folder: Path, modality: AnyModality, command: str) -> Path:
    """Write ``index.html`` into the folder of a comparison, and return its path."""
    by_name = {outcome.cell.name: outcome for outcome in found.outcomes}
    ordered = [by_name[each.name] for each in found.ranks]
    ordered += [outcome for outcome in found.outcomes if outcome not in ordered]
    title = f"{modality.name.capitalize()}: {len(found.outcomes)} settings compared"
    cells = "".join(_cell(outcome) for outcome in ordered)
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(title)}</h1><pre>{html.escape(command)}</pre>"
        "<p>Scores are distances from held-out data; smaller is better. A cell is within chance "
        "if its scores over those of the best, seed by seed, could as well be 1.</p>"
        f"<div class=wide>{_table(found)}</div><h2>What each makes</h2>"
        f"<p>The same seeds in every cell, from its first training.</p><div class=cells>{cells}"
        "</div>"
    )
    path = folder / "index.html"
    write_file(path, page.encode("utf-8", "replace"))
    return path


def _table(found: Comparison) -> str:
    rows = ["<tr><th>cell<th>score<th>spread<th>times the best<th>verdict"]
    for place, each in enumerate(found.ranks):
        verdict = "best" if place == 0 else "within chance" if each.within_chance else "worse"
        rows.append(
            f"<tr><td>{html.escape(each.name)}<td class=n>{each.median:.4g}"
            f"<td>{each.low:.4g} to {each.high:.4g}<td>{each.ratio:.2f} "
            f"({each.ratio_low:.2f} to {each.ratio_high:.2f})<td>{verdict}"
        )
    return f"<table>{''.join(rows)}</table>"


def _cell(outcome: Outcome) -> str:
    results = "; ".join(_sentence(result) for result in outcome.results)
    dropped = "" if outcome.dropped is None else f" Dropped at {outcome.dropped:.0%} of the budget."
    return (
        f"<section><h3>{html.escape(outcome.cell.name)}</h3><p>{html.escape(results)}."
        f"{dropped}</p>{_preview(outcome.results)}</section>"
    )


def _sentence(result: Result) -> str:
    if result.score is None:
        return f"seed {result.seed} failed: {result.problem.rstrip('.')}"
    return f"seed {result.seed}: score {result.score:.4g}"


def _preview(results: Sequence[Result]) -> str:
    """Return the newest preview of the first training that has one."""
    for result in results:
        folder = result.run / "samples"
        files = sorted(path for path in folder.glob("step-*") if path.suffix in _SHOWN)
        if files:
            return "".join(_shown(path) for path in files if path.stem == files[-1].stem)
    return "<p>It made nothing.</p>"


def _shown(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".txt":
        return f"<pre>{html.escape(data.decode('utf-8', 'replace'))}</pre>"
    encoded = base64.b64encode(data).decode()
    if path.suffix == ".wav":
        return f"<audio controls src='data:audio/wav;base64,{encoded}'></audio>"
    return f"<img alt='{html.escape(path.stem)}' src='data:image/png;base64,{encoded}'>"
