"""Signals that end a command: what they leave behind, and what is said."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gancli.runtime import signals

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds
# What nohup and & make processes ignore, this test's too, is as in a terminal again.
START = (
    "import os, signal, sys\n"
    "for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n"
    "    signal.signal(number, signal.SIG_DFL)\n"
    "if sys.argv[1] == 'nohup':\n"
    "    signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'gancli', *sys.argv[2:]])\n"
)


@pytest.fixture
def start(tmp_path):
    """Return a function that starts gancli in an empty directory."""
    started = []

    def start(*words, nohup=False):
        started.append(subprocess.Popen(
            [sys.executable, "-c", START, "nohup" if nohup else "", *words], cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=PATIENCE)


def wait_for(process, there):
    """Wait until something is there, while a process runs."""
    end = time.monotonic() + PATIENCE
    while not there():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def ended(process, number):
    """Send a process a signal, and return its status and what it said last."""
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in said
    return process.returncode, said.splitlines()[-1]


@pytest.mark.parametrize(("number", "sentence"), [
    (signal.SIGINT, "Interrupted."), (signal.SIGTERM, "Terminated."),
    (signal.SIGHUP, "Terminated."),
])
def test_no_half_of_a_file_is_left(start, tmp_path, number, sentence):
    process = start("sample", "text", "-n", "10000000", "-o", "new.txt")
    wait_for(process, lambda: list(tmp_path.glob(".new.txt.*.tmp")))
    assert ended(process, number) == (128 + number, f"gancli: {sentence}")
    assert list(tmp_path.iterdir()) == []


def test_what_nohup_ignores_is_ignored(start, tmp_path):
    process = start("sample", "text", "-n", "10000000", "-o", "new.txt", nohup=True)
    wait_for(process, lambda: list(tmp_path.glob(".new.txt.*.tmp")))
    process.send_signal(signal.SIGHUP)
    assert ended(process, signal.SIGTERM)[0] == 143


def test_a_terminal_that_closes_ends_a_training_with_a_checkpoint(start, tmp_path, pictures):
    run = tmp_path / "run"
    process = start(
        "train", "image", str(pictures), "-o", "run", "--steps", "100000", "--batch", "8",
        "--g-width", "4", "--d-width", "4", "--threads", "1", "--device", "cpu",
        "--save-every", "5",
    )
    wait_for(process, lambda: any(run.glob("checkpoints/step-*[1-9]*")))  # that of 0 is no work
    process.send_signal(signal.SIGHUP)
    status, said = ended(process, signal.SIGHUP)  # of the shell, and of the terminal
    assert status == 129 and said.startswith("gancli: Stopped at step ")
    step = int(said.split()[4].rstrip(";").replace(",", ""))
    assert step > 0 and (run / "checkpoints" / f"step-{step:09}").is_dir()


def test_the_second_hang_up_is_not_a_second_signal(monkeypatch):
    finished = []
    monkeypatch.setattr(signals.os, "_exit", finished.append)
    with signals.Stop() as stop, stop.deferred():
        stop._handle(signal.SIGTERM, None)
        stop._handle(signal.SIGHUP, None)
        assert stop.signal == signal.SIGTERM and finished == []
        stop._handle(signal.SIGINT, None)
        assert finished == [130]
