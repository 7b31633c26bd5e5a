"""A training on several processes is the same run as on one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gancli.artifacts.run import Run, begun
from gancli.cli.app import run
from gancli.errors import UsageError
from gancli.reporting import SILENT
from gancli.runtime import signals, threads
from gancli.runtime.launch import Launch, launch

HERE = Path(__file__).parent
SAME = 1e-9  # in double precision
SAME_LOSS = 1e-5  # losses go from process to process in single precision


@pytest.fixture(scope="module")
def runs(tmp_path_factory, pictures):
    """What rank_runs.py has seen."""
    if sys.platform == "darwin":
        pytest.skip("a process that has torch cannot be forked there")
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "pictures").symlink_to(pictures)
    words = ("one", "three", "five", "seven", "nine", "eleven")
    lines = (f"{words[k % 6]} {words[k // 6 % 6]} {k}" for k in range(200))
    (folder / "lines.txt").write_text("".join(f"{line}\n" for line in lines))
    paths = [str(each) for each in (HERE.parent.parent, HERE.parent, HERE)]
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(paths), "GANCLI_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    script = [sys.executable, str(HERE / "rank_runs.py"), str(folder)]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads((folder / "runs.json").read_text())


def test_every_phase_loss_penalty_and_layer_computes_what_one_process_does(runs):
    table, _ = runs["cases"]
    assert len(table) == 13
    for case, of_worlds in table.items():
        assert list(of_worlds) == ["2", "3"], case
        for weights, losses, among_ranks in of_worlds.values():
            assert weights < SAME and losses < SAME_LOSS and among_ranks == 0, case


def test_a_gradient_that_is_not_finite_on_one_process_stops_the_update_of_all(runs):
    assert runs["cases"][1] == {"2": True, "3": True}


def test_a_run_goes_on_with_other_numbers_of_processes(runs):
    for statuses, apart in runs["resumed"].values():
        assert statuses == [0] * 5 and apart < SAME


def test_all_roll_back_together(runs):
    outcome, apart = runs["rolled_back"]
    leader, other = outcome["heard"]
    assert outcome["statuses"] == [0, 0] and apart < SAME
    assert other["steps"] == [*range(6), *range(12)]  # the sixth had no gradient
    assert len([text for text in leader["warnings"] if "Rolled back to step 0" in text]) == 1


def test_a_signal_to_any_process_saves_and_ends_all(runs):
    outcome, step = runs["signalled"]
    assert outcome["statuses"] == [143] * 3
    leader, *others = outcome["heard"]
    assert step in (6, 7)  # the order of the sixth step was given before the signal came
    assert all(other["steps"] == list(range(step)) and not other["said"] for other in others)
    ((message, hint),) = leader["said"]
    assert message.startswith(f"Stopped at step {step}; its checkpoint is in ")
    assert hint.startswith("Resume it with: gancli train image --resume ")


def test_a_process_that_dies_ends_all_with_a_sentence_and_a_checkpoint(runs):
    outcome, step = runs["died"]
    assert outcome["statuses"] == [1, 1, -9] and step == 4
    ((message, hint),) = outcome["heard"][0]["said"]
    assert message == "Another process of this training ended, so it cannot continue."
    assert hint.startswith("Resume it with: gancli train image --resume ")
    assert hint.endswith("on any number of processes.")


def test_the_clock_of_one_process_ends_all_at_the_same_step(runs):
    outcome, step = runs["by_the_clock"]
    assert outcome["statuses"] == [0, 0] and outcome["heard"][1]["steps"] == list(range(step))


def test_each_process_needs_an_item_of_a_batch(runs):
    outcome, made = runs["too_many"]
    assert outcome["statuses"] == [2, 2, 2] and not made
    ((message, hint),) = outcome["heard"][0]["said"]
    assert message == "A batch of 2 items cannot be shared by 3 processes."
    assert hint == "Start at most 2 processes, or train with a larger --batch."


def test_what_each_process_gets_is_said_once(runs):
    leader, other = runs["by_the_clock"][0]["heard"]
    told = [text for text in leader["notes"] if "processes" in text]
    assert told == [
        "2 processes: each computes 3 or 4 of the 7 items of a batch, in 1 thread (--threads sets "
        "it)."
    ]
    assert other["notes"] == other["warnings"] == other["said"] == []


TORCHRUN = {
    "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
}


def test_a_launch_is_what_torchrun_says():
    assert launch({}) == launch({**TORCHRUN, "WORLD_SIZE": "1"}) == Launch()
    assert launch({"WORLD_SIZE": "4"}) == Launch()
    named = {**TORCHRUN, "TORCHELASTIC_RUN_ID": "job 7", "TORCHELASTIC_RESTART_COUNT": "2"}
    assert launch(named) == Launch(3, 4, 1, 2, 2, "job 7")
    unnamed = launch({**TORCHRUN, "TORCHELASTIC_RUN_ID": "none"})
    assert str(os.getppid()) in unnamed.name and unnamed.restarts == 0


def test_processes_of_a_machine_share_its_cores(monkeypatch):
    assert threads.fixed("auto") is None
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(threads, "physical_cores", lambda: 7)
    assert threads.fixed("auto") == 3 and threads.fixed("5") == 5
    monkeypatch.setattr(threads, "physical_cores", lambda: 1)
    assert threads.fixed("auto") == 1


def test_compare_is_refused_and_only_rank_0_says_so(monkeypatch, capsys):
    for rank in (0, 3):
        for name, value in {**TORCHRUN, "RANK": str(rank)}.items():
            monkeypatch.setenv(name, value)
        assert run(["compare", "image", "--vary", "g-norm=batch,none"]) == 2
        said = capsys.readouterr().err
        assert ("compare trains its cells in one process." in said) == (rank == 0)


class Record:
    def table(self):
        return {}


def test_a_launch_that_is_started_again_finds_the_run_that_it_began(monkeypatch, tmp_path):
    again = Launch(0, 2, 0, 2, 1, "job 7")
    Run.create(tmp_path / "alone", Record(), SILENT, force=False).close()
    for name, value in {**TORCHRUN, "TORCHELASTIC_RUN_ID": "job 7"}.items():
        monkeypatch.setenv(name, value)
    Run.create(tmp_path / "run", Record(), SILENT, force=False).close()
    assert begun(again, None, tmp_path) == begun(again, tmp_path / "run") == tmp_path / "run"
    assert begun(again, tmp_path / "alone") is None and begun(again, tmp_path / "none") is None
    assert begun(Launch(0, 2, 0, 2, 1, "job 8"), None, tmp_path) is None
    # The first time, a run that is in the way stays in the way.
    assert begun(Launch(0, 2, 0, 2, 0, "job 7"), tmp_path / "run") is None
    with pytest.raises(UsageError, match="already holds a run"):
        Run.check(tmp_path / "run", force=False)


@pytest.mark.parametrize(
    ("world", "later", "ends"), [(1, 0.1, True), (2, 0.1, False), (2, 9, True)]
)
def test_what_torchrun_passes_on_is_not_a_second_signal(monkeypatch, world, later, ends):
    now, ended = [100.0], []
    monkeypatch.setattr(signals.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(signals.os, "_exit", ended.append)
    monkeypatch.setattr(signals, "launch", lambda: Launch(world=world))
    with signals.Stop() as stop, stop.deferred():
        stop._handle(2, None)
        now[0] += later
        stop._handle(15, None)
        assert ended == ([143] if ends else [])
