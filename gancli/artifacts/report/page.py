"""The page: its sections, from what a run's directory holds."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from gancli import modalities
from gancli.artifacts import evaluation
from gancli.artifacts.finding import finished_model
from gancli.artifacts.outlook import Outlook, meaning
from gancli.artifacts.record import CONFIG, AnyRecord, read_record, read_toml
from gancli.artifacts.report.chart import Chart, draw
from gancli.artifacts.report.document import RELOAD, document, section, tiles, trouble
from gancli.artifacts.report.history import History, Points, is_finite
from gancli.artifacts.report.markup import number, table, text
from gancli.artifacts.report.media import gallery, previews
from gancli.artifacts.report.settings import settings
from gancli.artifacts.run import REPORT, read_metrics
from gancli.config.durations import duration
from gancli.errors import GancliError
from gancli.storage.files import write_file

# Curves that are shown first, with what their axis says; all others follow in a fold.
_CHARTS = (
    ("Losses", "loss", ("d_loss", "g_loss", "held_out_loss")),
    ("Samples beside data", "fraction", ("diversity", "unique", "copied", "near_training")),
)
_MEANINGS = {
    "diversity": "spread of the samples over that of data; 1 is alike, 0 is one item repeated",
    "unique": "share of samples that differ from all others",
    "copied": "share of samples that are in the training data",
    "near_training": "share of samples nearer to a training item than 95% of held-out items are; "
                     "0.05 is as it should be",
    "held_out_loss": "the generator's own loss on data held out",
}


def outcome(run: Path) -> tuple[Mapping[str, Any], Sequence[str]]:
    """Return the figures of a run's model, and what is wrong with it.

    There are none before training is finished, or if the model is damaged.
    """
    with suppress(GancliError):
        if (model := finished_model(run)) is not None:
            return model.metrics, model.warnings
    return {}, ()


def write_report(
    run: Path, metrics: Mapping[str, Any], warnings: Sequence[str] = (), *, live: bool = False,
    layers: bool = True,
) -> None:
    """Write a run's report.

    Args:
        run: The run's directory.
        metrics: Figures of the finished model by name; empty before there is one.
        warnings: Sentences about what went wrong, beside those in the run's log.
        live: Whether it is still training, so that the page reloads itself.
        layers: Whether to run the networks once for the outputs and costs of their layers.

    Raises:
        GancliError: It cannot be written, or config.toml cannot be read.
    """
    page = report_page(run, metrics, warnings, live=live, layers=layers)
    write_file(run / REPORT, page.encode(), durable=False)


def report_page(
    run: Path, metrics: Mapping[str, Any], warnings: Sequence[str] = (), *, live: bool = False,
    layers: bool = True,
) -> str:
    """Return the page that :func:`write_report` writes."""
    raw = read_toml(run / CONFIG)
    facts = raw.get("run", {})
    try:
        record = read_record(run)
    except GancliError:  # of another version: what it says is shown as it is
        record = None
    history = History(read_metrics(run))
    troubles = [
        (sentence, "" if step is None else f"step {step:,.0f}")
        for step, sentence in history.troubles(warnings)
    ]
    body = "".join([
        _header(run, facts, history, metrics, live, bool(warnings)),
        trouble("Warnings and roll-backs", troubles),
        section("Samples", "<p>Each preview is made of the same seeds.</p>"
                + gallery(previews(run / "samples"))),
        section("Curves", _score(history, metrics, facts) + _curves(history, metrics)),
        section("Measurements", _measurements(history)),
        _evaluation(run / "model"),
        section("Options", _options(raw, record)),
        section("Data", table((name, number(value)) for name, value in _spec(raw).items())),
        section("Networks", "<p>The run is of another version, so its layers are not known.</p>"
                if record is None
                else _networks(record.modality.name, record.spec, record.config, layers)),
        section("Machine", _machines(history)),
    ])
    return document(run.absolute().name, body, live=live, times=_times(history))


def _header(
    run: Path, facts: Mapping[str, Any], history: History, metrics: Mapping[str, Any], live: bool,
    troubled: bool,
) -> str:
    best, modality = history.best, str(facts.get("modality", ""))
    if live:
        state = f"Training. {RELOAD}"
    elif metrics:
        state = "Finished, with warnings." if troubled else "Finished."
    else:
        again = f"gancli train {modality} --resume {shlex.quote(str(run))}"
        state = f"Not finished. To continue: <code>{text(again)}</code>"
    figures: list[tuple[str, str, str]] = []
    if metrics:  # of the model, which the log's last best need not be
        score, step = metrics.get("score"), metrics.get("best_step")
    elif best:
        score, step = best["score"], best.get("best_step", best["step"])
    else:
        score = step = None
    if score is not None:
        floor = metrics.get("floor", history.last("floor"))
        note = "" if floor is None else f"floor {number(floor)}"
        figures.append(("best score", number(score), f"{note}, at step {number(step)}".strip(", ")))
    figures.append(("steps", number(metrics.get("steps", history.steps)), ""))
    seconds = metrics.get("seconds", history.last("seconds"))
    if seconds is not None:
        figures.append(("time trained", duration(seconds), ""))
    if "items" in metrics:
        figures.append(("items seen", number(metrics["items"]), ""))
    known = {"score", "best_step", "floor", "steps", "seconds", "items", "trend", "forecast"}
    figures += [
        (name.replace("_", " "), number(value), "") for name, value in metrics.items()
        if name not in known
    ]
    return (
        f"<header><h1>{text(run.absolute().name)}</h1><p>Modality: {text(modality)}. "
        f"Data: {text(facts.get('data_name', ''))}. {state}</p>"
        f"<pre tabindex=0>{text(facts.get('command', ''))}</pre>{tiles(figures)}</header>"
    )


def _times(history: History) -> str:
    """Return steps and seconds as JSON for the readouts, thinned."""
    points = history.points("seconds")
    every = max(1, len(points) // 200)
    kept = ",".join(f"[{step:.0f},{seconds:.1f}]" for step, seconds in points[::-1][::every][::-1])
    return f"[{kept}]"


def _curves(history: History, metrics: Mapping[str, Any]) -> str:
    """Return the charts, the score first."""
    steps, phases, marks = history.steps, history.phases, history.roll_backs
    charts, names = [], history.names()

    def chart(title: str, unit: str, series: Mapping[str, Points], **more: Any) -> str:
        return draw(Chart(title, unit, series, steps, phases=phases, marks=marks, **more))

    score = history.points("score")
    if score:
        floor, best = metrics.get("floor", history.last("floor")), history.best
        at = (best.get("best_step", best["step"]), best["score"]) if best else None
        if at is not None and not is_finite(at[1]):
            at = None
        charts.append(chart(
            "Score", "score (smaller is better)", {"score": score},
            levels={"floor": floor} if is_finite(floor) else {}, best=at,
        ))
    for title, unit, members in _CHARTS:
        series = {name: history.points(name) for name in members if history.points(name)}
        if series:
            more = {"from_zero": unit == "fraction",
                    "levels": {"diversity of data": 1.0} if "diversity" in series else {}}
            notes = "".join(f"<li>{name}: {_MEANINGS[name]}</li>" for name in series
                            if name in _MEANINGS)
            charts.append(chart(title, unit, series, **more)
                          + (f"<ul class=notes>{notes}</ul>" if notes else ""))
    first = {"score", *(name for _, _, members in _CHARTS for name in members)}
    others = {name: history.points(name) for name in names if name not in first}
    folded = "".join(
        chart(name.replace("_", " "), name.replace("_", " "), {name: points})
        for name, points in others.items() if points
    )
    if folded:
        charts.append(f"<details><summary>Further curves</summary>{folded}</details>")
    if not charts:
        return "<p>Nothing is recorded yet: losses come every ten steps.</p>"
    return "".join(charts)


def _score(history: History, metrics: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Return what the score is and how far training is from done, once there is a score."""
    if not history.measurements:
        return ""
    name = facts.get("modality")
    known = f"<p>{text(meaning(modalities.get(name)))}</p>" if name in modalities.names() else ""
    done_when = Outlook.of_log(history.entries, metrics.get("floor")).done_when
    return f"{known}<p id=outlook>{text(done_when)}</p>"


