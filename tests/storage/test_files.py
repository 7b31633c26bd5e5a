"""Atomic writes, on file systems that lack something, and what killed ones leave."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from gancli.errors import GancliError
from gancli.storage import files
from gancli.storage.files import remove_leftovers, replacing, sync, write_file, write_folder

KINDS = {"file": stat.S_ISREG, "folder": stat.S_ISDIR}


def failing_sync(monkeypatch, kind, code):
    """Let syncing files or folders fail; return the list of those failures."""
    real, failures = os.fsync, []

    def fsync(handle):
        if KINDS[kind](os.fstat(handle).st_mode):
            failures.append(code)
            raise OSError(code, os.strerror(code))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return failures


def write_both(folder):
    write_file(folder / "x.png", b"picture")
    write_folder(folder / "model", {"a": b"1", "b": b"2"})


def written(folder):
    """Return the contents of all files below a folder, by name."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


BOTH = {"x.png": b"picture", "model/a": b"1", "model/b": b"2"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", [
    errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EBADF, errno.EROFS
])
def test_what_cannot_be_synced_is_written_all_the_same(monkeypatch, tmp_path, kind, code):
    failures = failing_sync(monkeypatch, kind, code)
    for _ in range(2):  # new, and in place of the old
        write_both(tmp_path)
        assert written(tmp_path) == BOTH
    assert failures


def test_a_folder_that_cannot_be_opened_is_not_synced(monkeypatch, tmp_path):
    real = os.open

    def open_(path, flags, *more, **options):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *more, **options)

    monkeypatch.setattr(files.os, "open", open_)
    write_file(tmp_path / "x.png", b"picture")
    monkeypatch.undo()
    assert written(tmp_path) == {"x.png": b"picture"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_data_that_is_lost_is_not_passed_over(monkeypatch, tmp_path, kind, code):
    failing_sync(monkeypatch, kind, code)
    with pytest.raises(GancliError, match=os.strerror(code)):
        write_file(tmp_path / "x.png", b"picture")


def test_without_modes(monkeypatch, tmp_path):
    def chmod(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", chmod)
    write_both(tmp_path)
    assert written(tmp_path) == BOTH


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EEXIST, errno.EXDEV])
def test_a_file_that_cannot_be_replaced_is_written_over(monkeypatch, tmp_path, code):
    (tmp_path / "x.png").write_bytes(b"an older and longer one")

    def replace(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", replace)
    write_file(tmp_path / "x.png", b"picture")
    assert written(tmp_path) == {"x.png": b"picture"}


def test_a_folder_of_a_lower_layer_is_replaced(monkeypatch, tmp_path):
    """overlayfs, of which containers are made, refuses to rename what an image holds."""
    write_folder(tmp_path / "model", {"old": b"0"})
    real = os.rename

    def rename(source, target):
        if (Path(source) / "old").exists():
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    write_folder(tmp_path / "model", {"a": b"1"})
    assert written(tmp_path) == {"model/a": b"1"}


def test_a_link_stays_one(tmp_path):
    (tmp_path / "pictures").mkdir()
    link = tmp_path / "latest.png"
    link.symlink_to(tmp_path / "pictures" / "x.png")
    for content in (b"first", b"second"):
        write_file(link, content)
        assert link.is_symlink()
        assert (tmp_path / "pictures" / "x.png").read_bytes() == content


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_file(pipe, b"picture")
    reader.join(10)
    assert read == [b"picture"]
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"] and pipe.is_fifo()


def test_an_exception_leaves_the_old_file_and_no_other(tmp_path):
    write_file(tmp_path / "x.png", b"old")
    with pytest.raises(ValueError), replacing(tmp_path / "x.png") as file:
        file.write(b"half of a")
        raise ValueError
    assert written(tmp_path) == {"x.png": b"old"}


def test_sync_flushes(tmp_path):
    with open(tmp_path / "x", "w") as file:
        file.write("text")
        sync(file)
        assert (tmp_path / "x").read_text() == "text"


def test_leftovers_of_killed_writes_are_removed(tmp_path):
    for name in (".model.ab3_xy9z.tmp", ".model.ab3_xy9z.old", ".step-000000001.abcdefgh.old"):
        write_folder(tmp_path / name, {"a": b"half"})
    write_file(tmp_path / ".report.html.4711.tmp", b"half")
    mine = (".notes.tmp", ".lock", "a.12.tmp", ".cache.tar.old", ".git.4711")
    for name in mine:
        write_file(tmp_path / name, b"mine")
    for name in ("model", "step-000000001"):
        write_folder(tmp_path / name, {"a": b"whole"})
    remove_leftovers(tmp_path)
    whole = {f"{name}/a": b"whole" for name in ("model", "step-000000001")}
    assert written(tmp_path) == {**dict.fromkeys(mine, b"mine"), **whole}
    remove_leftovers(tmp_path / "none")


def test_what_a_killed_write_had_set_aside_is_put_back(tmp_path, monkeypatch):
    """It fell between its two renamings."""
    write_folder(tmp_path / "model", {"a": b"old"})

    class Killed(BaseException):
        pass

    def fall(*_, **__):
        raise Killed

    real = os.rename
    monkeypatch.setattr(os, "rename", lambda old, new: real(old, new) if str(
        new).endswith(".old") else fall())
    monkeypatch.setattr(files.shutil, "rmtree", fall)
    with pytest.raises(Killed):
        write_folder(tmp_path / "model", {"a": b"new"})
    monkeypatch.undo()
    assert not (tmp_path / "model").exists()
    remove_leftovers(tmp_path)
    assert written(tmp_path) == {"model/a": b"old"}
    remove_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
