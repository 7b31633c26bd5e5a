"""The samples that are nearest to training items, beside these: for looking at."""

import tempfile
from pathlib import Path
from typing import Any

from gancli.artifacts.report.document import document, section
from gancli.artifacts.report.markup import number, table, text
from gancli.artifacts.report.media import previews
from gancli.artifacts.report.media import samples as shown
from gancli.errors import UsageError
from gancli.evaluation.evaluate import Evaluation
from gancli.evaluation.opening import Opened
from gancli.metrics.figures import Figure
from gancli.sampling.request import Sample
from gancli.storage.files import write_file


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
    items = found.train.some([each.item for each in found.nearest])
    if path.suffix.lower() == ".html":
        write_file(path, _page(found, opened, names, samples, items).encode())
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
    pairs = "".join(
        f"<h3>Distance {near.distance:.3g}</h3><div class=pair>"
        f"{_figure(opened, sample, near.name)}{_figure(opened, item, f'training {near.item_name}')}"
        "</div>"
        for near, sample, item in zip(found.nearest, samples, items, strict=True)
    )
    classes = "".join(
        f"<h3>{text(name)}</h3>{_table(figures)}" for name, figures in found.by_class.items()
    )
    body = (
        f"<header><h1>{text(title)}</h1><p>{names['n']:,} samples. The floor is what as many real "
        f"items get.</p></header>{section('Figures', _table(found.figures))}"
        + section("Nearest to training items", pairs)
        + (section("By class", classes) if classes else "")
    )
    return document(title, body, live=False)


def _figure(opened: Opened, sample: Sample, name: str) -> str:
    """Return an item under its name."""
    codec = opened.modality.codec()(opened.spec, opened.config)
    with tempfile.TemporaryDirectory() as folder:
        codec.preview([sample], Path(folder) / "step-0")
        inside = "".join(shown(each, f"of {name}") for each in previews(Path(folder)))
    return f"<figure class=frame><figcaption>{text(name)}</figcaption>{inside}</figure>"


def _table(figures: list[Figure]) -> str:
    rows = [
        (each.name, number(each.value), f"{number(each.low)} to {number(each.high)}",
         number(each.floor), each.about) for each in figures
    ]
    return table(rows, ("figure", "value", "95% interval", "floor", "what it is"), "options")