def _measurements(history: History) -> str:
    rows = history.measurements
    if not rows:
        return "<p>Nothing is measured yet.</p>"
    hidden = {"step", "items", "seconds", "best", "best_step", "phase", "floor", "held_out"}
    names = list(dict.fromkeys(name for row in rows for name in row if name not in hidden))
    head = ("step", "time", "phase", *(name.replace("_", " ") for name in names), "best so far")
    return table(
        [(number(row["step"]), duration(row.get("seconds", 0.0)), row.get("phase", ""),
          *(_figure(row[name]) if name in row else "" for name in names),
          "yes" if row.get("best") else "") for row in rows],
        head, "figures",
    )


def _evaluation(model: Path) -> str:
    """Return the figures of ``gancli eval --save``; empty if there are none of this model."""
    trouble: list[str] = []
    found = evaluation.read_or_tell(model, trouble.append)
    if found is None:
        return section("Evaluation", f"<p>{text(trouble[0])}</p>") if trouble else ""
    return section(
        "Evaluation",
        f"<p>{text(found.heading)}. {evaluation.FLOOR} {text(found.remark)}</p>"
        + table(evaluation.figure_rows(found.figures), evaluation.HEADINGS, "options"),
    )


def _figure(value: object) -> str:
    """Return a figure of the log, where JSON has null for what is not finite."""
    return "not finite" if value is None else number(value)


