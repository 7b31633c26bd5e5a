"""A tiny data set and the toy modality, for every test of training."""

import sys
from pathlib import Path

import pytest

import gancli.modalities

TOY = Path(__file__).parents[1] / "toy"


@pytest.fixture
def ring(monkeypatch):
    """The toy modality, found by gancli as its own are: by a folder on the path."""
    monkeypatch.setattr(gancli.modalities, "__path__", [*gancli.modalities.__path__, str(TOY)])
    monkeypatch.syspath_prepend(str(TOY))
    yield gancli.modalities.get("ring")
    for name in [name for name in sys.modules if name.split(".")[0] == "ring"]:
        del sys.modules[name]
    sys.modules.pop("gancli.modalities.ring", None)
