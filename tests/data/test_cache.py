"""The cache of decoded data."""

import errno
import json
import os
import shutil
from io import FileIO
from pathlib import Path

import numpy as np
import pytest
from helpers import Recorder

from gancli.data import cache, cache_writing
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
    with cache_writing.Writer("entry", 4, (2, 3), reporter or Recorder()) as writer:
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
    items = cached[0][cache_writing.ITEMS]
    assert np.array_equal(items, expected) and cached[1] == {"note": ["\udcff", 1]}
    assert isinstance(items, np.memmap) == isinstance(array, np.memmap) == (held == "file")
    assert os.listdir(folder) == ["entry"]
    assert cache.cache_size() > expected.nbytes
    if held == "file":
        with pytest.raises(ValueError):
            items[0] = 1


def test_damage_makes_it_absent_and_it_is_rebuilt(held: str, folder: Path) -> None:
    write()
    pixels, meta = folder / "entry" / "items.bin", folder / "entry" / "meta.json"
    good = {path: path.read_bytes() for path in (pixels, meta)}
    flipped = bytes([good[pixels][0] ^ 1]) + good[pixels][1:]
    table = json.loads(good[meta])
    damages: list[tuple[Path, bytes]] = [
        (pixels, flipped), (pixels, good[pixels][:-1]), (pixels, b""), (meta, b"{"), (meta, b"[]"),
        (meta, good[meta].replace(b", 1]", b", 2]")),
        *((meta, json.dumps({**table, "arrays": arrays}).encode()) for arrays in (
            {"items": ["|u1", [1 << 40, 1 << 40]]}, {"items": ["|u1", [3, 3, 2]]},
            {"items": ["|u1", [-3, -2, 3]]}, {"items": ["|u1", []]}, {"items": ["|i1", [3, 2, 3]]},
            {"items": ["|O", [18]]}, {"items": ["x", [18]]}, {"items": 1}, {}, [],
            {**table["arrays"], "others": ["|u1", [1]]},
        )),
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
    with (
        pytest.raises(KeyboardInterrupt),
        cache_writing.Writer("entry", 4, (2, 3), Recorder()) as writer,
    ):
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

        monkeypatch.setattr(cache_writing, "sync", full)
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
        with cache_writing.Writer("entry", 4, (2, 3), Recorder()) as writer:
            writer._file.close()
            writer._file = open("/dev/full", "w+b", buffering=0)  # noqa: SIM115
            writer.put(0, ITEMS[0])
    assert os.listdir(folder) == []


def test_leftovers_of_killed_runs_are_swept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("old.partial", "new.partial", "long.partial", "gone.partial"):
        (folder / name).mkdir(parents=True)
        (folder / name / "items.bin").touch()
    for path in ("old.partial/items.bin", "old.partial", "long.partial"):
        os.utime(folder / path, (0, 0))
    # One that another run removes at this moment.
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: listed(
        path.with_name("none") if path.name == "gone.partial" else path
    ))
    assert np.array_equal(write(), ITEMS[[0, 2, 3]])
    assert sorted(os.listdir(folder)) == ["entry", "gone.partial", "long.partial", "new.partial"]


@pytest.mark.parametrize(("found", "most"), [
    ([], 1 << 40), (["max\n"], 1 << 40), (["4000\n"], 1000), (["max\n", "8000\n"], 2000),
    (["9223372036854771712\n"], 1 << 40),
])
def test_a_containers_limit_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: list[str], most: int
) -> None:
    files = [tmp_path / str(number) for number in range(2)]
    for file, text in zip(files, found, strict=False):
        file.write_text(text)
    monkeypatch.setattr(cache, "_MEMORY_LIMITS", files)
    limit = cache.memory_limit.__wrapped__()
    assert limit == most if most < 1 << 40 else 1 << 20 < limit < 1 << 40


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


def rows(count: int) -> dict[str, np.ndarray]:
    return {
        "wide": np.arange(6 * count, dtype=np.int16).reshape(count, 3, 2) - 7,
        "long": np.arange(count, dtype=np.uint64) << np.uint64(40),
        "none": np.zeros(0, np.int32),
    }


def append(count: int, reporter: Recorder, entry: str = "rows") -> dict[str, np.ndarray]:
    with cache_writing.Appender(entry, reporter) as out:
        for start in range(0, count, 2):
            for name, array in rows(count).items():
                out.append(name, array[start : start + 2])
        return out.finish({"count": count})


@pytest.mark.parametrize("count", [1, 5])
def test_arrays_that_grew_are_found(held: str, folder: Path, count: int) -> None:
    expected = rows(count)
    del expected["none"]  # what has no rows has no file
    for arrays in (append(count, Recorder()), *(found := cache.find("rows") or ())[:1]):
        assert arrays.keys() == expected.keys()
        for name, array in expected.items():
            assert np.array_equal(arrays[name], array) and arrays[name].dtype == array.dtype
            assert isinstance(arrays[name], np.memmap) == (held == "file")
    assert found and found[1] == {"count": count}
    assert os.listdir(folder) == ["rows"]


@pytest.mark.parametrize("room", [0, 1, 30, 77, 1000])
def test_a_disk_that_becomes_full_while_arrays_grow(
    folder: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [room]

    class Limited(FileIO):
        def write(self, data: memoryview) -> int:  # type: ignore[override]
            if left[0] <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = super().write(data[: min(5, left[0])])
            left[0] -= written
            return written

    begin = cache_writing.Appender._begin

    def limited(self: cache_writing.Appender, name: str, like: np.ndarray) -> cache_writing._Part:
        part = begin(self, name, like)
        if part.file is not None:
            part.file.close()
            part.file = Limited(part.file.name, "r+b")
        return part

    monkeypatch.setattr(cache_writing.Appender, "_begin", limited)
    heard = Recorder()
    arrays = append(9, heard)
    expected = rows(9)
    for name, array in arrays.items():
        assert np.array_equal(array, expected[name]) and array.dtype == expected[name].dtype
    assert len(heard.warnings) == (room < 1000)
    assert os.listdir(folder) == (["rows"] if room == 1000 else [])
