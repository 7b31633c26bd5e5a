"""What cannot be trained leaves no directory behind, and an older run as it was."""

import shutil
import sys

import pytest
import torch
from helpers import Recorder, tiny_run

from gancli.artifacts import evaluation
from gancli.errors import GancliError
from gancli.evaluation import saving
from gancli.training.session import resume


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


def test_a_command_in_a_hint_can_be_pasted_whatever_the_run_is_called(pictures, tmp_path):
    run, data, heard = tmp_path / "a run", tmp_path / "data", Recorder()
    quoted = f"'{run}'"
    shutil.copytree(pictures, data)
    tiny_run(data, run, steps=1)

    def hint(action, *args, **options):
        with pytest.raises(GancliError) as refused:
            action(*args, **options)
        return refused.value.hint

    resume(run, None, heard, modality_name="image")
    assert f"gancli train image --resume {quoted} --time 10m" in heard.notes[-1]
    assert hint(tiny_run, data, run).startswith(f"Resume it with --resume {quoted}, replace")
    assert hint(resume, run, None, heard, modality_name="text") == (
        f"Use: gancli train image --resume {quoted}"
    )
    (run / "model" / "evaluation.json").write_text("{")
    assert hint(evaluation.read, run / "model") == (
        f"Measure again: gancli eval '{run}/model' --save"
    )
    shutil.rmtree(run / "checkpoints")
    assert hint(resume, run, None, heard, modality_name="image") == (
        f"Start a new run from it: gancli train image --from {quoted}"
    )
    shutil.rmtree(run / "model")
    shutil.rmtree(data)
    assert hint(resume, run, None, heard, modality_name="image") == (
        f"If it moved, use: gancli train image DATA --resume {quoted}"
    )
    shutil.copytree(pictures, data)
    tiny_run(data, run, steps=1, force=True)
    shutil.rmtree(run / "model")
    assert hint(saving.place, str(run)) == (
        f"Finish its training with --resume {quoted}, or leave --save out."
    )
