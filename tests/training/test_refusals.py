"""What cannot be trained leaves no directory behind, and an older run as it was."""

import sys

import pytest
import torch
from helpers import tiny_run

from gancli.errors import GancliError


def contents(folder):
    return {path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "cuda"}, "There is no cuda device here."),
        ({"tensorboard": True}, "--tensorboard needs a package that is not installed."),
        ({"augment": "ada,color"}, "--augment cannot be 'ada'."),
        ({"threads": "many"}, "--threads cannot be 'many'."),
    ],
)
def test_a_refusal_leaves_nothing_behind(pictures, tmp_path, monkeypatch, options, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(GancliError) as refused:
        tiny_run(pictures, tmp_path / "runs" / "new", **options)
    assert refused.value.message == words
    assert list(tmp_path.iterdir()) == []
    old = tmp_path / "old"
    tiny_run(pictures, old, steps=1)
    before = contents(old)
    with pytest.raises(GancliError):
        tiny_run(pictures, old, force=True, **options)
    assert contents(old) == before