def _options(raw: Mapping[str, Any], record: AnyRecord | None) -> str:
    """Return the options, those that differ from their defaults first."""
    values = {name: value for name, value in raw.items() if name not in ("run", "spec")}
    if record is None:
        note = "<p>The run is of another version, so its defaults are not known.</p>"
        return note + table((name, number(value)) for name, value in values.items())
    return settings(record.config)


def _spec(raw: Mapping[str, Any]) -> dict[str, Any]:
    run = raw.get("run", {})
    return {"data": run.get("data", ""), **raw.get("spec", {})}


@lru_cache(maxsize=2)  # a training writes its page again and again
def _networks(modality_name: str, spec: Any, config: Any, layers: bool) -> str:
    """Return the layers; with their outputs and costs if they may be run for that."""
    from gancli.artifacts.layers import describe_layers  # torch

    parts = [] if layers else [
        "<p>The end of training adds output shapes and multiply-adds; <code>gancli info RUN "
        "--layers</code> shows them now.</p>"
    ]
    tables = describe_layers(modalities.get(modality_name), spec, config, layers)
    for network, rows in tables.items():
        total = number(sum(row["parameters"] for row in rows))
        cost = number(sum(row["multiply_adds"] for row in rows))
        head = ["layer", "kind", "parameters", *(["output", "multiply-adds"] if layers else [])]
        body = [
            (row["name"] or network, row["kind"], number(row["parameters"]),
             " x ".join(map(str, row["output_shape"])), number(row["multiply_adds"]))
            for row in rows
        ]
        body.append(("total", "", total, "", cost))
        shown = table([row[: len(head)] for row in body], head, "figures total")
        parts.append(
            f"<details><summary>{text(network)}: {total} parameters"
            f"{f', {cost} multiply-adds an item' if layers else ''}</summary>{shown}</details>"
        )
    return "".join(parts)


def _machines(history: History) -> str:
    machines = history.machines()
    if not machines:
        return "<p>It is not recorded.</p>"
    return "".join(table((name, number(value)) for name, value in each.items())
                   for each in machines)
