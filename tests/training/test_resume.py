"""Killed at random moments and resumed, a run ends with the same weights, bit for bit."""

import hashlib
import json
import random
import signal
import time

import pytest
from forks import Gancli

STEPS = "160"
OPTIONS = [
    "--steps", STEPS, "--threads", "1", "--batch", "8", "--g-width", "4", "--d-width", "4",
    "--latent", "8", "--save-every", "5", "--augment", "all", "--seed", "3",
]


def finish(process):
    _, err = process.end()
    assert process.status == 0, err


def weights(run):
    """Return hashes of the last checkpoint's weights and moments and of the model's weights."""
    last = sorted((run / "checkpoints").iterdir())[-1]
    files = [*sorted(last.glob("*.safetensors")), run / "model" / "model.safetensors"]
    assert len(files) == 4
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def newest(run):
    """Return the step of the newest checkpoint, -1 without one."""
    return max((int(path.name[5:]) for path in (run / "checkpoints").glob("step-*")), default=-1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, pictures):
    run = tmp_path_factory.mktemp("whole") / "run"
    cache = str(run.parent / "cache")
    finish(Gancli("train", "image", str(pictures), "-o", str(run), *OPTIONS, GANCLI_CACHE=cache))
    return run


def test_killed_again_and_again(whole, tmp_path, pictures):
    run, moments = tmp_path / "run", random.Random(5)
    first = ["train", "image", str(pictures), "-o", str(run), *OPTIONS]
    again = ["train", "image", "--resume", str(run)]
    killed = []
    for _ in range(4):
        # So many steps on, counted rather than timed, and then at any moment: before, in and
        # after a save.
        wanted = newest(run) + moments.choice([0, 5, 10])
        process = Gancli(*(again if (run / "config.toml").exists() else first))
        while process.status is None and (
            not (run / "config.toml").exists() or newest(run) < wanted
        ):
            time.sleep(0.002)
        time.sleep(moments.uniform(0.0, 0.1))
        process.send(signal.SIGKILL)
        said = process.end()
        if process.status == 0:  # a fast machine was done before
            break
        assert process.status == -signal.SIGKILL, said
        killed.append(newest(run))
    assert len(killed) >= 2
    if not (run / "model").exists():
        finish(Gancli(*again))
    assert weights(run) == weights(whole)
    lines = (run / "metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == sorted(steps)


def test_interrupted_by_a_signal(whole, tmp_path, pictures):
    run = tmp_path / "run"
    process = Gancli("train", "image", str(pictures), "-o", str(run), *OPTIONS)
    while newest(run) < 5:  # that of step 5 may be gone before it is seen
        assert process.status is None, process.end()
        time.sleep(0.005)
    process.send(signal.SIGINT)
    _, err = process.end()
    assert process.status == 130
    assert f"--resume {run}" in err and "Traceback" not in err
    finish(Gancli("train", "image", "--resume", str(run)))
    assert weights(run) == weights(whole)


def test_two_runs_in_one_directory(whole, tmp_path, pictures):
    run = tmp_path / "run"
    # Steps enough that the first is still at it when the second has started.
    longer = ["100000" if word == STEPS else word for word in OPTIONS]
    process = Gancli("train", "image", str(pictures), "-o", str(run), *longer)
    while not (run / "checkpoints").exists():
        assert process.status is None, process.end()
        time.sleep(0.005)
    second = Gancli("train", "image", "--resume", str(run))
    _, err = second.end()
    process.send(signal.SIGKILL)
    process.end()
    assert second.status == 1 and "Another process" in err


def test_a_finished_run_is_not_replaced_without_force(whole, pictures):
    before = weights(whole)
    process = Gancli("train", "image", str(pictures), "-o", str(whole), *OPTIONS)
    _, err = process.end()
    assert process.status == 2 and "--force" in err
    assert weights(whole) == before
