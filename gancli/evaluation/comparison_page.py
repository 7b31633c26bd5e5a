"""What a comparison found, as a page: ranks, curves, and what each cell makes, side by side."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gancli.artifacts.report.chart import Chart, draw
from gancli.artifacts.report.document import RELOAD, document, section, tiles, trouble
from gancli.artifacts.report.history import History
from gancli.artifacts.report.interval import axis, dot, ratio_scale
from gancli.artifacts.report.markup import number, table, text
from gancli.artifacts.report.media import Preview, hint, previews, samples, side_by_side
from gancli.artifacts.report.settings import settings, shown
from gancli.artifacts.run import read_metrics
from gancli.config import options
from gancli.config.durations import duration
from gancli.evaluation.curves import Points, median_curve
from gancli.evaluation.results import PAGE, Comparison, Outcome
from gancli.sampling.lazy import Ranges
from gancli.storage.files import write_file
from gancli.training.budget import Budget

_MAX_CURVES, _MAX_LINES = 8, 16
_MAX_NAMED = 3  # cells in a sentence
_SCORE_NOTE = (
    "The score is the distance of samples from data held out: smaller is better. A cell's is the "
    "median of its trainings; its ratio to the best is taken seed by seed, and a cell is within "
    "chance if the 95% interval of that ratio holds 1: another set of seeds could well make it "
    "the best."
)


def write_page(found: Comparison, *, live: bool = False) -> Path:
    """Write ``index.html`` into the folder of a comparison, and return its path."""
    path = found.folder / PAGE
    write_file(path, comparison_page(found, live=live).encode(), durable=False)
    return path


def comparison_page(found: Comparison, *, live: bool = False) -> str:
    """Return the page.

    Args:
        found: What is known of the comparison.
        live: Whether it is still training, so that the page reloads itself.
    """
    body = "".join([
        _header(found, live),
        trouble("Failures", [
            (result.problem, f"{outcome.name}, seed {result.seed}")
            for outcome in found.outcomes for result in outcome.results if result.problem
        ]),
        section("Ranks", _ranks(found)),
        section("Samples", _samples(found)),
        section("Curves", _curves(found)),
        section("Options", _options(found)),
        section("Trainings", _trainings(found)),
    ])
    return document(_title(found), body, live=live)


def _title(found: Comparison) -> str:
    return f"{found.record.modality.capitalize()}: {len(found.outcomes)} settings compared"


def _header(found: Comparison, live: bool) -> str:
    results, record = found.results, found.record
    done = sum(result.state == "done" for result in results)
    open_ = [outcome for outcome in found.outcomes if outcome.dropped is None]
    if live:
        state = f"Training. {RELOAD}"
    elif all(result.state in ("done", "failed") for each in open_ for result in each.results):
        state = "Finished."
    else:
        state = "Not finished. Run the same command to continue."
    figures = []
    if found.ranks:
        best = found.ranks[0]
        figures.append(("best", number(best.median), best.name))
    if (floor := _floor(found)) is not None:
        figures.append(("floor", number(floor), "what as many real items score"))
    figures.append(("trainings done", f"{done} of {len(results)}", _seeds(record.seeds)))
    seconds = sum(result.metrics.get("seconds", 0.0) for result in results)
    figures.append(("time trained", duration(seconds), "in all"))
    command = f"<pre tabindex=0>{text(record.command)}</pre>" if record.command else ""
    return (
        f"<header><h1>{text(_title(found))}</h1><p>Data: {text(Path(record.data).name)}. {state}"
        f"</p>{command}{tiles(figures)}</header>"
    )


def _floor(found: Comparison) -> float | None:
    return next((each.metrics["floor"] for each in found.results if "floor" in each.metrics), None)


def _seeds(seeds: Sequence[int]) -> str:
    ranges = Ranges.of(seeds).parts
    words = [f"{part[0]} to {part[-1]}" if len(part) > 1 else f"{part[0]}" for part in ranges]
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(words)}" if words else ""


def _ranks(found: Comparison) -> str:
    """Return the table of cells, best first, with the ratios to the best drawn."""
    ranks = {each.name: each for each in found.ranks}
    scale = ratio_scale([(each.ratio, each.ratio_low, each.ratio_high) for each in found.ranks])
    head = "".join(f"<th scope=col>{name}</th>" for name in (
        "cell", "score", f"times the best{axis(scale)}", "95% interval", "verdict", "steps",
        "seconds",
    ))
    rows = []
    for outcome in found.ordered:
        cells = [f"<th scope=row>{_settings(outcome.name)}</th>"]
        if (each := ranks.get(outcome.name)) is not None:
            kind = "best" if each.best else "chance" if each.within_chance else "worse"
            interval = each.ratio, each.ratio_low, each.ratio_high
            spread = (
                f"<small>{number(each.low)} to {number(each.high)}</small>"
                if each.seeds > 1 else ""
            )
            cells += [
                f"<td>{number(each.median)}{spread}</td>",
                f"<td>{dot(interval, scale, kind)}</td><td>{each.told_ratio}</td>",
            ]
            verdict, state = each.verdict, outcome.state
        else:
            best = [number(result.score) for result in outcome.results if result.score is not None]
            cells += [f"<td>{', '.join(best)}</td>", "<td></td>" * 2]
            kind, verdict, state = "none", outcome.state, ""
        note = f"<small>{text(state)}</small>" if state else ""
        cells.append(f"<td class='{kind}'>{text(verdict)}{note}</td>")
        cells += [f"<td>{_middle(outcome, name)}</td>" for name in ("steps", "seconds")]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f"{_verdict(found)}<div class=scroll tabindex=0 role=region aria-label=Ranks>"
        f"<table class='figures ranks'><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
        f"</table></div><p><small>{_SCORE_NOTE}</small></p>"
    )


def _settings(name: str) -> str:
    """Return a cell's name, which breaks between settings."""
    return " ".join(f"<span class=setting>{text(each)}</span>" for each in name.split(" "))


