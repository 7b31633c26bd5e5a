"""Checkpoints: exact, whole or named as damaged, and never at the cost of older ones."""

import json
import os

import pytest
import torch

from gancli.errors import GancliError
from gancli.storage import checkpoints
from gancli.storage.checkpoints import Checkpoint


def make(step):
    values = torch.arange(6, dtype=torch.float32).reshape(2, 3) + step
    return Checkpoint(step, {"networks": {"a.b": values}}, {"progress": {"step": step}})


def test_round_trip(tmp_path):
    checkpoints.save(tmp_path, make(7), keep=set())
    found = checkpoints.load(tmp_path, 7)
    assert torch.equal(found.tensors["networks"]["a.b"], make(7).tensors["networks"]["a.b"])
    assert found.state == {"progress": {"step": 7}} and found.step == 7


def test_keeps_the_newest_two_and_the_best(tmp_path):
    for step in (0, 1, 2, 3, 4):
        checkpoints.save(tmp_path, make(step), keep={1})
    assert checkpoints.steps(tmp_path) == [1, 3, 4]


@pytest.mark.parametrize("name", ["networks.safetensors", "state.json", "manifest.json"])
def test_a_flipped_byte_is_named_and_the_one_before_is_used(tmp_path, name):
    for step in (1, 2):
        checkpoints.save(tmp_path, make(step), keep=set())
    path = tmp_path / "step-000000002" / name
    data = bytearray(path.read_bytes())
    data[-3] ^= 0x40
    path.write_bytes(data)
    heard = []
    assert checkpoints.newest(tmp_path, heard.append).step == 1
    assert len(heard) == 1 and "step-000000002" in heard[0] and "damaged" in heard[0]


def test_a_missing_file_and_no_checkpoint_at_all(tmp_path):
    assert checkpoints.newest(tmp_path / "none", pytest.fail) is None
    checkpoints.save(tmp_path, make(1), keep=set())
    (tmp_path / "step-000000001" / "networks.safetensors").unlink()
    heard = []
    assert checkpoints.newest(tmp_path, heard.append) is None and heard


def test_a_manifest_cannot_name_files_elsewhere(tmp_path):
    checkpoints.save(tmp_path, make(1), keep=set())
    manifest = tmp_path / "step-000000001" / "manifest.json"
    table = json.loads(manifest.read_text())
    table["sha256"]["../../secret"] = "0"
    manifest.write_text(json.dumps(table))
    with pytest.raises(GancliError, match="damaged"):
        checkpoints.load(tmp_path, 1)


def test_a_newer_version_says_so(tmp_path):
    checkpoints.save(tmp_path, make(1), keep=set())
    manifest = tmp_path / "step-000000001" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 99'))
    with pytest.raises(GancliError, match="newer"):
        checkpoints.load(tmp_path, 1)


def test_a_full_disk_leaves_the_old_one_and_no_litter(tmp_path, monkeypatch):
    checkpoints.save(tmp_path, make(1), keep=set())
    real, written = os.fsync, []

    def full(handle):
        written.append(handle)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GancliError, match="No space left"):
        checkpoints.save(tmp_path, make(2), keep=set())
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001"]
    assert checkpoints.load(tmp_path, 1).step == 1


def test_what_a_killed_writer_left_is_removed(tmp_path):
    (tmp_path / ".step-000000001.x.tmp").mkdir()
    checkpoints.save(tmp_path, make(2), keep=set())
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000002"]
