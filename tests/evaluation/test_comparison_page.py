"""The page of a comparison: what it says, draws and shows, and that it needs nothing else."""

import json
import re
from html import unescape

import pytest
from helpers import Recorder
from report_runs import write_comparison

from gancli.artifacts.report.interval import axis, dot, ratio_scale
from gancli.cli.commands.compare import as_table, lines
from gancli.evaluation.comparison_page import comparison_page
from gancli.evaluation.curves import median_curve
from gancli.evaluation.results import read_comparison
from gancli.storage.lock import FolderLock

HOSTILE = "x=<script>alert(1)</script>'\"<img src=x onerror=alert(2)>"


def words(page):
    """Return the text of a page."""
    body = page.partition("<main>")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<text.*?</text>", "", body))).split())


def rows(page, kind="figures ranks"):
    table = re.split(f"<table class='?{kind}'?>", page)[1].partition("</table>")[0]
    return [words(f"<main>{row}</main>") for row in re.findall(r"<tr>.*?</tr>", table)]


def test_the_ranks_are_told_and_drawn(tmp_path):
    page = comparison_page(read_comparison(write_comparison(tmp_path)))
    assert rows(page) == [
        "cell score times the best 95% interval verdict steps seconds",
        "g-cell=a 15 10 to 20 best 400 200",
        "g-cell=b 45 30 to 60 3.00 (3.00 to 3.00) worse 400 200",
    ]
    assert "g-cell=a has the best score, 15. Worse, beyond chance: g-cell=b (3.00 times)." in (
        words(page)
    )
    scale = ratio_scale([(1.0, 1.0, 1.0), (3.0, 3.0, 3.0)])
    assert dot((3.0, 3.0, 3.0), scale, "worse") in page and axis(scale) in page
    assert "Finished." in words(page) and "4 of 4 seeds 0 to 1" in words(page)
    assert "floor 2.5 what as many real items score" in words(page)


def test_intervals_are_where_their_values_are():
    scale = ratio_scale([(2.0, 1.0, 4.0)])
    low, high = map(float, re.findall(r"x[12]=([\d.]+) ", dot((2, 1, 4), scale, "worse"))[2:4])
    (middle,) = re.findall(r"cx=([\d.]+)", dot((2, 1, 4), scale, "worse"))
    assert float(middle) == pytest.approx((low + high) / 2, abs=0.11)  # twice and half as much
    one = re.findall(r"class=one x1=([\d.]+)", dot((2, 1, 4), scale, "worse"))
    assert float(one[0]) == pytest.approx(low, abs=0.06)
    ticks = re.findall(r"<text x=([\d.]+) y=16>([\d.]+)<", axis(scale))
    assert [name for _, name in ticks][0] == "1" and "2" in [name for _, name in ticks]
    assert all(float(at) == pytest.approx(scale.position(float(name)), abs=0.06)
               for at, name in ticks)
    assert "circle" not in dot((float("nan"),) * 3, scale, "worse")


def test_chance_and_what_is_not_done_are_told(tmp_path):
    scores = {
        "c=a": {0: 10.0, 1: 20.0}, "c=b": {0: 12.0, 1: 18.0}, "c=d": {0: 30.0, 1: None},
        "c=e": {0: None, 1: None},
    }
    folder = write_comparison(tmp_path, scores=scores, problems={"cell3/seed-1": "It <broke>."})
    page = comparison_page(read_comparison(folder), live=True)
    assert "c=a has the best score, 15. Within chance of it are c=b and c=d." in words(page)
    assert [row.partition(" ")[0] for row in rows(page)[1:]] == ["c=a", "c=b", "c=d", "c=e"]
    assert rows(page)[2].endswith("within chance 400 200")
    assert "within chance: one seed 1 of 2 done" in rows(page)[3]
    # The best so far, of each training that is not done.
    assert rows(page)[4] == "c=e 5, 5 1 of 2 failed 400 200"
    assert "It <broke>. c=e, seed 1" in words(page)
    assert "data-live=1" in page and "Training." in words(page)
    stopped = comparison_page(read_comparison(folder))
    assert "data-live=0" in stopped
    assert "Not finished. Run the same command to continue." in words(stopped)


def test_one_seed_is_not_a_verdict(tmp_path):
    page = comparison_page(read_comparison(write_comparison(tmp_path, scores={
        "c=a": {0: 10.0}, "c=b": {0: 99.0},
    })))
    assert "One seed does not show whether that is chance" in words(page)
    assert "within chance: one seed" in rows(page)[2]


def test_cells_without_a_seed_in_common_are_not_compared(tmp_path):
    found = read_comparison(write_comparison(tmp_path, scores={
        "c=a": {0: 10.0, 1: None}, "c=b": {0: None, 1: 99.0},
    }))
    assert rows(comparison_page(found))[2] == "c=b 99 no seed in common 1 of 2 done 400 200"
    assert lines(found)[2].split("  ")[-1] == "no seed in common, 1 of 2 done"
    ranks = json.loads(json.dumps(as_table(found), allow_nan=False))["ranks"]
    assert (ranks[1]["ratio"], ranks[1]["verdict"]) == (None, "no seed in common")


