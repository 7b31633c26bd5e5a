"""Checkpoints: exact, whole or named as damaged, and never at the cost of older ones."""

import json
import os
import shutil

import numpy as np
import pytest

from gancli.errors import GancliError
from gancli.storage import checkpoints
from gancli.storage.checkpoints import Checkpoint, Damaged


def checkpoint_at(step):
    values = np.arange(6, dtype=np.float32).reshape(2, 3) + step
    return Checkpoint(step, {"networks": {"a.b": values}}, {"progress": {"step": step}})


def edit_json(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_round_trip(tmp_path):
    checkpoints.save(tmp_path, checkpoint_at(7), keep=set())
    found = checkpoints.load(tmp_path, 7)
    expected = checkpoint_at(7).arrays["networks"]["a.b"]
    assert np.array_equal(found.arrays["networks"]["a.b"], expected)
    assert found.state == {"progress": {"step": 7}} and found.step == 7


def test_keeps_the_newest_two_and_the_best(tmp_path):
    for step in (0, 1, 2, 3, 4):
        checkpoints.save(tmp_path, checkpoint_at(step), keep={1})
    assert checkpoints.steps(tmp_path) == [1, 3, 4]


@pytest.mark.parametrize("name", ["networks.safetensors", "state.json", "manifest.json"])
def test_a_flipped_byte_is_named_and_the_one_before_is_used(tmp_path, name):
    for step in (1, 2):
        checkpoints.save(tmp_path, checkpoint_at(step), keep=set())
    path = tmp_path / "step-000000002" / name
    data = bytearray(path.read_bytes())
    data[-3] ^= 0x40
    path.write_bytes(data)
    warnings = []
    assert checkpoints.newest(tmp_path, warnings.append).step == 1
    assert len(warnings) == 1 and "step-000000002" in warnings[0] and "damaged" in warnings[0]
    assert warnings[0].endswith("That of step 1 is used instead.")


def test_no_checkpoint_yet_is_not_the_same_as_none_that_is_intact(tmp_path):
    assert checkpoints.newest(tmp_path / "none", pytest.fail) is None
    checkpoints.save(tmp_path, checkpoint_at(1), keep=set())
    (tmp_path / "step-000000001" / "networks.safetensors").unlink()
    with pytest.raises(Damaged, match="networks.safetensors is missing") as refused:
        checkpoints.newest(tmp_path, pytest.fail)
    assert refused.value.hint


def test_a_checkpoint_that_makes_no_sense_is_passed_over(tmp_path):
    for step in (1, 2):
        checkpoints.save(tmp_path, checkpoint_at(step), keep=set())

    def check(checkpoint):
        if checkpoint.step == 2:
            raise Damaged("of step 2", "its phase is 99")

    warnings = []
    assert checkpoints.newest(tmp_path, warnings.append, check).step == 1
    assert warnings == [
        "Checkpoint of step 2 is damaged: its phase is 99. That of step 1 is used instead."
    ]


def test_one_that_a_training_replaces_meanwhile_is_looked_for_again(tmp_path, monkeypatch):
    checkpoints.save(tmp_path, checkpoint_at(1), keep=set())
    load = checkpoints.load

    def beaten(root, step):
        if step == 1:  # a training saves twice, and removes it
            shutil.rmtree(tmp_path / "step-000000001")
            checkpoints.save(tmp_path, checkpoint_at(3), keep=set())
        return load(root, step)

    monkeypatch.setattr(checkpoints, "load", beaten)
    assert checkpoints.newest(tmp_path, pytest.fail).step == 3


def test_a_newer_version_is_not_passed_over(tmp_path):
    for step in (1, 2):
        checkpoints.save(tmp_path, checkpoint_at(step), keep=set())
    edit_json(tmp_path / "step-000000002" / "manifest.json", version=99)
    with pytest.raises(GancliError, match="newer"):
        checkpoints.newest(tmp_path, pytest.fail)


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path):
    checkpoints.save(tmp_path, checkpoint_at(1), keep=set())
    (tmp_path / "step-000000001" / "state.json").unlink()
    os.mkfifo(tmp_path / "step-000000001" / "state.json")
    with pytest.raises(Damaged, match="state.json is missing"):
        checkpoints.load(tmp_path, 1)


def test_saving_removes_what_training_turned_back_from(tmp_path):
    for step in (4, 8, 9):
        checkpoints.save(tmp_path, checkpoint_at(step), keep={4})
    checkpoints.save(tmp_path, checkpoint_at(4), keep={4})  # rolled back to the best
    assert checkpoints.steps(tmp_path) == [4]


def test_a_manifest_cannot_name_files_elsewhere(tmp_path):
    checkpoints.save(tmp_path, checkpoint_at(1), keep=set())
    manifest = tmp_path / "step-000000001" / "manifest.json"
    table = json.loads(manifest.read_text())
    table["sha256"]["../../secret"] = "0"
    manifest.write_text(json.dumps(table))
    with pytest.raises(GancliError, match="damaged"):
        checkpoints.load(tmp_path, 1)


def test_a_newer_version_says_so(tmp_path):
    checkpoints.save(tmp_path, checkpoint_at(1), keep=set())
    edit_json(tmp_path / "step-000000001" / "manifest.json", version=99)
    with pytest.raises(GancliError, match="newer"):
        checkpoints.load(tmp_path, 1)


def test_a_full_disk_leaves_the_old_one_and_no_litter(tmp_path, monkeypatch):
    checkpoints.save(tmp_path, checkpoint_at(1), keep=set())
    real, written = os.fsync, []

    def full(handle):
        written.append(handle)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GancliError, match="No space left"):
        checkpoints.save(tmp_path, checkpoint_at(2), keep=set())
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001"]
    assert checkpoints.load(tmp_path, 1).step == 1


def test_what_version_1_called_otherwise_is_found_under_its_present_name(tmp_path):
    quality = {"best": 2.5, "best_step": 1, "worse": 1, "narrow": 2, "least_loss": 3.0}
    old = Checkpoint(
        1, {"averaged": checkpoint_at(1).arrays["networks"], "optimisers": {}},
        {"progress": {"step": 1, "scale": 0.5, "quality": quality}},
    )
    checkpoints.save(tmp_path, old, keep=set())
    edit_json(tmp_path / "step-000000001" / "manifest.json", version=1)
    found = checkpoints.load(tmp_path, 1)
    assert set(found.arrays) == {"ema", "optimizers"}
    assert found.state["progress"]["lr_scale"] == 0.5
    assert found.state["progress"]["quality"] == {
        "best_score": 2.5, "best_step": 1, "divergence_count": 1, "collapse_count": 2,
        "min_loss": 3.0,
    }
