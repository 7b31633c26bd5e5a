"""Where the cache is on machines without a home directory, or with one that is read-only."""

import os
import stat
import tempfile
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from helpers import Recorder

from gancli.data import cache, cache_place, cache_writing

HOMELESS = "there is no home directory"


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """Let the temporary folder and the home be empty ones."""
    for name in ("GANCLI_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "home").mkdir()
    cache_place._of_this_process.cache_clear()
    return tmp_path / "temporary" / f"gancli-{os.getuid()}"


def test_the_home_is_preferred_and_the_environment_decides(tmp_path, monkeypatch):
    place = cache_place.cache_place()
    assert (place.folder.is_relative_to(tmp_path / "home"), place.reason) == (True, "")
    monkeypatch.setenv("GANCLI_CACHE", "/proc/nothing")  # also where it cannot be written to
    assert cache_place.cache_place() == (Path("/proc/nothing"), "")


@pytest.mark.parametrize("error", [RuntimeError("could not"), KeyError("uid"), OSError("none")])
def test_a_user_without_name_and_home(monkeypatch, temporary, error):
    def fail(_):
        raise error

    monkeypatch.setattr(platformdirs, "user_cache_dir", fail)
    assert cache_place.cache_place() == (temporary, HOMELESS)
    assert stat.S_IMODE(temporary.stat().st_mode) == 0o700


@pytest.mark.parametrize("folder", ["~/.cache/gancli", ".cache/gancli"])
def test_a_home_that_is_not_resolved(monkeypatch, temporary, folder):
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: folder)
    assert cache_place.cache_place() == (temporary, HOMELESS)


def test_a_home_that_cannot_be_written_to(monkeypatch, temporary, tmp_path):
    real, home = os.access, tmp_path / "home"
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != home and real(path, mode))
    folder, reason = cache_place.cache_place()
    assert folder == temporary
    assert reason.startswith(f"'{home}/") and reason.endswith("' cannot be written to")


def test_a_file_in_the_way(temporary, tmp_path, monkeypatch):
    (tmp_path / "home" / "file").touch()
    monkeypatch.setattr(
        platformdirs, "user_cache_dir", lambda _: str(tmp_path / "home" / "file" / "gancli")
    )
    assert cache_place.cache_place().folder == temporary


def test_a_temporary_folder_of_another_user_is_not_used(monkeypatch, temporary, tmp_path):
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: "~")
    (tmp_path / "theirs").mkdir()
    temporary.symlink_to(tmp_path / "theirs")
    folder = cache_place.cache_place().folder
    assert folder != temporary and folder.parent == temporary.parent
    assert cache_place.cache_place().folder == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_without_any_place_the_data_is_not_cached(monkeypatch):
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: "~")

    def nowhere():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    assert cache_place.cache_place() == (Path(f"/tmp/gancli-{os.getuid()}"), HOMELESS)


def test_data_kept_for_a_while_is_noted(monkeypatch, temporary):
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: "~")
    heard = Recorder()
    with cache_writing.Writer("entry", 1, (2,), heard) as writer:
        writer.put(0, np.zeros(2, np.uint8))
        writer.finish({})
    assert heard.warnings == []
    assert heard.notes == [
        f"Decoded data is kept in '{temporary}', since there is no home directory; set "
        "GANCLI_CACHE to choose another place."
    ]
    assert cache.find("entry") is not None