def test_what_a_training_is_doing_is_seen_by_its_lock(tmp_path):
    folder = write_comparison(tmp_path, scores={"c=a": {0: 10.0}, "c=b": {0: None}})
    assert [each.state for each in read_comparison(folder).results] == ["done", "stopped"]
    lock = FolderLock(folder / "cell1" / "seed-0", "training", Recorder())
    assert [each.state for each in read_comparison(folder).results] == ["done", "training"]
    lock.close()


def test_a_cell_that_was_dropped_counts_as_it_was_then(tmp_path):
    folder = write_comparison(tmp_path, dropped={"cell1": 0.5})
    found = read_comparison(folder)
    assert [each.name for each in found.ranks] == ["g-cell=a"]
    # The first measurement is that of step 200 of 400, and four times the second.
    assert [each.score for each in found.outcomes[1].results] == [120.0, 240.0]
    assert found.outcomes[1].results[0].metrics["steps"] == 200
    assert "dropped at 50% of the budget" in words(comparison_page(found))


def test_what_was_dropped_later_comes_first(tmp_path):
    folder = write_comparison(
        tmp_path, scores={f"c={name}": {0: 10.0} for name in "abdef"},
        dropped={"cell0": 0.25, "cell1": 0.5, "cell2": 0.75, "cell3": 0.25},
    )
    page = comparison_page(read_comparison(folder))
    assert [row.partition(" ")[0] for row in rows(page)[1:]] == [
        "c=f", "c=d", "c=b", "c=a", "c=e"
    ]
    assert "Only c=f has a score, 10; 4 others were dropped on the way." in words(page)


@pytest.mark.parametrize("modality", ["image", "text", "audio"])
def test_samples_of_all_cells_are_side_by_side(tmp_path, modality):
    page = comparison_page(read_comparison(write_comparison(tmp_path, modality)))
    code = re.sub(r"base64,[\w+/=]*", "", page).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//\w", code)
    if modality == "text":
        assert rows(page, "beside") == [
            "seed g-cell=a g-cell=b", "0 abc at 400 abc at 400", "1 <b>fed</b> <b>fed</b>"
        ]
        return
    alts = re.findall(r"<img [^>]*alt='([^']*)'", page)
    kind = {"image": "Samples", "audio": "Spectrograms of samples"}[modality]
    assert alts == [f"{kind} of g-cell=a", f"{kind} of g-cell=b"]
    labels = re.findall(r"<audio [^>]*aria-label='([^']*)'", page)
    assert labels == (["Samples of g-cell=a", "Samples of g-cell=b"] if modality == "audio" else [])


def test_curves_are_medians_with_single_trainings_behind(tmp_path):
    page = comparison_page(read_comparison(write_comparison(tmp_path)))
    charts = [json.loads(unescape(each)) for each in re.findall(r"data-chart='([^']*)'", page)]
    assert [chart["over"] for chart in charts] == ["step", "seconds"]  # the budget counts steps
    # Scores of 40 and 10 times 1 and 2, and times 3 and 6.
    assert charts[0]["series"] == {
        "g-cell=a": [[200, 60], [400, 15]], "g-cell=b": [[200, 180], [400, 45]]
    }
    assert charts[1]["series"]["g-cell=a"] == [[100, 60], [200, 15]]
    assert page.count("<polyline class='single s0'") == 2 * 2 * 2  # seeds, scales, charts
    assert "floor 2.5" in page and "logswitch checked" in page


def test_the_median_begins_where_all_have_begun_and_keeps_last_values():
    curves = [[(0.0, 8.0), (10.0, 4.0)], [(5.0, 2.0), (20.0, 2.0)], [(5.0, 100.0), (15.0, 50.0)]]
    assert median_curve(curves) == [(5.0, 6.0), (10.0, 4.0), (15.0, 4.0), (20.0, 4.0)]


def test_what_differs_is_apart_from_what_cells_share(tmp_path):
    folder = write_comparison(tmp_path)
    path = folder / "cell1" / "seed-0" / "config.toml"
    path.write_text(path.read_text().replace('g_activation = "relu"', 'g_activation = "tanh"'))
    page = comparison_page(read_comparison(folder))
    options = page.partition("What differs between cells")[2]
    differing, _, common = options.partition("What all cells have in common")
    assert "--g-activation" in differing and "--g-activation" not in common
    assert "tanh" in words(f"<main>{differing}</main>")
    assert "--g-width" in common and "--seed<" not in common


def test_hostile_names_are_text(tmp_path):
    folder = write_comparison(
        tmp_path, scores={HOSTILE: {0: 1.0}, "c=b": {0: 2.0}}, command=HOSTILE,
        problems={"cell0/seed-0": HOSTILE}, data="/data/" + HOSTILE.replace("/", ""),
    )
    page = comparison_page(read_comparison(folder))
    assert page.count("<script>") == 1 and "<img src=x" not in page
    assert "onerror=alert(2)>" not in page


def test_a_comparison_without_any_run_has_a_page(tmp_path):
    folder = write_comparison(tmp_path, cells={"none": "c=a"}, compared=["none"])
    said = words(comparison_page(read_comparison(folder)))
    for sentence in ("No training is done yet.", "Nothing is measured yet.", "c=a", "waiting",
                     "There are none yet.", "No training has begun."):
        assert sentence in said, sentence
