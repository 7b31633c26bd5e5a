"""``gancli compare``: what is printed where, and what is refused before anything is trained."""

import json

import pytest
from helpers import noise_pictures

from gancli.errors import GancliError
from gancli.training import session

TINY = (
    "--steps", "2", "--threads", "1", "--g-width", "4", "--d-width", "4", "--latent", "8",
    "--batch", "8", "-o", "c",
)


@pytest.fixture
def compare(call, monkeypatch, tmp_path):
    """Run ``gancli compare image`` on forty small pictures."""
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    noise_pictures(tmp_path / "data")
    return lambda *args: call("compare", "image", "data", *TINY, *args)


@pytest.fixture
def failing(monkeypatch):
    """Let trainings with tanh fail, or all."""

    def failing(everything=False):
        def train(modality, config, *args, **details):
            if everything or config.g_activation == "tanh":
                raise GancliError("It cannot be trained.", "Try another.")
            return whole(modality, config, *args, **details)

        whole = session.train
        monkeypatch.setattr(session, "train", train)

    return failing


def test_a_dry_run_shows_the_cells_and_writes_nothing(compare, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    result = compare("--vary", "up=transposed,nearest", "--seeds", "2", "--dry-run")
    assert result.status == 0 and "4 trainings of 2 steps each." in result.err
    head, *rows = [line.split() for line in result.out.splitlines()]
    assert head == ["cell", "generator", "discriminator"]
    assert [row[0] for row in rows] == ["up=transposed", "up=nearest"]
    table = json.loads(compare("--vary", "up=transposed,nearest", "--dry-run", "--json").out)
    assert [f"{each['parameters']['generator']:,}" for each in table["cells"]] == [
        row[1] for row in rows
    ]
    assert [path for path in sorted(tmp_path.rglob("*")) if "cache" not in str(path)] == before


def test_a_dry_run_knows_what_sizes_are_left_open(call, compare):
    cells = ("--cell", "g-norm=batch g-width=4 d-width=4", "--cell", "g-norm=none")
    result = call("compare", "image", "data", "--time", "40s", *cells, "--dry-run")
    assert result.status == 0 and "6 trainings of 40 seconds each: about 4 minutes." in result.err
    head, known, unknown = (line.split() for line in result.out.splitlines())
    assert len(known) == 5 and unknown == ["g-norm=none"]


def test_wrong_values_are_refused_together_before_any_training(compare, tmp_path):
    result = compare("--vary", "g-norm=batch,bathc,nonne")
    assert result.status == 2 and "2 of 3 cells cannot be trained." in result.err
    assert "g-norm=bathc: --g-norm cannot be 'bathc'. Did you mean batch?" in result.err
    assert "g-norm=nonne: --g-norm cannot be 'nonne'. Did you mean none?" in result.err
    assert not (tmp_path / "c").exists()


def test_cells_that_fail_are_in_the_json(compare, failing):
    failing()
    result = compare("--vary", "g-activation=relu,tanh", "--seeds", "1", "--json")
    assert result.status == 0 and result.err == ""
    table = json.loads(result.out)
    assert [each["name"] for each in table["ranks"]] == ["g-activation=relu"]
    assert table["ranks"][0]["verdict"] == "best"
    good, bad = (cell["runs"][0] for cell in table["cells"])
    assert (good["state"], good["problem"], good["steps"]) == ("done", "", 2)
    assert (bad["state"], bad["problem"]) == ("failed", "It cannot be trained. Try another.")
    said = "g-activation=tanh, seed 0: It cannot be trained. Try another."
    assert table["warnings"].count(said) == 1


def test_if_all_cells_fail_so_does_the_command(compare, failing):
    failing(everything=True)
    result = compare("--vary", "g-activation=relu,tanh", "--seeds", "1", "--json")
    assert (result.status, result.out) == (1, "")
    assert json.loads(result.err) == {
        "error": "All trainings failed. The first: It cannot be trained.",
        "hint": "Try another.", "code": 1,
    }


@pytest.mark.parametrize(("seeds", "named", "done"), [
    (("--seeds", "2"), [0, 1], "seeds 0 to 1"),
    (("--seeds", "2", "--seed", "5"), [5, 6], "seeds 5 to 6"),
    (("--seeds", "0-1,4,1"), [0, 1, 4], "seeds 0 to 1, 4"), (("--seeds", "3-3"), [3], "seed 3"),
])
def test_seeds_are_a_number_of_them_or_named(compare, monkeypatch, tmp_path, seeds, named, done):
    monkeypatch.setattr(session, "train", _untrained)
    assert compare("--vary", "g-norm=batch,none", *seeds).status == 1
    record = json.loads((tmp_path / "c" / "comparison.json").read_text())
    assert record["seeds"] == named
    assert f"{done}<" in (tmp_path / "c" / "index.html").read_text()


def _untrained(*args, **details):
    raise GancliError("It cannot be trained.")


@pytest.mark.parametrize("text", ["0", "1001", "0-1000", "2-0", "x", "-1", "1-", "9" * 5000, ""])
def test_seeds_that_are_neither_are_refused_with_an_example(compare, text):
    result = compare("--vary", "g-norm=batch,none", f"--seeds={text}")
    assert result.status == 2
    assert "Say how many, such as 3, or which, such as 0-2,7; at most 1,000." in result.err


def test_named_seeds_beside_a_first_one_are_refused(compare):
    result = compare("--vary", "g-norm=batch,none", "--seeds", "0-2", "--seed", "3")
    assert (result.status, result.out) == (2, "") and "Leave --seed out" in result.err
