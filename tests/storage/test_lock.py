"""The lock of a folder: one process at a time, and those who only look disturb nobody."""

import fcntl

import pytest
from helpers import Recorder

from gancli.errors import GancliError
from gancli.storage import lock
from gancli.storage.lock import FolderLock, is_held


def test_a_look_at_that_moment_does_not_keep_a_process_out(tmp_path, monkeypatch):
    FolderLock(tmp_path, "training", Recorder()).close()
    look = open(tmp_path / ".lock", "rb")  # noqa: SIM115 - closed while another waits
    fcntl.flock(look, fcntl.LOCK_SH)  # as is_held has it for a moment
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: look.close())
    held = FolderLock(tmp_path, "training", Recorder())
    assert look.closed and held.exclusive and is_held(tmp_path)
    held.close()
    assert not is_held(tmp_path)


def test_a_process_that_stays_keeps_others_out(tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(lock.time, "sleep", waited.append)
    held = FolderLock(tmp_path, "training", Recorder())
    with pytest.raises(GancliError, match="Another process is training in") as refused:
        FolderLock(tmp_path, "training", Recorder())
    assert refused.value.hint == "Wait for it, stop it, or choose another directory with -o."
    assert sum(waited) == pytest.approx(0.1)
    held.close()
