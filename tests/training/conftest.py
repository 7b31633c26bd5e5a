"""An interrupted run, which tests may damage."""

import shutil

import pytest
from damaged_runs import NEWEST
from helpers import interrupted_at, tiny_run

from gancli.runtime.signals import Interrupted


@pytest.fixture(scope="session")
def interrupted(tmp_path_factory, pictures):
    """A run of 12 steps that was interrupted at 11, with checkpoints of 10 and 11."""
    run = tmp_path_factory.mktemp("interrupted") / "run"
    with pytest.raises(Interrupted):
        tiny_run(pictures, run, interrupted_at(NEWEST), save_every="1")
    return run


@pytest.fixture
def run(interrupted, tmp_path):
    return shutil.copytree(interrupted, tmp_path / "run")
