"""What can be told of the machine without torch."""

import os
import subprocess
import sys

import pytest

from gancli.runtime import processors
from gancli.runtime.processors import may_have_gpu, physical_cores


def test_two_threads_of_a_core_count_once(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3}, raising=False)
    siblings = {"cpu0": "0,2", "cpu2": "0,2", "cpu1": "1,3", "cpu3": "1,3"}
    monkeypatch.setattr(
        processors.Path, "read_text", lambda path: siblings[path.parent.parent.name]
    )
    assert physical_cores() == 2

    def none(_path):
        raise FileNotFoundError

    monkeypatch.setattr(processors.Path, "read_text", none)
    assert physical_cores() == 4


@pytest.mark.parametrize(
    ("system", "machine", "files", "expected"),
    [
        ("linux", "x86_64", (), False),
        ("linux", "x86_64", ("/dev/null", "/dev/nvidiactl"), True),
        ("linux", "x86_64", ("/dev/kfd",), True),
        ("linux", "x86_64", ("/dev/dxg",), True),
        ("darwin", "arm64", (), True),
        ("darwin", "x86_64", (), False),
    ],
)
def test_a_gpu_shows_by_its_driver(monkeypatch, system, machine, files, expected):
    monkeypatch.setattr(processors.sys, "platform", system)
    monkeypatch.setattr(processors.platform, "machine", lambda: machine)
    monkeypatch.setattr(processors.os.path, "exists", lambda path: path in files)
    assert may_have_gpu() == expected


@pytest.mark.parametrize(
    ("before", "limits", "expected"),
    [("", {}, "True 1"), ("import numpy;", {}, "False None"),
     ("", {"OPENBLAS_NUM_THREADS": "3"}, "False 3")],
)
def test_products_get_one_thread_unless_it_is_too_late_or_set_otherwise(before, limits, expected):
    code = (
        f"{before}import os; from gancli.runtime import blas; blas.keep_to_one_thread();"
        "print(blas.has_one_thread(), os.environ.get('OPENBLAS_NUM_THREADS'))"
    )
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_THREADS")}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**kept, **limits}
    )
    assert result.stdout.strip() == expected, result.stderr
