"""Runs to report on."""

from functools import partial

import pytest
from report_runs import write_run


@pytest.fixture
def make_run(tmp_path):
    """Return a function that writes a run of a modality and returns its directory."""
    return partial(write_run, tmp_path)