def _verdict(found: Comparison) -> str:
    """Return what the ranks say in a sentence or two."""
    if not found.ranks:
        return "<p>No training is done yet.</p>"
    best, others = found.ranks[0], found.ranks[1:]
    if not others:
        dropped = sum(outcome.dropped is not None for outcome in found.outcomes)
        why = f"; {dropped} others were dropped on the way" if dropped else ""
        return f"<p>Only <b>{text(best.name)}</b> has a score, {number(best.median)}{why}.</p>"
    sentences = [f"<b>{text(best.name)}</b> has the best score, {number(best.median)}."]
    if all(each.pairs < 2 for each in others):
        sentences.append(
            "One seed does not show whether that is chance: give more with --seeds."
            if len(found.record.seeds) < 2 else "Whether that is chance the next seed will tell."
        )
    else:
        near = [text(each.name) for each in others if each.within_chance]
        worse = [each for each in others if not each.within_chance]
        if near:
            verb = "is" if len(near) == 1 else "are"
            sentences.append(f"Within chance of it {verb} {_listed(near)}.")
        if len(worse) > _MAX_NAMED:
            who = "all others" if not near else f"the other {len(worse)}"
            sentences.append(
                f"Worse, beyond chance: {who}, {min(each.ratio for each in worse):.2f} to "
                f"{max(each.ratio for each in worse):.2f} times."
            )
        elif worse:
            names = [f"{text(each.name)} ({each.ratio:.2f} times)" for each in worse]
            sentences.append(f"Worse, beyond chance: {_listed(names)}.")
    return f"<p>{' '.join(sentences)}</p>"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _middle(outcome: Outcome, name: str) -> str:
    value = outcome.middle(name)
    return "" if value is None else f"{value:,.0f}"


def _samples(found: Comparison) -> str:
    """Return what each cell makes of the same seeds."""
    scores = {each.name: f"score {number(each.median)}" for each in found.ranks}
    made = [
        (outcome, preview) for outcome in found.ordered
        if (preview := _preview(outcome)) is not None
    ]
    if not made:
        return "<p>There are none yet.</p>"
    note = "The same seeds in each cell, from its first training."
    if all(preview.texts for _, preview in made):
        columns = [(outcome.name, preview.texts) for outcome, preview in made]
        return f"<p>{note}</p>{side_by_side(columns, 'Samples of each cell', _MAX_LINES)}"
    figures = "".join(
        f"<figure class=frame><figcaption><b>{_settings(outcome.name)}</b> "
        f"<small>{scores.get(outcome.name, outcome.state)}</small></figcaption>"
        f"{samples(preview, f'of {outcome.name}')}</figure>"
        for outcome, preview in made
    )
    kind = "cells wide" if any(preview.sound for _, preview in made) else "cells"
    return (
        f"<p>{note}</p>{hint([preview for _, preview in made])}<div class='{kind}'>{figures}</div>"
    )


