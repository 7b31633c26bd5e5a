"""What a training would do, printed instead of done."""

import json

import pytest


@pytest.fixture
def planned(call, monkeypatch, tmp_path):
    """Options as ``--dry-run`` shows them, with the data and the networks left out."""
    from gancli.training import plan

    (tmp_path / "data").mkdir()
    monkeypatch.setattr(
        plan, "plan",
        lambda _, config, *__: plan.Plan(
            _Spec(), config, {"size": 8}, ["Pictures of 8."], {"generator": 1234}, {}
        ),
    )
    return lambda *args: call("train", "image", "data", "--dry-run", *args)


def test_dry_run_shows_sources_and_writes_nothing(planned, monkeypatch, tmp_path):
    (tmp_path / "some.toml").write_text('batch = 32\nlatent = 9\n[run]\nx = 1\n[spec]\ny = 2\n')
    monkeypatch.setenv("GANCLI_LATENT", "10")
    before = sorted(tmp_path.rglob("*"))
    result = planned("--config", "some.toml", "--preset", "sngan", "--steps", "3")
    assert result.status == 0
    for line in (
        "batch = 32  # config file", "latent = 10  # environment", "steps = 3  # command line",
        'objective = "hinge"  # preset sngan', "mirror = false  # default",
        "# size = 8  # found", "# generator: 1,234 parameters",
        '# run: "runs/data-1"', "# budget: 3 steps",
    ):
        assert line in result.out.splitlines()
    assert result.err == "Pictures of 8.\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_dry_run_is_a_config_file(planned, tmp_path):
    first = planned("--batch", "32", "--time", "90s", "--augment", 'none')
    (tmp_path / "again.toml").write_text(first.out)
    second = planned("--config", "again.toml")
    values = [
        [line.partition("  #")[0] for line in result.out.splitlines() if line[0] != "#"]
        for result in (first, second)
    ]
    assert values[0] == values[1]


def test_dry_run_as_json(planned):
    table = json.loads(planned("--json", "-o", "here").out)
    assert table["run"] == "here"
    assert table["parameters"] == {"generator": 1234}
    assert table["options"]["latent"] == {"value": 64, "source": "default"}
    assert table["options"]["batch"] == {"value": None, "source": "default"}
    assert table["options"]["size"] == {"value": 8, "source": "found"}


def test_what_the_budget_decides_is_shown_as_far_as_it_is_known(call, pictures):
    command = ("train", "image", str(pictures), "--dry-run")
    counted = call(*command, "--steps", "100")
    assert "g_width = 16  # found" in counted.out.splitlines()
    assert "# generator:" in counted.out and "Width: 16" in counted.err
    timed = call(*command, "--time", "1m")
    assert "# g_width is not set  # default" in timed.out.splitlines()
    assert "# generator:" not in timed.out and "as training starts" in timed.err
    assert {counted.status, timed.status} == {0}
    chosen = call(*command, "--time", "1m", "--g-width", "8")
    assert "d_width = 8  # found" in chosen.out.splitlines() and "# generator:" in chosen.out


def test_what_the_data_decides_is_shown_and_found_anew_by_a_config_file(call, pictures, tmp_path):
    first = call("train", "image", str(pictures), "--dry-run", "--steps", "5")
    lines = first.out.splitlines()
    assert "# size = 16  # found" in lines and '# channels = "L"  # found' in lines
    (tmp_path / "x.toml").write_text(first.out)
    other = call("train", "image", "--config", "x.toml", "--dry-run").out.splitlines()
    assert "# size = 28  # found" in other  # of the bundled garments
    names = tmp_path / "names.txt"
    names.write_text("ada\nbob\ncarl\n" * 40)
    text = call("train", "text", str(names), "--dry-run", "--images", "1000").out.splitlines()
    for line in ("# budget: 1,000 items", '# tokens = "char"  # found', "# vocabulary = 7  # found",
                 "# max_length = 8  # found", "# text_column is not set  # default"):
        assert line in text


def test_layers_before_any_training(call, pictures):
    command = ("train", "image", str(pictures), "--steps", "5", "--dry-run", "--layers")
    lines = call(*command).out.splitlines()
    at = lines.index("#") + 1
    assert lines[at].split() == ["#", "generator", "kind", "output", "parameters", "multiply-adds"]
    (count,) = [line.split()[-2] for line in lines if line.startswith("# generator:")]
    totals = [line.split()[2] for line in lines if line.startswith("# total ")]
    assert totals[0] == count and len(totals) == 2
    layers = json.loads(call(*command, "--json").out)["layers"]
    assert layers["generator"][-1]["output_shape"] == [1, 16, 16]
    without = call("train", "image", str(pictures), "--layers")
    assert (without.status, "Add --dry-run" in without.err) == (2, True)
    timed = call("train", "image", str(pictures), "--dry-run", "--layers")
    assert (timed.status, "The layers are not known yet" in timed.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--device", "cuda"], "There is no cuda device here."),
        (["--augment", "ada"], "--augment cannot be 'ada'. Did you mean all?"),
        (["--threads", "x"], "--threads cannot be 'x'."),
        (["-o", "full"], "full holds files but is not a run. Choose another directory"),
        (["-o", "full", "--force"], "not a run; --force replaces runs only. Choose another"),
        (["--output", "-"], "-o - is standard output, which holds no directory. Name a directory"),
        (["-o", ""], "-o is empty. Name a directory"),
    ],
)
def test_what_a_training_would_refuse_is_refused(planned, monkeypatch, tmp_path, options, words):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (tmp_path / "full" / "of").mkdir(parents=True)
    result = planned(*options)
    assert (result.status, result.out) == (2, "")
    assert words in result.err


class _Spec:
    """A dataclass without fields, in effect."""

    __dataclass_fields__: dict[str, object] = {}
