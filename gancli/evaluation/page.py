"""The samples that are nearest to training items, beside these: for looking at."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gancli.artifacts import evaluation
from gancli.artifacts.evaluation import short
from gancli.artifacts.report.document import document, section
from gancli.artifacts.report.markup import table, text
from gancli.artifacts.report.media import previews
from gancli.artifacts.report.media import samples as shown
from gancli.evaluation.classify import Confusion
from gancli.evaluation.evaluate import Evaluation
from gancli.evaluation.opening import Opened
from gancli.metrics.figure import Figure
from gancli.sampling.request import Sample
from gancli.storage.files import write_file

_MATRIX = 20  # classes beyond which only what is read rightly is shown


def write_nearest(
    found: Evaluation, opened: Opened, names: dict[str, Any], path: Path
) -> list[Path]:
    """Write what was found as a page, or the pairs alone as the modality previews samples.

    Args:
        found: What was measured.
        opened: Of what.
        names: What the samples and the data are called.
        path: It ends with ``.html``, or as one of the modality's previews does.

    Returns:
        The files.
    """
    samples = opened.subject.some([each.sample for each in found.nearest])
    items = found.known.some([each.item for each in found.nearest])
    if path.suffix.lower() == ".html":
        write_file(path, _page(found, opened, names, samples, items).encode("utf-8", "replace"))
        return [path]
    files = _preview(opened, [*samples, *items])
    (data,) = (data for name, data in files.items() if name.endswith(path.suffix.lower()))
    write_file(path, data)
    return [path]


def nearest_texts(found: Evaluation, opened: Opened) -> list[tuple[str, str]]:
    """Return the samples that are nearest and their items, where a modality shows texts."""
    if opened.modality.binary:
        return []
    samples = opened.subject.some([each.sample for each in found.nearest])
    items = found.known.some([each.item for each in found.nearest])
    files = _preview(opened, [*samples, *items])
    (data,) = (data for name, data in files.items() if name.endswith(".txt"))
    shown = data.decode("utf-8", "replace").split("\n")[:-1]
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
    pairs = "".join(
        f"<div><p>Distance {near.distance:.3g}</p><div class=pair>"
        f"{_figure(opened, sample, near.name)}{_figure(opened, item, near.item_name)}</div></div>"
        for near, sample, item in zip(found.nearest, samples, items, strict=True)
    )
    body = (
        f"<header><h1>{text(title)}</h1><p>{names['n']:,} samples, compared with "
        f"{found.held_out:,} real {opened.modality.items}. {evaluation.FLOOR} "
        f"{text(names['remark'])}</p></header>"
        + section("Figures", table(
            evaluation.figure_rows(found.figures), evaluation.HEADINGS, "options"
        ))
        + section(f"Nearest to a {found.known.name} item", f"<div class=pairs>{pairs}</div>")
    )
    if found.by_class:
        body += section("By class", _by_class(found.by_class))
    if found.confusion is not None:
        body += section("What each class is read as", _confusion(found.confusion))
    return document(title, body, live=False)


def _figure(opened: Opened, sample: Sample, name: str) -> str:
    """Return an item under its name and class."""
    codec = opened.modality.codec()(opened.spec, opened.config)
    if sample.label is not None and opened.spec.classes:
        name = f"{name}, {opened.spec.classes[sample.label]}"
    with tempfile.TemporaryDirectory() as folder:
        codec.preview([sample], Path(folder) / "step-0")
        inside = "".join(shown(each, f"of {name}") for each in previews(Path(folder)))
    return f"<figure class=frame><figcaption>{text(name)}</figcaption>{inside}</figure>"


def _by_class(by_class: Mapping[str, Sequence[Figure]]) -> str:
    """Return a row of figures for each class."""
    rows = [
        (name, *(f"{short(each.value)} ({short(each.floor)})" for each in figures))
        for name, figures in by_class.items()
    ]
    names = [each.name.replace("_", " ") for each in next(iter(by_class.values()))]
    return "<p>The floor is in brackets.</p>" + table(rows, ("class", *names), "figures")


def _confusion(confusion: Confusion) -> str:
    """Return a row for the samples of each class, with the share that is read as each."""
    classes = confusion.classes
    note = (
        "<p>Percent of the samples of a class, by a classifier that is fitted to real items; in "
        "the last column, how many held-out real items of the class it reads rightly.</p>"
    )
    if len(classes) > _MATRIX:
        rows = [
            (name, f"{100 * own[place]:.0f}", f"{100 * real[place]:.0f}")
            for place, (name, own, real) in enumerate(
                zip(classes, confusion.samples, confusion.real, strict=True)
            )
        ]
        return note + table(rows, ("class", "read as itself", "real items"), "figures")
    head = "".join(f"<th scope=col>{text(name)}</th>" for name in (*classes, "real items"))
    body = ""
    for place, (name, own) in enumerate(zip(classes, confusion.samples, strict=True)):
        cells = "".join(
            f"<td style='--share:{share:.2f}'{' class=own' if other == place else ''}>"
            f"{100 * share:.0f}</td>"
            for other, share in enumerate(own)
        )
        body += (
            f"<tr><th scope=row>{text(name)}</th>{cells}"
            f"<td>{100 * confusion.real[place][place]:.0f}</td></tr>"
        )
    return (
        f"{note}<div class=scroll><table class='figures confusion'><thead><tr><th scope=col>class"
        f"</th>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
