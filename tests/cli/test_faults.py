"""Faults of the shell's side, and what they become."""

import io
import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gancli.cli import app, faults
from gancli.cli.commands import doctor, models
from gancli.errors import GancliError


def test_closed_pipe_ends_quietly(shell):
    done = shell("gancli train image -h | head -1; echo ${PIPESTATUS[0]}")
    assert done.stdout.startswith(b"Usage: gancli train image")
    assert done.stdout.endswith(b"\n0\n")
    assert done.stderr == b""
    # A reader that is gone before the first byte.
    done = shell("gancli doctor --json | true; echo ${PIPESTATUS[0]}")
    assert (done.stdout, done.stderr) == (b"0\n", b"")


@pytest.mark.parametrize("command", ["--version", "train image -h", "models --json"])
def test_full_device(shell, command):
    done = shell(f"gancli {command} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"No space left" in done.stderr


def test_closed_stdout(shell):
    done = shell("gancli --version >&-")
    assert done.returncode == 1
    assert done.stderr.startswith(b"gancli: Standard output is closed.")


def test_binary_is_kept_from_a_terminal(tmp_path):
    terminal, end = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-m", "gancli", "sample", "image", "none", "--seed", "1"],
        stdin=subprocess.DEVNULL, stdout=end, stderr=subprocess.PIPE, cwd=tmp_path,
        env=environment, timeout=600,
    )
    os.close(end)
    os.close(terminal)
    assert done.returncode == 2
    assert b"terminal" in done.stderr
    assert b"-o FILE" in done.stderr


def test_no_escape_bytes_in_a_pipe(shell):
    done = shell("gancli train image -h; gancli nope; gancli models", TERM="xterm-256color")
    assert b"\x1b" not in done.stdout + done.stderr


@pytest.fixture
def failing(call, monkeypatch):
    """Make ``gancli models`` raise."""

    def fail(error: BaseException, *args: str):
        def raise_it(kind: str) -> None:
            raise error

        monkeypatch.setattr(models.bundled, "names", raise_it)
        return call("models", *args)

    return fail


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (GancliError("It broke.", "Mend it."), 1, "gancli: It broke. Mend it.\n"),
        (GancliError("It diverged.", exit_code=3), 3, "gancli: It diverged.\n"),
        (KeyboardInterrupt(), 130, "gancli: Interrupted.\n"),
        (KeyboardInterrupt(15), 143, "gancli: Terminated.\n"),
        (MemoryError(), 1, "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you"), 1, "not enough memory"),
        (OSError(28, "No space left on device", "some\nfile"), 1, "some\\nfile: No space left"),
        (PermissionError(13, "Permission denied", "x"), 1, "Cannot use x: Permission denied."),
        (ValueError("boom"), 1, "Internal error: ValueError: boom (Run it again with -v"),
        (RuntimeError("Could not determine home directory."), 1, "home directory. Set HOME to"),
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
    ],
)
def test_exceptions_become_a_line(failing, error, status, words):
    result = failing(error)
    assert (result.status, result.out) == (status, "")
    assert words in result.err
    assert result.err.count("\n") == (1 if words else 0)


def test_traceback_only_when_asked_for(failing, monkeypatch):
    assert "Traceback" not in failing(ValueError("boom")).err
    assert "Traceback" in failing(ValueError("boom"), "-v").err
    monkeypatch.setenv("GANCLI_VERBOSE", "1")
    assert "Traceback" in failing(ValueError("boom")).err
    monkeypatch.setenv("GANCLI_VERBOSE", "off")
    assert "Traceback" not in failing(ValueError("boom")).err


def test_errors_as_json(failing):
    result = failing(GancliError("It broke.", "Mend it.", 3), "--json", "-v")
    assert json.loads(result.err) == {"error": "It broke.", "hint": "Mend it.", "code": 3}
    assert result.status == 3


def test_every_explanation_is_an_error():
    for error in (OSError("odd"), OSError(5, "x"), RuntimeError(""), UnicodeDecodeError(
        "utf-8", b"\xff", 0, 1, "bad"
    )):
        assert faults.explain(error).message


def test_main_leaves_the_waiting_of_threads_to_their_library(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["gancli", "--version"])
    monkeypatch.setattr(app, "end_as_interrupts_do", lambda: None)  # they outlive the test
    before = dict(os.environ)
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 0
    assert dict(os.environ) == before  # passive waiting made two threads as slow as one


def test_interrupted_doctor(call, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "speak", interrupted)
    assert call("doctor").status == 130


@pytest.mark.parametrize("typed", [
    ("train", "image", "-", "-o", "a b"), ("compare", "audio", "-", "--vary", "g-cell=lstm,gru"),
    ("eval", "emoji", "-"), ("eval", "--samples", "-", "--data", "names"),
])
def test_what_a_terminal_should_have_been_piped_into(call, monkeypatch, typed):
    stdin = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(stdin.buffer, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", stdin)
    result = call(*typed)
    assert result.status == 2
    assert f"Pipe it in: cat FILE | {shlex.join(['gancli', *typed])}\n" in result.err
