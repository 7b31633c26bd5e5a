"""A flag that may stand alone: the word after it is its value only where it can be one."""

import pytest
import typer

from gancli.cli import app
from gancli.cli.flags import complete_bare_flags
from gancli.config import options
from gancli.modalities.image.config import ImageSampleConfig

GRID = {option.flag: option for option in options(ImageSampleConfig) if option.bare}


@pytest.mark.parametrize(
    ("line", "grid", "model"),
    [
        ("--grid", "plain", None), ("--grid -o a.png", "plain", None),
        ("--grid emoji", "plain", "emoji"), ("emoji --grid", "plain", "emoji"),
        ("--grid classes", "classes", None), ("--grid classes emoji", "classes", "emoji"),
        ("--grid=classes emoji", "classes", "emoji"), ("--grid plain emoji", "plain", "emoji"),
        ("--grid clases", "clases", None), ("-n 4", None, None),
    ],
)
def test_what_follows_the_grid(tmp_path, monkeypatch, line, grid, model):
    monkeypatch.chdir(tmp_path)
    program = typer.main.get_command(app.build())
    context = program.commands["sample"].commands["image"].make_context("image", line.split())
    assert (context.params["grid"], context.params["model"]) == (grid, model)


def test_a_model_that_looks_like_a_misspelt_choice_is_a_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clases").mkdir()
    assert complete_bare_flags(["--grid", "clases"], GRID) == ["--grid=plain", "clases"]


def test_a_misspelt_choice_is_answered(call):
    result = call("sample", "image", "--grid", "clases", "-o", "a.png")
    assert (result.status, result.err) == (
        2, "gancli: --grid cannot be 'clases'. Did you mean classes?\n"
    )
