"""Fixtures that several folders of tests use."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gancli.modalities

TOY = Path(__file__).parent / "toy"

pytest.register_assert_rewrite("helpers")


@pytest.fixture(autouse=True, scope="session")
def _two_threads():
    torch.set_num_threads(min(2, torch.get_num_threads()))


@pytest.fixture(autouse=True, scope="session")
def _no_wait_for_the_disk():
    """Take files as written once they are: what is lost with the power, no test here can see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="module")
def one_thread():
    """Begin each session with the same number of threads, as a process of its own would.

    The last bits of scores depend on it, and a training leaves its own number behind.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """Keep the person's cache out of the tests."""
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder of 40 pictures, 16x16 grey, in two classes: bright left and bright right."""
    root = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for index in range(40):
        side = ("left", "right")[index % 2]
        pixels = random.integers(0, 60, (16, 16), np.uint8)
        pixels[:, :8] += np.uint8(190 * (side == "left"))
        pixels[:, 8:] += np.uint8(190 * (side == "right"))
        (root / side).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(root / side / f"{index}.png")
    return root


@pytest.fixture
def ring(monkeypatch):
    """The toy modality, found by gancli as its own are: by a folder on the path."""
    monkeypatch.setattr(gancli.modalities, "__path__", [*gancli.modalities.__path__, str(TOY)])
    monkeypatch.syspath_prepend(str(TOY))
    yield gancli.modalities.get("ring")
    for name in [name for name in sys.modules if name.split(".")[0] == "ring"]:
        del sys.modules[name]
    sys.modules.pop("gancli.modalities.ring", None)
