"""Three hundred mutations of each file of a run: each is refused in a sentence, or harmless."""

import json
import random

import pytest
from damaged_runs import NEWEST, SECOND, folder_of, remove, seal
from helpers import Recorder

from gancli.artifacts.description import describe_run
from gancli.artifacts.finding import open_model
from gancli.artifacts.record import read_record
from gancli.artifacts.report import outcome, report_page
from gancli.artifacts.run import Run
from gancli.errors import GancliError
from gancli.reporting import Silent
from gancli.training.session import newest_checkpoint

MUTATIONS = 300  # of each file


def spoiled(data, rng):
    """Return bytes as a bad disk, an editor or a cut-off copy would leave them."""
    data, place = bytearray(data), rng.randrange(len(data))
    kind = rng.randrange(6)
    if kind == 0:
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        del data[place : place + rng.randrange(1, 40)]
    elif kind == 3:
        data[place:place] = rng.randbytes(rng.randrange(1, 40))
    elif kind == 4:
        data[place : place + 64] = bytes(len(data[place : place + 64]))
    else:
        other = rng.randrange(len(data))
        data[place:place] = data[other : other + 100]
    return bytes(data)


VALUES = [None, True, -1, 0, 99, 2**63, 1e308, float("inf"), float("nan"), "", "x", "../x", [], {},
          [[]], {"a": 1}, [1, "b", None]]


def rewritten(table, rng):
    """Return a table with one value changed, removed or added, at any depth."""
    table = json.loads(json.dumps(table))
    here = table
    while True:
        name = rng.choice([*here, "new"])
        if isinstance(here.get(name), dict) and here[name] and rng.random() < 0.8:
            here = here[name]
            continue
        if rng.random() < 0.2:
            here.pop(name, None)
        else:
            here[name] = rng.choice(VALUES)
        return table


def resumed(path):
    """Do what resuming does before it looks at the data."""
    run = Run(path, Recorder())
    try:
        newest_checkpoint(run, read_record(path), Silent())
    finally:
        run.close()


def reported(path):
    report_page(path, *outcome(path))


def sampled(path):
    open_model(str(path), None, pytest.fail)


SUMMED = ["state.json", "networks.safetensors", "ema.safetensors", "optimizers.safetensors"]


@pytest.mark.parametrize(
    ("name", "sealed"),
    [*((name, False) for name in ("config.toml", "metrics.jsonl", "manifest.json", *SUMMED)),
     *((name, True) for name in SUMMED)],
)
def test_300_mutations_of_each_file_are_refused_in_a_sentence_or_harmless(run, name, sealed):
    for step in (0, SECOND):
        remove(run, step)
    path = run / name if (run / name).exists() else folder_of(run, NEWEST) / name
    whole, rng = path.read_bytes(), random.Random(name)
    manifest = (folder_of(run, NEWEST) / "manifest.json").read_bytes()
    uses = (describe_run, reported) if name == "metrics.jsonl" else (resumed, sampled)
    uses += (describe_run,) if name == "config.toml" else ()
    refusals = 0
    for number in range(MUTATIONS):
        if name.endswith(".json") and number % 2:
            path.write_text(json.dumps(rewritten(json.loads(whole), rng)))
        else:
            path.write_bytes(spoiled(whole, rng))
        if sealed:
            seal(path.parent)
        try:
            rng.choice(uses)(run)
        except GancliError as error:
            refusals += 1
            assert error.hint and "\n" not in error.message.strip(), error.message
        if sealed:
            (path.parent / "manifest.json").write_bytes(manifest)
    assert refusals > 0 or name == "metrics.jsonl"
