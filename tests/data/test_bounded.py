"""A million files: how much memory each of them takes, measured on a few thousand."""

import hashlib
import json
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest
from helpers import Recorder

from gancli.data import cache, cache_writing, groups
from gancli.data import split as splitting
from gancli.data.groups import split_groups
from gancli.data.source import open_source
from gancli.data.split import order, split
from gancli.modalities.text.places import Lines, Windows

FEW, MANY = 1_000, 5_000


def name_of(index):
    return f"class-{index % 10}/picture-{index:07d}.png"


def bytes_an_item(measured, prepare=lambda count: count):
    """Return what memory an item more holds, and takes at the most on the way."""
    found = []
    for count in (FEW, FEW, MANY):  # the first is to warm up
        given = prepare(count)
        tracemalloc.start()
        try:
            result = measured(given)
            found.append(tracemalloc.get_traced_memory())
        finally:
            tracemalloc.stop()
        del result
    (held_few, peak_few), (held, peak) = found[1:]
    return (held - held_few) / (MANY - FEW), (peak - peak_few) / (MANY - FEW)


@pytest.mark.parametrize(("kind", "most"), [("zip", 850), ("tar", 1_100), ("folder", 650)])
def test_a_file_of_a_source_takes_little(tmp_path, kind, most):
    def prepare(count):
        path = tmp_path / f"{count}.{kind}"
        if path.exists():
            return path
        if kind == "folder":
            for index in range(count):
                file = path / name_of(index)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
        elif kind == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                for index in range(count):
                    archive.writestr(name_of(index), b"12345")
        else:
            with tarfile.open(path, "w") as archive:
                for index in range(count):
                    archive.addfile(tarfile.TarInfo(name_of(index)))
        return path

    def read(path):
        source = open_source(str(path))
        assert source.members[3].name == name_of(30)  # sorted by class
        if kind == "zip":
            assert source.members[3].read(10) == b"12345" and source.members[3].mtime > 0
        return source

    held, peak = bytes_an_item(read, prepare)
    assert held < most and peak < 1.7 * most


def test_dividing_items_takes_less_than_their_names():
    held, peak = bytes_an_item(
        lambda names: split(names, 0.1), lambda count: [name_of(index) for index in range(count)]
    )
    assert held < 10 and peak < 120  # 8 bytes of an index; 32 of a hash, sorted by its parts
    train, held_out = split([name_of(index) for index in range(100)], 0.1)
    ranked = sorted(range(100), key=lambda index: hashlib.sha256(name_of(index).encode()).digest())
    assert held_out.tolist() == sorted(ranked[:10]) and len(train) == 90


@pytest.mark.parametrize("count", [0, 1, 9_999, 10_000, 10_001, 25_000])
def test_a_key_is_that_of_the_whole_as_json(count):
    parts = ("images", [(name_of(index), index, 1.5) for index in range(count)], None, (1, "é"))
    whole = json.dumps([cache.VERSION, parts]).encode()
    assert cache.key(*parts) == hashlib.sha256(whole).hexdigest()


def test_a_key_of_many_items_is_not_made_of_one_text(monkeypatch):
    monkeypatch.setattr(cache, "_JSON_CHUNK", 100)
    _, peak = bytes_an_item(
        lambda names: cache.key(names), lambda count: [name_of(index) for index in range(count)]
    )
    assert peak < 5


def test_which_positions_are_filled_takes_a_byte_each():
    def fill(count):
        with cache_writing.Writer("x", count, (1,), Recorder()) as writer:
            for position in range(1, count):
                writer.put(position, np.full(1, position % 251, np.uint8))
            array = writer.finish({})
        assert array[:3, 0].tolist() == [1, 2, 3] and len(array) == count - 1
        return array

    held, peak = bytes_an_item(fill)
    assert held < 3 and peak < 30  # a byte; on the way one that says so, and its place


def test_dividing_texts_takes_no_more_for_more_of_them(monkeypatch):
    monkeypatch.setattr(groups, "_CHUNK", 100)
    monkeypatch.setattr(groups, "_MAX_BITS", 6)
    held, peak = bytes_an_item(
        lambda keys: split_groups(keys, 0.5, limit=20),
        lambda count: np.random.default_rng(0).integers(0, 2**64, count, np.uint64),
    )
    assert held < 1 and peak < 3  # sorting all of them takes 16


def test_an_epoch_of_very_many_items_is_not_in_memory(monkeypatch):
    monkeypatch.setattr(splitting, "_MAX_LISTED", 100)
    held, peak = bytes_an_item(lambda count: order(count, 3, 0, 64))
    assert held < 1 and peak < 1


def test_where_texts_are_takes_an_eighth_of_a_byte_each():
    def made(count):
        return Lines(np.full(count, 7, np.int32)), Windows(64, 32, 32 * count, 0)

    held, _ = bytes_an_item(made)
    assert held < 4 + 0.2  # the lengths themselves, which may be on disk
