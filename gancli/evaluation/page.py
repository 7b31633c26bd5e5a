"""The samples that are nearest to training items, beside these: for looking at."""

import base64
import html
import tempfile
from pathlib import Path
from typing import Any

from gancli.artifacts import evaluation
from gancli.errors import UsageError
from gancli.evaluation.evaluate import Evaluation
from gancli.evaluation.opening import Opened
from gancli.metrics.figure import Figure
from gancli.sampling.request import Sample
from gancli.storage.files import write_file

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;"
    "text-align:left;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "img{max-width:100%;image-rendering:pixelated;width:16rem}figure{display:inline-block;"
    "margin:0 1rem 1rem 0}pre{white-space:pre-wrap}div.wide{overflow-x:auto}"
)


def write_nearest(
    found: Evaluation, opened: Opened, names: dict[str, Any], path: Path
) -> list[Path]:
    """Write what was found as a page, or the pairs alone in the form of the modality.

    Returns:
        The files.

    Raises:
        UsageError: The name has a suffix that the modality does not write.
    """
    samples = opened.subject.some([each.sample for each in found.nearest])
    items = found.known.some([each.item for each in found.nearest])
    if path.suffix.lower() == ".html":
        write_file(path, _page(found, opened, names, samples, items).encode("utf-8", "replace"))
        return [path]
    files = _preview(opened, [*samples, *items])
    fitting = [name for name in files if name.endswith(path.suffix.lower())]
    if not path.suffix or not fitting:
        endings = ", ".join(sorted(Path(name).suffix for name in files))
        raise UsageError(
            f"The nearest {opened.modality.items} cannot be written as {path.name}.",
            f"Give -o a name that ends with .html or {endings}.",
        )
    write_file(path, files[fitting[0]])
    return [path]


def nearest_texts(found: Evaluation, opened: Opened) -> list[tuple[str, str]]:
    """Return the samples that are nearest and their items, where a modality shows texts."""
    samples = opened.subject.some([each.sample for each in found.nearest])
    items = found.known.some([each.item for each in found.nearest])
    files = _preview(opened, [*samples, *items])
    texts = [data for name, data in files.items() if name.endswith(".txt")]
    if not texts:
        return []
    shown = texts[0].decode("utf-8", "replace").split("\n")[:-1]
    return list(zip(shown[: len(samples)], shown[len(samples) :], strict=True))


def _preview(opened: Opened, samples: list[Sample]) -> dict[str, bytes]:
    """Return the files that the modality shows samples by."""
    codec = opened.modality.codec()(opened.spec, opened.config)
    with tempfile.TemporaryDirectory() as folder:
        codec.preview(samples, Path(folder) / "preview")
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def _page(
    found: Evaluation, opened: Opened, names: dict[str, Any], samples: list[Sample],
    items: list[Sample],
) -> str:
    title = f"{names['samples']} against {names['data']}"
    pairs = []
    for near, sample, item in zip(found.nearest, samples, items, strict=True):
        shown = "".join(
            f"<figure>{_shown(_preview(opened, [each]))}<figcaption>{html.escape(name)}"
            "</figcaption></figure>"
            for each, name in ((sample, near.name), (item, near.item_name))
        )
        pairs.append(f"<p>Distance {near.distance:.3g}</p>{shown}")
    classes = "".join(
        f"<h3>{html.escape(name)}</h3>{_table(figures)}"
        for name, figures in found.by_class.items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
        f"content='width=device-width'><title>{html.escape(title)}</title>"
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>"
        f"<p>{names['n']:,} samples. {evaluation.FLOOR} {html.escape(names['remark'])}</p>"
        f"{_table(found.figures)}<h2>Nearest to training items</h2>{''.join(pairs)}"
        + (f"<h2>By class</h2>{classes}" if classes else "")
    )


def _shown(files: dict[str, bytes]) -> str:
    parts = []
    for name, data in files.items():
        if name.endswith(".txt"):
            parts.append(f"<pre>{html.escape(data.decode('utf-8', 'replace'))}</pre>")
            continue
        encoded = base64.b64encode(data).decode()
        if name.endswith(".wav"):
            parts.append(f"<audio controls src='data:audio/wav;base64,{encoded}'></audio>")
        else:
            parts.append(f"<img alt='' src='data:image/png;base64,{encoded}'>")
    return "".join(parts)


def _table(figures: list[Figure]) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(each.name)}</th><td class=n>{each.value:.4g}</td>"
        f"<td>{each.low:.4g} to {each.high:.4g}</td><td class=n>{each.floor:.4g}</td>"
        f"<td>{html.escape(each.about)}</td></tr>"
        for each in figures
    )
    return (
        "<div class=wide><table><tr><th>figure<th>value<th>95% interval<th>floor<th></tr>"
        f"{rows}</table></div>"
    )
