"""Each place that prints a score says what it is, its floor, its trend and when it is done."""

import json
import shutil
from dataclasses import replace

import pytest
from helpers import Scores

from gancli import modalities
from gancli.artifacts import model
from gancli.artifacts.outlook import meaning
from gancli.artifacts.report.markup import text
from gancli.artifacts.run import read_metrics
from gancli.modalities.image import training
from gancli.training.schedule import MeasurementSchedule

FALLING = (16.0, 12.0, 10.0, 8.9, 8.1, 7.5, 7.0, 6.6)  # the floor is 1
MEANING = meaning(modalities.get("image"))
GOAL = "Done when the score stops falling or comes near its floor; it is 6.6 times the floor and"
AHEAD = "Training for twice as long should bring it to about"
NETWORKS = ("--g-width", "4", "--d-width", "4", "--batch", "8", "--threads", "1", "--device", "cpu")


@pytest.fixture
def train(call, monkeypatch, pictures):
    """Train a run of eight measurements whose scores are given; return what was printed."""
    monkeypatch.setattr(MeasurementSchedule, "points", 8)

    def train(*args, scores=FALLING):
        scorer = Scores(*scores)  # which goes on where a run is trained for longer
        trainable = replace(training.TRAINABLE, scorer=lambda *_: scorer)
        monkeypatch.setattr(training, "TRAINABLE", trainable)
        return call("train", "image", str(pictures), *args)

    return train


@pytest.fixture
def run(train, tmp_path, trained):
    """A run of its own, of which the first was trained and the others are copies."""
    if not trained.exists():
        assert train("-o", "run", "--steps", "24", *NETWORKS).status == 0
        shutil.copytree(tmp_path / "run", trained)
    else:
        shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return tmp_path_factory.mktemp("trained") / "run"


def words(page):
    return " ".join(page.split())


def test_training_says_what_the_score_is_before_the_first_and_what_came_of_it_at_the_end(train):
    err = train("-o", "run", "--steps", "24", *NETWORKS).err
    assert err.index(f"Preparing the score. {MEANING}") < err.index(", score ")
    assert f"\nScore 6.6, floor 1. {GOAL} improving. {AHEAD} " in err


def test_json_of_training_has_the_trend_and_the_forecast(train):
    table = json.loads(train("-o", "run", "--steps", "24", "--json", *NETWORKS).out)
    assert (table["score"], table["floor"], table["trend"]) == (6.6, 1.0, "improving")
    ahead = table["forecast"]
    assert ahead["low"] < ahead["score"] < ahead["high"]
    # A third of the distance of 5.6 is gone, or more: this curve is steeper than others were.
    assert 4.4 < ahead["score"] < 5.1
    assert table["metrics"]["forecast"] == ahead


def test_training_for_longer_says_where_it_stands(train, run):
    err = train("--resume", "run", "--steps", "24").err
    note = f"Score 6.6, floor 1. {GOAL} improving."
    assert note in err[err.index("The budget is now 48 steps in all."):]


def test_the_log_has_the_trend_with_each_measurement(run):
    measured = [entry for entry in read_metrics(run) if "score" in entry]
    assert [entry.get("trend") for entry in measured] == [None] * 4 + ["improving"] * 4


@pytest.mark.parametrize("name", ["run", "run/model"])
def test_info_says_it_to_people_and_programs(call, run, name):
    page = call("info", name).out
    assert f"score {MEANING} {GOAL} improving. {AHEAD}" in words(page)
    part = page[page.index("\nscore\n") :].partition("\n\n")[0]
    assert max(map(len, part.splitlines())) <= 80
    table = json.loads(call("info", name, "--json").out)
    assert table["score"]["meaning"] == MEANING
    assert table["score"]["done_when"].startswith(f"{GOAL} improving. {AHEAD}")
    assert table["figures"]["trend"] == "improving"
    assert set(table["figures"]["forecast"]) == {"score", "low", "high"}


def test_info_of_a_run_with_layers_still_has_what_its_log_tells(call, run):
    without, table = (
        json.loads(call("info", "run", *layers, "--json").out) for layers in ((), ("--layers",))
    )
    assert table["score"] == without["score"] and table["layers"]
    assert table["figures"].items() >= without["figures"].items()


def test_info_of_a_run_of_an_unknown_modality_says_when_it_is_done(call, run):
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace('"image"', '"smells"'))
    table = json.loads(call("info", "run", "--json").out)
    assert list(table["score"]) == ["done_when"]


def test_the_card_says_it(run):
    card = (run / "model" / "README.md").read_text()
    assert f"\n{MEANING}\n\n{GOAL} improving. {AHEAD} " in card
    assert "| trend | improving |" in card and "| forecast" not in card


def test_a_card_without_a_score_explains_none(run, tmp_path):
    unmeasured = replace(model.load(run / "model"), metrics={"steps": 3})
    model.save(unmeasured, tmp_path / "m")
    assert "score" not in (tmp_path / "m" / "README.md").read_text()


def test_the_report_says_it_once(run):
    page = (run / "report.html").read_text()
    assert page.count(f"<p>{text(MEANING)}</p>") == 1
    assert f"<p id=outlook>{GOAL} improving. {AHEAD} " in page
    assert "<td>improving</td>" in page  # with a measurement
    assert "<dt>trend" not in page and "<dt>forecast" not in page


def test_a_run_that_got_worse_is_told_so(train, call):
    rising = (5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5)
    err = train("-o", "run", "--steps", "24", *NETWORKS, scores=rising).err
    told = "The score is getting worse; the best, 5.0 times the floor, is kept."
    assert f"Score 5, floor 1. {told}\n" in err
    assert told in words(call("info", "run/model").out)
    assert "forecast" not in json.loads(call("info", "run", "--json").out)["figures"]
