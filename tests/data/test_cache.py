"""The cache of decoded data."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers import Recorder

from gancli.data import cache
from gancli.errors import GancliError

ITEMS = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(params=["memory", "file"])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(cache, "memory_limit", lambda: 10**6 if request.param == "memory" else 1)
    return str(request.param)


def write(places: tuple[int, ...] = (3, 0, 2), reporter: Recorder | None = None) -> np.ndarray:
    with cache.Writer("entry", 4, (2, 3), reporter or Recorder()) as writer:
        for place in places:
            writer.put(place, ITEMS[place])
        return writer.finish({"note": ["\udcff", 1]})


def test_what_was_written_is_found(held: str, folder: Path) -> None:
    assert cache.find("entry") is None
    expected = ITEMS[[0, 2, 3]]
    array = write()
    assert np.array_equal(array, expected)
    cached = cache.find("entry")
    assert cached is not None
    assert np.array_equal(cached[0], expected) and cached[1] == {"note": ["\udcff", 1]}
    assert isinstance(cached[0], np.memmap) == isinstance(array, np.memmap) == (held == "file")
    assert os.listdir(folder) == ["entry"]
    assert cache.cache_size() > expected.nbytes
    if held == "file":
        with pytest.raises(ValueError):
            cached[0][0] = 1


def test_damage_makes_it_absent_and_it_is_rebuilt(held: str, folder: Path) -> None:
    write()
    pixels, meta = folder / "entry" / "items.bin", folder / "entry" / "meta.json"
    good = {path: path.read_bytes() for path in (pixels, meta)}
    flipped = bytes([good[pixels][0] ^ 1]) + good[pixels][1:]
    table = json.loads(good[meta])
    damages: list[tuple[Path, bytes]] = [
        (pixels, flipped), (pixels, good[pixels][:-1]), (pixels, b""), (meta, b"{"), (meta, b"[]"),
        (meta, good[meta].replace(b", 1]", b", 2]")),
        (meta, json.dumps({**table, "shape": [1 << 40, 1 << 40]}).encode()),
        (meta, json.dumps({**table, "shape": [3, 3, 2]}).encode()),
        (meta, json.dumps({**table, "shape": [-3, -2, 3]}).encode()),
        (meta, json.dumps({**table, "shape": []}).encode()),
    ]
    for path, data in damages:
        path.write_bytes(data)
        assert cache.find("entry") is None, data
        path.write_bytes(good[path])
        assert cache.find("entry") is not None
    pixels.write_bytes(flipped)
    write()
    assert cache.find("entry") is not None and os.listdir(folder) == ["entry"]


def test_failure_leaves_nothing(held: str, folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt), cache.Writer("entry", 4, (2, 3), Recorder()) as writer:
        writer.put(0, ITEMS[0])
        raise KeyboardInterrupt
    assert not folder.exists() or os.listdir(folder) == []


@pytest.mark.parametrize("reason", ["unwritable", "full"])
def test_without_a_usable_cache(
    held: str, folder: Path, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason == "unwritable":
        folder.write_bytes(b"a file is in the way")
    else:
        def full(_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(cache, "sync", full)
    reporter = Recorder()
    if held == "memory":
        assert np.array_equal(write(reporter=reporter), ITEMS[[0, 2, 3]])
        assert len(reporter.warnings) == 1
    else:
        with pytest.raises(GancliError, match="cannot hold it"):
            write(reporter=reporter)
    if reason == "full":
        assert os.listdir(folder) == []
    assert cache.find("entry") is None


def test_an_entry_that_another_run_has_just_written_is_kept(
    held: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    theirs = (folder / "entry" / "meta.json").stat().st_ino
    # It comes after this run has removed the old entry, and before it names its own.
    remove = shutil.rmtree
    monkeypatch.setattr(
        shutil, "rmtree", lambda path, **_: None if path == folder / "entry" else remove(path)
    )
    reporter = Recorder()
    assert np.array_equal(write(reporter=reporter), ITEMS[[0, 2, 3]])
    assert (reporter.warnings, os.listdir(folder)) == ([], ["entry"])
    assert (folder / "entry" / "meta.json").stat().st_ino == theirs
    assert cache.find("entry") is not None


def test_disk_full_while_decoding_to_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("only Linux has a device that is always full")
    monkeypatch.setattr(cache, "memory_limit", lambda: 1)
    with pytest.raises(GancliError, match="cannot hold it"):
        with cache.Writer("entry", 4, (2, 3), Recorder()) as writer:
            writer._file.close()
            writer._file = open("/dev/full", "w+b", buffering=0)  # noqa: SIM115
            writer.put(0, ITEMS[0])
    assert os.listdir(folder) == []


def test_leftovers_of_killed_runs_are_swept(folder: Path) -> None:
    for name in ("old.partial", "new.partial"):
        (folder / name).mkdir(parents=True)
    os.utime(folder / "old.partial", (0, 0))
    write()
    assert sorted(os.listdir(folder)) == ["entry", "new.partial"]


def test_key_depends_on_every_part() -> None:
    parts: list[tuple[object, ...]] = [(), ("a",), ("a", 1), ("a", "1"), ("\udcff",)]
    assert len({cache.key(*values) for values in parts}) == 5
    assert cache.key("a", (1, 2)) == cache.key("a", [1, 2])


def test_checksum_of_large_arrays_looks_at_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_CHECKED_BYTES", 64)
    monkeypatch.setattr(cache, "_BLOCK_BYTES", 16)
    array = np.zeros((100, 10), np.uint8)
    plain = cache.checksum(array)
    for place in (0, 999):
        changed = array.copy()
        changed.flat[place] = 1
        assert cache.checksum(changed) != plain
    assert cache.checksum(array.reshape(10, 100)) != plain
