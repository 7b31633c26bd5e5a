"""Whose a run directory is."""

import errno
import fcntl
import os
import threading

import pytest
from helpers import Recorder, tiny_run

from gancli.artifacts import run as runs
from gancli.artifacts.finding import open_model
from gancli.artifacts.run import Run, need_run, planned, reserved
from gancli.errors import GancliError, UsageError
from gancli.training.session import resume

CODES = [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF, errno.EINVAL]


def lockless(monkeypatch, code):
    def flock(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.parametrize("code", CODES)
def test_without_locks_there_is_a_warning(monkeypatch, tmp_path, code):
    lockless(monkeypatch, code)
    (tmp_path / ".model.abcdefgh.tmp").mkdir()
    heard = Recorder()
    Run(tmp_path, heard).close()
    assert heard.warnings == [
        f"The file system of {tmp_path} has no locks ({os.strerror(code)}): let no second process "
        "train there."
    ]
    # It may be another process's, at work.
    assert (tmp_path / ".model.abcdefgh.tmp").exists()


def test_without_locks_and_syncing_a_run_trains_and_goes_on(monkeypatch, pictures, tmp_path):
    lockless(monkeypatch, errno.ENOSYS)

    def fsync(_):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fsync)
    model = tiny_run(pictures, tmp_path / "run", steps=2)
    weights = (model / "model.safetensors").read_bytes()
    heard = Recorder()
    assert resume(tmp_path / "run", None, heard, modality_name="image") == model
    assert (model / "model.safetensors").read_bytes() == weights
    assert any("has no locks" in warning for warning in heard.warnings)


def test_a_second_process_is_refused(tmp_path):
    first = Run(tmp_path, Recorder())
    with pytest.raises(GancliError, match="Another process is training in"):
        Run(tmp_path, Recorder())
    first.close()
    Run(tmp_path, Recorder()).close()


def test_the_next_owner_removes_what_killed_writes_left(tmp_path):
    left = [
        ".model.abcdefgh.tmp", ".model.abcdefgh.old", "samples/.step-1.png.4711.tmp",
        "checkpoints/.step-000000001.abcdefgh.old", "checkpoints/.step-000000002.abcdefgh.tmp",
    ]
    kept = ["model", "checkpoints/step-000000001", "samples/mine"]
    for name in left + kept:
        (tmp_path / name).mkdir(parents=True)
    heard = Recorder()
    Run(tmp_path, heard).close()
    assert [name for name in left if (tmp_path / name).exists()] == []
    assert [name for name in kept if (tmp_path / name).exists()] == kept
    assert heard.warnings == []


def test_the_next_free_directory_is_reserved(tmp_path):
    (tmp_path / "data-1").symlink_to(tmp_path / "gone")
    with reserved("data", tmp_path) as second, reserved("data", tmp_path) as third:
        assert (second.name, third.name) == ("data-2", "data-3")
        assert planned("data", tmp_path).name == "data-4"
        (third / "config.toml").touch()
    # Only what a training wrote to is left.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data-1", "data-3"]
    with pytest.raises(UsageError), reserved("data", tmp_path / "runs"):
        raise UsageError("There are no pictures.")
    assert not (tmp_path / "runs").exists()


def test_processes_that_plan_the_same_directory_get_one_each(tmp_path, monkeypatch):
    count = 5
    barrier, real, chosen, local = threading.Barrier(count), planned, [], threading.local()

    def together(name, parent):
        path = real(name, parent)
        if not hasattr(local, "planned"):  # all plan the same directory first
            local.planned = barrier.wait(60)
        return path

    monkeypatch.setattr(runs, "planned", together)

    def train():
        with reserved("data", tmp_path) as path:
            chosen.append(path.name)
            (path / "config.toml").touch()

    threads = [threading.Thread(target=train) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(chosen) == [f"data-{number}" for number in range(1, count + 1)]


def test_what_cannot_be_reserved_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("no directory")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for name in ("file", "link", "file/runs"):
        with pytest.raises(GancliError, match=r"Cannot write .*data-1: "):
            with reserved("data", tmp_path / name):
                pytest.fail("nothing can be there")


def test_a_run_that_ended_while_this_one_prepared_is_not_lost(monkeypatch, tmp_path):
    path = tmp_path / "run"
    real = Run.check

    def check(where, force):
        result = real(where, force)
        path.mkdir(exist_ok=True)
        (path / runs.CONFIG).touch()  # by another process, right after this one has looked
        return result

    monkeypatch.setattr(Run, "check", check)
    with pytest.raises(UsageError, match="already holds a run"):
        Run.create(path, None, Recorder(), force=False)
    Run(path, Recorder()).close()  # the lock is free again


def test_a_folder_beside_it_is_suggested_for_a_misspelt_one(tmp_path):
    for name in ("first/config.toml", "model/config.json", "other/notes.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    with pytest.raises(UsageError) as refused:
        need_run(tmp_path / "frist")
    assert refused.value.hint == f"Did you mean {tmp_path / 'first'}?"
    with pytest.raises(UsageError) as refused:
        open_model(str(tmp_path / "modle"), None, pytest.fail)
    assert refused.value.hint == f"Did you mean {tmp_path / 'model'}?"
    with pytest.raises(UsageError) as refused:
        need_run(tmp_path / "other" / "frist")
    assert refused.value.hint == "Name a directory that train has made."