def _preview(outcome: Outcome) -> Preview | None:
    """Return the latest preview of the first training that has one."""
    for result in outcome.results:
        if found := previews(result.run / "samples"):
            return found[-1]
    return None


def _curves(found: Comparison) -> str:
    """Return the scores of all cells over what the budget counts, and over the other in a fold."""
    histories = {
        outcome.name: [
            History(read_metrics(result.run)) for result in outcome.results
            if result.state == "done" or not outcome.scores
        ]
        for outcome in found.ordered
    }
    kinds = {Budget.of(each.config).kind for each in found.outcomes if each.config is not None}
    floor = _floor(found)
    first, second = (_chart(histories, floor, over) for over in ("seconds", "step"))
    if not first or not second:
        return "<p>Nothing is measured yet.</p>"
    if kinds != {"time"}:
        first, second = second, first
    more = ""
    if len(found.outcomes) > _MAX_CURVES:
        more = f" The best {_MAX_CURVES} cells are shown."
    return (
        f"<p>The line is the median over seeds; thin lines are single trainings. Press a name to "
        f"see its curves alone.{more}</p>{first}<details><summary>The same over "
        f"{'steps' if kinds == {'time'} else 'time'}</summary>{second}</details>"
    )


def _chart(
    histories: dict[str, list[History]], floor: float | None, over: Literal["step", "seconds"]
) -> str:
    single: dict[str, list[Points]] = {}
    for name, several in histories.items():
        curves = [points for each in several if (points := each.points("score", over))]
        if curves and len(single) < _MAX_CURVES:
            single[name] = curves
    if not single:
        return ""
    return draw(Chart(
        f"Score over {'steps' if over == 'step' else 'time'}", "score (smaller is better)",
        {name: median_curve(curves) for name, curves in single.items()},
        max(each.points(over, over)[-1][0] for several in histories.values() for each in several
            if each.points(over, over)), over,
        single={name: curves for name, curves in single.items() if len(curves) > 1},
        joined=True, log=True, levels={} if floor is None else {"floor": floor},
    ))


def _options(found: Comparison) -> str:
    """Return the options in which the cells differ, and those that they have in common."""
    configs = [each.config for each in found.outcomes if each.config is not None]
    if not configs:
        return "<p>No training has begun.</p>"
    # A cell that has not begun has its name to tell of it.
    named = {
        outcome.name: dict(each.split("=", 1) for each in outcome.name.split(" ") if "=" in each)
        for outcome in found.outcomes
    }
    differing = [
        option for option in options(type(configs[0])) if option.name != "seed" and (
            any(option.flag.lstrip("-") in given for given in named.values())
            or len({shown(option, getattr(config, option.name)) for config in configs}) > 1
        )
    ]
    rows = [
        (outcome.name, *(
            named[outcome.name].get(option.flag.lstrip("-"), "") if outcome.config is None
            else shown(option, getattr(outcome.config, option.name)) for option in differing
        )) for outcome in found.ordered
    ]
    head = ("cell", *(option.flag for option in differing))
    without = {"seed", *(option.name for option in differing)}
    return (
        f"<h3>What differs between cells</h3>{table(rows, head, 'figures')}"
        f"<details><summary>What all cells have in common</summary>{settings(configs[0], without)}"
        "</details>"
    )


def _trainings(found: Comparison) -> str:
    rows = []
    for outcome in found.ordered:
        for result in outcome.results:
            metrics = result.metrics
            rows.append((
                outcome.name, str(result.seed), result.state,
                "" if result.score is None else number(result.score),
                number(metrics.get("best_step", "")) if "best_step" in metrics else "",
                number(metrics["steps"]) if "steps" in metrics else "",
                duration(metrics["seconds"]) if "seconds" in metrics else "",
                str(result.run.relative_to(found.folder)), " ".join(result.warnings),
            ))
    counts = Counter(result.state for result in found.results)
    summary = ", ".join(f"{count} {state}" for state, count in counts.items())
    head = ("cell", "seed", "state", "score", "best at step", "steps", "time", "directory",
            "warnings")
    return (
        f"<details><summary>{summary}</summary>{table(rows, head, 'options')}</details>"
        "<p>Each is an ordinary run, with a report of its own: <code>gancli report "
        "DIRECTORY</code> writes it.</p>"
    )
