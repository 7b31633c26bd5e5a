"""Comparisons: what is trained, what is trained again, and what a table says of it."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import TINY, Recorder, noise_pictures

from gancli import modalities
from gancli.artifacts.model import is_model, load, save
from gancli.cli.commands.compare import lines
from gancli.data.source import open_source
from gancli.errors import GancliError, UsageError
from gancli.evaluation.cells import make_cells, parse_settings
from gancli.evaluation.comparison import Comparer
from gancli.evaluation.looking_ahead import look_ahead
from gancli.evaluation.results import FILE, PAGE, read_comparison
from gancli.training import session, speed

IMAGE = modalities.get("image")
FIXED = {**TINY, "steps": 8, "save_every": "2"}
VARY = ["g-activation=relu,tanh"]


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    return noise_pictures(tmp_path / "data")


def cells_of(vary=VARY, cells=(), **options):
    settings = parse_settings(IMAGE, list(vary), list(cells))
    return make_cells(IMAGE, settings, {**FIXED, **options}, {})


def compare(data, folder, cells=None, seeds=(0, 1), halve=False, reporter=None):
    source = open_source(str(data))
    with Comparer(IMAGE, source, folder, reporter or Recorder(), "gancli compare x") as comparer:
        return comparer.train(comparer.settled(cells or cells_of()), seeds, halve)


def scores(found):
    return {
        outcome.name: [result.score for result in outcome.results]
        for outcome in found.outcomes
    }


def test_cells_cross_and_single_ones_join_them():
    names = [cell.name for cell in cells_of(
        ["g-norm=batch,none", "down=stride,max"], ["g-norm=batch d-norm=spectral"]
    )]
    assert names == [
        "g-norm=batch down=stride", "g-norm=batch down=max", "g-norm=none down=stride",
        "g-norm=none down=max", "g-norm=batch d-norm=spectral",
    ]


def test_a_cell_is_named_by_what_it_trains_and_not_by_its_seed():
    one, other = cells_of()
    assert one.digest != other.digest
    assert [cell.digest for cell in cells_of(seed=7)] == [one.digest, other.digest]
    assert cells_of(steps=9)[0].digest != one.digest
    assert one.with_seed(3).seed == 3


def test_what_is_wrong_with_several_cells_is_said_at_once():
    with pytest.raises(GancliError) as refused:
        cells_of(["g-activation=relu,rely,tanh,tan"])
    assert refused.value.exit_code == 2
    assert refused.value.message.startswith("2 of 4 cells cannot be trained. g-activation=rely: ")
    assert "g-activation=tan: " in refused.value.message
    with pytest.raises(GancliError, match="^g-activation=rely: [^:]*rely"):
        cells_of(["g-activation=relu,rely"])
    with pytest.raises(GancliError) as refused:
        cells_of(batch="none")  # in all cells: no cell is to be blamed
    assert "batch" in refused.value.message and "g-activation" not in refused.value.message
    with pytest.raises(UsageError, match="'g-norm=batch' and 'g-norm=batch d-norm=none' are the"):
        cells_of(["g-norm=batch,none"], ["g-norm=batch d-norm=none"])


def test_what_fits_no_data_is_said_before_training(data):
    cells = cells_of(["size=16,17,18"])
    with pytest.raises(GancliError, match="2 of 3 cells cannot be trained. size=17: .*size=18: "):
        look_ahead(IMAGE, cells, open_source(str(data)))
    counts = look_ahead(IMAGE, cells_of(["g-width=4,8"], g_width=None), open_source(str(data)))
    assert counts[0]["generator"] < counts[1]["generator"]
    assert counts[0]["discriminator"] == counts[1]["discriminator"]


@pytest.mark.parametrize(("vary", "cells", "said"), [
    ([], [], "nothing to compare"),
    (["g-norm=batch"], [], "nothing to compare"),
    (["g-norm"], [], "names no value"),
    (["g-nrm=batch,none"], [], "not an option"),
    (["seed=1,2"], [], "cannot vary"),
    (["g-norm=batch,none", "g-norm=group,layer"], [], "g-norm is set more than once"),
    ([], ["g-norm=none", "batch=8 g-norm=batch g-norm=none"], "g-norm is set more than once"),
    (["g-width=" + ",".join(map(str, range(1, 300)))], [], "more than"),
])
def test_what_cannot_be_compared_is_said(vary, cells, said):
    with pytest.raises(UsageError, match=said) as refused:
        parse_settings(IMAGE, vary, cells)
    assert refused.value.hint


def test_what_every_cell_sets_is_not_to_be_fixed_too():
    with pytest.raises(UsageError, match="--g-width has no effect here") as refused:
        cells_of(["g-width=4,8"], g_width=4)
    assert refused.value.hint.startswith("Leave --g-width out")
    # A cell that does not set it takes it from there.
    widths = [cell.config.g_width for cell in cells_of([], ["g-width=8", "g-norm=none"])]
    assert widths == [8, 4]


class Watching(Recorder):
    """A reporter that reads the page whenever a training begins."""

    def __init__(self, page):
        super().__init__()
        self.page, self.seen = page, []

    def note(self, text):
        super().note(text)
        if text.startswith("Cell "):
            page = self.page.read_text()
            self.seen.append(("data-live=1" in page, re.findall(r"<dd>(\d of \d)<", page)))


def test_each_cell_is_trained_with_each_seed_and_only_once(data, tmp_path):
    heard = Watching(tmp_path / "c" / PAGE)
    found = compare(data, tmp_path / "c", reporter=heard)
    runs = sorted(path.parent for path in (tmp_path / "c").rglob("config.toml"))
    assert len(runs) == 4 and all(is_model(run / "model") for run in runs)
    assert [note for note in heard.notes if note.startswith("Cell ")] == [
        "Cell 1 of 2, seed 1 of 2: g-activation=relu.",
        "Cell 2 of 2, seed 1 of 2: g-activation=tanh.",
        "Cell 1 of 2, seed 2 of 2: g-activation=relu.",
        "Cell 2 of 2, seed 2 of 2: g-activation=tanh.",
    ]
    assert sum("Channels:" in note for note in heard.notes) == 1  # what all have in common
    assert heard.seen == [(True, [f"{done} of 4"]) for done in range(4)]
    assert "data-live=0" in heard.page.read_text()
    assert all(len(of) == 2 and None not in of for of in scores(found).values())
    assert {result.metrics["steps"] for each in found.outcomes for result in each.results} == {8}
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "c").rglob("*.safetensors")}
    heard = Recorder()
    again = compare(data, tmp_path / "c", cells_of(["g-activation=relu,tanh,elu"]), reporter=heard)
    assert sum(note.startswith("Cell ") for note in heard.notes) == 2  # the new value alone
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert scores(found).items() <= scores(again).items()
    table = lines(again)
    assert len(table) == 4 and table[1].endswith("best")


def test_a_cell_that_fails_is_shown_and_the_rest_goes_on(data, tmp_path, monkeypatch):
    def train(modality, config, *args, **details):
        if config.g_activation == "tanh":
            raise GancliError("It cannot be trained.", "Try another.")
        return whole(modality, config, *args, **details)

    whole = session.train
    monkeypatch.setattr(session, "train", train)
    heard = Recorder()
    found = compare(data, tmp_path / "c", reporter=heard)
    assert [each.name for each in found.ranks] == ["g-activation=relu"]
    assert any("It cannot be trained." in each for each in heard.warnings)
    assert lines(found)[-1].endswith("2 of 2 failed")
    # They are tried again, once, by the same command.
    monkeypatch.setattr(session, "train", whole)
    heard = Recorder()
    mended = compare(data, tmp_path / "c", reporter=heard)
    assert len(mended.ranks) == 2 and sum(note.startswith("Cell ") for note in heard.notes) == 2
    assert mended.record.problems == {}


@pytest.mark.parametrize(("codes", "status"), [((3, 3), 3), ((3, 1), 1)])
def test_if_all_fail_that_is_an_error(data, tmp_path, monkeypatch, codes, status):
    left = [*codes]

    def train(*_, **__):
        raise GancliError("It cannot be trained.", "Try another.", left.pop(0))

    monkeypatch.setattr(session, "train", train)
    with pytest.raises(GancliError, match="All trainings failed. .* It cannot be") as failed:
        compare(data, tmp_path / "c", seeds=(0,))
    assert (failed.value.exit_code, failed.value.hint) == (status, "Try another.")
    assert "It cannot be trained." in (tmp_path / "c" / PAGE).read_text()


@pytest.mark.parametrize(("error", "problem"), [
    (RuntimeError("CUDA out of memory.\nTried to allocate much."),
     "There was not enough memory. Choose a smaller --batch, size or width."),
    (MemoryError(), "There was not enough memory. Choose a smaller --batch, size or width."),
    (RuntimeError("cuDNN is broken"), "It failed: cuDNN is broken Train it alone, with gancli "
     "train and -v, to see where."),
])
def test_what_torch_raises_fails_a_training_and_not_the_rest(
    data, tmp_path, monkeypatch, error, problem
):
    def train(modality, config, *args, **details):
        tried.append(config.g_activation)
        raise error if config.g_activation == "relu" else GancliError("Another.")

    tried = []
    monkeypatch.setattr(session, "train", train)
    with pytest.raises(GancliError, match="All trainings failed"):
        compare(data, tmp_path / "c", seeds=(0,))
    assert tried == ["relu", "tanh"]
    assert [each.problem for each in read_comparison(tmp_path / "c").results] == [
        problem, "Another."
    ]


def test_runs_that_are_gone_or_damaged_are_trained_again_or_told(data, tmp_path):
    cells = cells_of(["g-activation=relu,tanh,elu"])
    whole = compare(data, tmp_path / "c", cells, seeds=(0,))
    gone, cut, lost = (outcome.results[0].run for outcome in whole.outcomes)
    shutil.rmtree(gone)
    (cut / "model" / "model.safetensors").write_bytes(b"cut")
    (lost / "config.toml").unlink()
    shutil.rmtree(lost / "model")
    heard = Recorder()
    found = compare(data, tmp_path / "c", cells, seeds=(0,), reporter=heard)
    # One is trained anew, a model is made again from its checkpoint, and what cannot be known is
    # not thrown away.
    assert [outcome.scores for outcome in found.outcomes[:2]] == [
        outcome.scores for outcome in whole.outcomes[:2]
    ]
    assert found.results[2].state == "failed"
    assert found.results[2].problem == (
        f"{lost} is damaged: its config.toml is gone. Remove the directory, and the same command "
        "trains it again."
    )
    assert any(str(lost) in each for each in heard.warnings) and (lost / "checkpoints").is_dir()


def test_a_model_without_a_score_is_a_failure_and_not_the_best(data, tmp_path):
    first = compare(data, tmp_path / "c", seeds=(0,)).outcomes[0]
    folder = first.results[0].run / "model"
    whole = load(folder)
    metrics = {name: value for name, value in whole.metrics.items() if name != "score"}
    reason = "Training diverged: the score is not a finite number."
    save(replace(whole, metrics=metrics, warnings=[reason]), folder)
    found = read_comparison(tmp_path / "c")
    assert [each.name for each in found.ranks] == ["g-activation=tanh"]
    row = lines(found)[-1].split()
    assert (row[:2], row[3:]) == (["g-activation=relu", "8"], ["failed"])  # no score; steps
    assert [each.problem for each in found.results] == [reason, ""]


def test_a_folder_of_a_version_with_fewer_options_goes_on(data, tmp_path):
    """Its hashes are others, and its file says less."""
    whole = compare(data, tmp_path / "c", seeds=(0,))
    record = json.loads((tmp_path / "c" / FILE).read_text())
    old = {"data": record["data"], "modality": "image", "chosen": record["chosen"], "cells": {}}
    for number, (digest, name) in enumerate(record["cells"].items()):
        (tmp_path / "c" / digest).rename(tmp_path / "c" / f"old{number}")
        old["cells"][f"old{number}"] = name
    (tmp_path / "c" / FILE).write_text(json.dumps(old))
    assert scores(read_comparison(tmp_path / "c")) == scores(whole)
    heard = Recorder()
    found = compare(data, tmp_path / "c", seeds=(0,), reporter=heard)
    assert not any(note.startswith("Cell ") for note in heard.notes)
    assert scores(found) == scores(whole)
    assert [outcome.digest for outcome in found.outcomes] == ["old0", "old1"]


def test_two_at_once_are_refused(data, tmp_path):
    source = open_source(str(data))
    with Comparer(IMAGE, source, tmp_path / "c", Recorder(), "x"):
        with pytest.raises(GancliError, match="Another process is comparing in") as refused:
            compare(data, tmp_path / "c")
        assert "choose another directory with -o" in refused.value.hint
    compare(data, tmp_path / "c", seeds=(0,))


def test_the_work_is_told_beforehand(data, tmp_path):
    def told(budget, seeds=range(3), halve=False, cells="relu,tanh,elu,gelu"):
        chosen = cells_of([f"g-activation={cells}"], **{"steps": None, **budget})
        comparer = Comparer(IMAGE, open_source(str(data)), tmp_path / "c", Recorder(), "x")
        return comparer.sentence(chosen, seeds, halve)

    assert told({"time": "40s"}) == "12 trainings of 40 seconds each: about 8 minutes."
    assert told({"time": "1h"}) == "12 trainings of 60 minutes each: about 12.0 hours."
    # Four cells for a quarter, then two, then one twice.
    assert told({"time": "40s"}, halve=True) == (
        "12 trainings of 40 seconds each, the worse half of the cells dropped at each quarter: "
        "about 4 minutes."
    )
    assert told({"steps": 60}) == "12 trainings of 60 steps each."
    compare(data, tmp_path / "c", cells_of(), seeds=(0,))
    assert told({"steps": 8}, range(1)) == "4 trainings of 8 steps each, 2 of them done."
    assert told({"steps": 8}, range(1), cells="relu,tanh") == (
        "2 trainings of 8 steps each, all of them done."
    )


def test_the_worse_half_is_dropped_at_each_quarter(data, tmp_path):
    cells = cells_of(["g-activation=relu,tanh,elu,gelu"])
    heard = Recorder()
    found = compare(data, tmp_path / "c", cells, seeds=(0,), halve=True, reporter=heard)
    assert "Cell 2 of 4, seed 1 of 1, to 25% of the budget: g-activation=tanh." in heard.notes
    assert sorted(
        outcome.dropped for outcome in found.outcomes if outcome.dropped is not None
    ) == [0.25, 0.25, 0.5]
    assert len(found.ranks) == 1
    steps = [outcome.results[0].metrics["steps"] for outcome in found.outcomes]
    assert sorted(steps) == [2, 2, 4, 8]
    # What was dropped could still be trained to its end.
    assert len(compare(data, tmp_path / "c", cells, seeds=(0,)).ranks) == 4


def test_what_the_budget_decides_is_decided_once(data, tmp_path, monkeypatch):
    options = {"g_width": None, "d_width": None}
    found = compare(data, tmp_path / "c", cells_of(**options), seeds=(0,))
    widths = {outcome.config.g_width for outcome in found.outcomes}
    assert len(widths) == 1 and None not in widths
    monkeypatch.setattr(speed, "found_by_budget", lambda *_: pytest.fail("decided twice"))
    heard = Recorder()
    compare(data, tmp_path / "c", cells_of(**options), seeds=(0,), reporter=heard)
    assert not any(note.startswith("Cell ") for note in heard.notes)


@pytest.fixture
def decisions(monkeypatch):
    """The widths that the budget buys, one more at each look."""
    widths = []

    def decide(*_):
        widths.append(4 + len(widths))
        return {"g_width": widths[-1], "d_width": 4}

    monkeypatch.setattr(speed, "found_by_budget", decide)
    return widths


OPEN = {"g_width": None, "d_width": None}


def test_what_was_decided_counts_for_the_same_options_alone(data, tmp_path, decisions):
    source, seen = open_source(str(data)), []
    with Comparer(IMAGE, source, tmp_path / "c", Recorder(), "x") as comparer:
        for vary, more in [
            (VARY, {}), (VARY, {"batch": 16}), (VARY, {"size": 32}), (VARY, {"steps": 9}),
            (["g-activation=elu,gelu,relu"], {}), (VARY, {"seed": 3, "batch": 16}),
        ]:
            cells = comparer.settled(cells_of(vary, **OPEN, **more))
            (width,) = {cell.config.g_width for cell in cells}
            seen.append(width)
    assert seen == [4, 5, 6, 7, 4, 5] and decisions == [4, 5, 6, 7]


def test_cells_of_other_data_or_widths_have_decisions_of_their_own(data, tmp_path, decisions):
    def widths(vary=(), cells=(), **more):
        chosen = cells_of(vary, cells, **{**OPEN, **more})
        with Comparer(IMAGE, source, tmp_path / "c", Recorder(), "x") as comparer:
            return [cell.config.g_width for cell in comparer.settled(chosen)]

    source = open_source(str(data))
    crossed = ["size=16,32", "g-activation=relu,tanh"]
    assert widths(crossed) == widths(crossed) == [4, 4, 5, 5]
    assert widths(["g-width=16,64"]) == [16, 64] and decisions == [4, 5, 6, 7]
    assert widths(["batch=8,16"], batch=None) == [8, 8]  # they differ in the batch alone
    assert widths([], ["batch=8", "g-norm=none"], batch=None) == [9, 9]


def test_a_look_ahead_sees_what_the_training_will_decide(data, tmp_path):
    source = open_source(str(data))
    for vary in (["size=16,128"], ["g-width=8,16"], ["batch=8,128"]):
        cells = cells_of(vary, steps=120_000, batch=None, **OPEN)
        ahead = look_ahead(IMAGE, cells, source)
        with Comparer(IMAGE, source, tmp_path / vary[0], Recorder(), "x") as comparer:
            assert look_ahead(IMAGE, comparer.settled(cells), source) == ahead
    # Those of the two batches have the same networks, which would not suit both alike.
    assert ahead[0] == ahead[1]


def test_what_an_older_version_decided_counts_where_it_was_trained_with(
    data, tmp_path, decisions
):
    compare(data, tmp_path / "c", cells_of(**OPEN), seeds=(0,))
    path = tmp_path / "c" / FILE
    record = json.loads(path.read_text())
    (decision,) = record["chosen"].values()
    path.write_text(json.dumps(
        record | {"chosen": {'{"time": null, "steps": 8, "images": null}': decision | {"old": 1}}}
    ))
    heard, again = Recorder(), cells_of(["g-activation=relu,tanh,elu"], **OPEN)
    compare(data, tmp_path / "c", again, seeds=(0,), reporter=heard)
    assert decisions == [4] and sum(note.startswith("Cell ") for note in heard.notes) == 1
    with Comparer(IMAGE, open_source(str(data)), tmp_path / "c", heard, "x") as comparer:
        assert comparer.settled(cells_of(size=32, **OPEN))[0].config.g_width == 5
    path.write_text(json.dumps(record | {"chosen": {"x": 4}}))
    with pytest.raises(GancliError, match="damaged: chosen has 4"):
        read_comparison(tmp_path / "c")


def test_a_folder_of_something_else_is_left_alone(data, tmp_path):
    compare(data, tmp_path / "c", seeds=(0,))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="not a comparison"):
        compare(data, tmp_path / "other")
    with pytest.raises(UsageError, match="compares on"):
        compare(tmp_path / "c" / Path("."), tmp_path / "c")
    (tmp_path / "c" / FILE).write_text("[")
    with pytest.raises(GancliError, match="damaged"):
        compare(data, tmp_path / "c")
    assert (tmp_path / "other" / "letter.txt").read_text() == "dear"
