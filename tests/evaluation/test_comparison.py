"""Comparisons: what is trained, what is trained again, and what a table says of it."""

from pathlib import Path

import numpy as np
import pytest
from helpers import TINY, Recorder, interrupted_at
from PIL import Image

from gancli import modalities
from gancli.artifacts.model import is_model
from gancli.cli.commands.compare import lines
from gancli.data.source import open_source
from gancli.errors import GancliError, UsageError
from gancli.evaluation.cells import make_cells, parse_settings
from gancli.evaluation.comparison import FILE, Comparer
from gancli.evaluation.comparison_page import write_page
from gancli.runtime.signals import Interrupted
from gancli.training import session, speed

IMAGE = modalities.get("image")
FIXED = {**TINY, "steps": 8, "save_every": "2"}
VARY = ["g-activation=relu,tanh"]


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for number in range(40):
        pixels = rng.integers(0, 256, (16, 16), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / f"{number}.png")
    return tmp_path / "data"


def cells_of(vary=VARY, cells=(), **options):
    settings = parse_settings(IMAGE, list(vary), list(cells))
    return make_cells(IMAGE, settings, {**FIXED, **options}, {})


def compare(data, folder, cells=None, seeds=(0, 1), halve=False, reporter=None):
    comparer = Comparer(IMAGE, open_source(str(data)), folder, reporter or Recorder(), "x")
    return comparer.train(comparer.settled(cells or cells_of()), seeds, halve)


def scores(found):
    return {
        outcome.cell.name: [result.score for result in outcome.results]
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


@pytest.mark.parametrize(("vary", "cells", "said"), [
    ([], [], "nothing to compare"),
    (["g-norm=batch"], [], "nothing to compare"),
    (["g-norm"], [], "names no value"),
    (["g-nrm=batch,none"], [], "not an option"),
    (["seed=1,2"], [], "cannot vary"),
    (["g-width=" + ",".join(map(str, range(1, 300)))], [], "more than"),
])
def test_what_cannot_be_compared_is_said(vary, cells, said):
    with pytest.raises(UsageError, match=said) as refused:
        parse_settings(IMAGE, vary, cells)
    assert refused.value.hint


def test_each_cell_is_trained_with_each_seed_and_only_once(data, tmp_path):
    heard = Recorder()
    found = compare(data, tmp_path / "c", reporter=heard)
    runs = sorted(path.parent for path in (tmp_path / "c").rglob("config.toml"))
    assert len(runs) == 4 and all(is_model(run / "model") for run in runs)
    assert sum(note.startswith("Cell: ") for note in heard.notes) == 4
    assert all(len(of) == 2 and None not in of for of in scores(found).values())
    assert {result.metrics["steps"] for each in found.outcomes for result in each.results} == {8}
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "c").rglob("*.safetensors")}
    heard = Recorder()
    again = compare(data, tmp_path / "c", cells_of(["g-activation=relu,tanh,elu"]), reporter=heard)
    assert sum(note.startswith("Cell: ") for note in heard.notes) == 2  # the new value alone
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert scores(found).items() <= scores(again).items()
    table = lines(again)
    assert len(table) == 4 and table[1].endswith("best")
    page = write_page(again, tmp_path / "c", IMAGE, "x").read_text()
    assert page.count("<section>") == 3 and page.count("<img") == 3
    assert "http" not in page


def test_an_interrupted_comparison_goes_on_to_the_same_table(data, tmp_path):
    whole = compare(data, tmp_path / "whole")
    for step in (3, 5):
        with pytest.raises(Interrupted, match="kept") as stopped:
            compare(data, tmp_path / "c", reporter=interrupted_at(step))
        assert "same command" in stopped.value.hint
    assert scores(compare(data, tmp_path / "c")) == scores(whole)


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
    assert "failed" in lines(found)[-1]
    assert "failed: It cannot be trained" in write_page(
        found, tmp_path / "c", IMAGE, "x"
    ).read_text()


def test_the_worse_half_is_dropped_at_each_quarter(data, tmp_path):
    cells = cells_of(["g-activation=relu,tanh,elu,gelu"])
    found = compare(data, tmp_path / "c", cells, seeds=(0,), halve=True)
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
    widths = {outcome.cell.config.g_width for outcome in found.outcomes}
    assert len(widths) == 1 and None not in widths
    monkeypatch.setattr(speed, "found_by_budget", lambda *_: pytest.fail("decided twice"))
    heard = Recorder()
    compare(data, tmp_path / "c", cells_of(**options), seeds=(0,), reporter=heard)
    assert not any(note.startswith("Cell: ") for note in heard.notes)


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
