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
        lambda _, config, *__: plan.Plan(_Spec(), config, ["Pictures of 8."], {"generator": 1234}),
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
        "# generator: 1,234 parameters", '# run: "runs/data-1"', "# budget: 3 steps",
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


class _Spec:
    """A dataclass without fields, in effect."""

    __dataclass_fields__: dict[str, object] = {}
