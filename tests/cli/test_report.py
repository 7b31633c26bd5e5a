"""``gancli report``: where the page goes, and what is refused."""

import json
import webbrowser

import pytest
from report_runs import write_comparison, write_run

from gancli.artifacts.run import Run
from gancli.reporting import SILENT
from gancli.storage.lock import FolderLock


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path)


def test_it_goes_into_the_run(call, run):
    result = call("report", "run")
    assert (result.status, result.out, result.err) == (0, "", "Wrote run/report.html.\n")
    assert (run / "report.html").read_text().startswith("<!doctype html>")
    assert json.loads(call("report", "run", "--json").out) == {"file": "run/report.html"}


def test_it_goes_to_a_file_that_is_not_there_yet(call, run, tmp_path):
    assert call("report", "run", "-o", "page.html").status == 0
    page = (tmp_path / "page.html").read_text()
    assert "best score" in page and not (run / "report.html").exists()
    (tmp_path / "page.html").write_text("mine")
    result = call("report", "run", "-o", "page.html")
    assert result.status == 2
    assert "page.html already exists. Overwrite it with --force" in result.err
    assert (tmp_path / "page.html").read_text() == "mine"
    assert call("report", "run", "-o", "page.html", "--force").status == 0
    assert (tmp_path / "page.html").read_text() == page


def test_it_goes_to_standard_output(call, run):
    result = call("report", "run", "-o", "-")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("<!doctype html>") and result.out.endswith("</html>\n")
    assert not (run / "report.html").exists()
    for flag in ("--open", "--json"):
        result = call("report", "run", "-o", "-", flag)
        assert result.status == 2 and flag in result.err


@pytest.mark.parametrize(("found", "warning"), [
    (True, ""), (False, "Warning: No web browser was found; open run/report.html in one.\n"),
])
def test_it_is_shown_in_the_browser(call, run, monkeypatch, found, warning):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or found)
    result = call("report", "run", "--open")
    assert opened == [(run / "report.html").as_uri()]
    assert result.err == "Wrote run/report.html.\n" + warning


def test_what_is_not_a_run_is_refused(call, run, tmp_path):
    result = call("report", "rn")
    assert (result.status, result.out) == (2, "")
    assert (
        "rn is neither a run nor a comparison: it has no config.toml and no comparison.json. Did "
        "you mean run?"
    ) in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_in_training_has_a_page_that_reloads(call, run):
    def live():
        call("report", "run")
        return "data-live=1" in (run / "report.html").read_text()

    assert not live()
    held = Run.open(run, SILENT)
    assert live()
    held.close()
    assert not live()


def test_a_comparison_has_a_page_too(call, tmp_path):
    folder = write_comparison(tmp_path)
    result = call("report", "comparison")
    assert (result.status, result.err) == (0, "Wrote comparison/index.html.\n")
    page = (folder / "index.html").read_text()
    assert "Image: 2 settings compared" in page and "data-live=0" in page
    assert call("report", "comparison", "-o", "-").out == page
    lock = FolderLock(folder, "comparing", SILENT)
    assert "data-live=1" in call("report", "comparison", "-o", "-").out
    lock.close()
    (folder / "comparison.json").write_text("{")
    result = call("report", "comparison")
    assert result.status == 1 and "comparison/comparison.json is damaged" in result.err
    assert "gancli compare writes it again" in result.err
