"""Places for results, looked at before there are any."""

import os
from pathlib import Path

import pytest

from gancli.errors import GancliError, UsageError
from gancli.storage.files import write_file
from gancli.storage.outputs import (
    check_file,
    check_suffix,
    check_writable,
    refuse_to_replace,
)


def test_a_look_leaves_nothing_behind(tmp_path):
    (tmp_path / "old").write_text("mine")
    for name in ("new", "old", "", "a/b/c"):
        check_writable(tmp_path / name)
    check_file(tmp_path / "old", force=True)
    check_writable(Path("/dev/null"))  # beside which nothing need be written
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_what_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "old").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "old")
    for name in ("old/new", "link/a/b"):
        with pytest.raises(GancliError, match=f"Cannot write .*{name}: Not a directory"):
            check_writable(tmp_path / name)
    for force, name in ((False, "old"), (False, "link"), (True, ""), (False, "")):
        with pytest.raises(UsageError):
            check_file(tmp_path / name, force)


@pytest.mark.parametrize(("name", "other"), [
    ("a.txt", "a.html"), ("b", "b.html"), ("", "out.html"),
])
def test_another_name_is_suggested(name, other):
    check_suffix(Path("x.HTML"), (".html",))
    with pytest.raises(UsageError) as refused:
        check_suffix(Path(name), (".html",))
    assert refused.value.hint == f"Name a file such as {other}."


def test_a_pipe_is_written_to_without_being_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_file(pipe, force=False)
    read, write = os.pipe()  # as the shell names it for >(...)
    write_file(Path(f"/dev/fd/{write}"), b"data")
    assert os.read(read, 9) == b"data"
    os.close(read)
    os.close(write)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file already exists"):
        refuse_to_replace([pipe, tmp_path / "file"], force=False)
