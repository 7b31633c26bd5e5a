"""A command line that runs in this process, with a zoo of nothing and stubs for the library."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gancli.cli import app


@dataclass
class Result:
    status: int
    out: str
    err: str


Call = Callable[..., Result]


@pytest.fixture
def call(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Call:
    """Run a command line in an empty directory, without what the environment sets."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GANCLI_")]:
        monkeypatch.delenv(name)

    def call(*args: str) -> Result:
        capfdbinary.readouterr()
        status = app.run(list(args))
        captured = capfdbinary.readouterr()
        return Result(status, captured.out.decode(), captured.err.decode())

    return call


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[bytes]"]:
    """Run a line of bash in which ``gancli`` is this checkout's."""

    def shell(line: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
        root = str(Path(__file__).parents[2])
        return subprocess.run(
            ["bash", "-c", f'gancli() {{ "{sys.executable}" -m gancli "$@"; }}\n{line}'],
            capture_output=True, cwd=tmp_path, timeout=600, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": root, **environment},
        )

    return shell
