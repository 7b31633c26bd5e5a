"""JSON, separators and packings: what a sample is, however it is written or packed."""

import bz2
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gancli.data import archive
from gancli.data.source import Source, open_source
from gancli.errors import GancliError, UsageError
from gancli.modalities.text import excerpts
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.corpus import Tally, read
from gancli.modalities.text.excerpts import read_excerpts
from gancli.modalities.text.inspect import ChosenLayout, inspect
from gancli.modalities.text.json_text import choose_field, field_text, find_json

OBJECTS = [{"id": index, "text": f"No. {index}: {{[\"\n]}},\n", "more": {"a": [1, {"b": "c"}]}}
           for index in range(24)]
TEXTS = [str(each["text"]) for each in OBJECTS]


def texts_of(path: Path, tally: Tally | None = None, **values: Any) -> list[str]:
    config = TextConfig(**values)
    batches = read(
        open_source(str(path)), ChosenLayout(config.split), config, tally or Tally()
    )
    return [text for batch in batches for text in batch.texts]


def sentence_of(path: Path, start: str, **values: Any) -> str:
    _, sentences = inspect(open_source(str(path)), TextConfig(**values))
    (sentence,) = [each for each in sentences if each.startswith(start)]
    return sentence


def pretty(indent: int | None, joint: str = "\n") -> str:
    return joint.join(json.dumps(each, indent=indent) for each in OBJECTS)


JSON_WAYS: dict[str, str] = {
    "array": json.dumps(OBJECTS),
    "pretty array": json.dumps(OBJECTS, indent=2),
    "array of a line each": "[\n" + pretty(None, ",\n") + "\n]\n",
    "two arrays": json.dumps(OBJECTS[:9]) + "\n" + json.dumps(OBJECTS[9:]),
    "wrapped": json.dumps({"version": "1.1", "count": 24, "data": OBJECTS}),
    "pretty and wrapped": json.dumps({"data": OBJECTS, "version": 1}, indent="\t"),
    "parts": json.dumps({"train": OBJECTS[:9], "test": OBJECTS[9:]}),
    "by number": json.dumps({str(each["id"]): each for each in OBJECTS}, indent=2),
    "columns": json.dumps({"id": list(range(24)), "text": TEXTS}),
    "columns by number": json.dumps({
        "id": {str(index): index for index in range(24)},
        "text": {str(index): text for index, text in enumerate(TEXTS)}}),
    "pretty objects": pretty(4),
    "objects without space": pretty(None, ""),
    "objects with commas": pretty(3, ",\n"),
    "texts": json.dumps(TEXTS),
    "pretty texts": json.dumps(TEXTS, indent=1),
    "lines": pretty(None),
    "lines of texts": "\n".join(map(json.dumps, TEXTS)),
}


@pytest.mark.parametrize("suffix", [".json", ".txt"])
@pytest.mark.parametrize("way", JSON_WAYS)
def test_json_however_it_is_laid_out(tmp_path: Path, way: str, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_text(JSON_WAYS[way], encoding="utf-8-sig")
    if (way, suffix) == ("lines of texts", ".txt"):  # lines of prose in quotes, for all we know
        assert len(texts_of(path)) == 24
        return
    assert texts_of(path) == TEXTS
    assert "--field" in sentence_of(path, "JSON: ")


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("way", ["pretty array", "wrapped", "pretty objects", "texts"])
def test_blocks_may_split_any_value(
    tmp_path: Path, way: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.json").write_text(JSON_WAYS[way])
    monkeypatch.setattr("gancli.modalities.text.decode._BLOCK_BYTES", size)
    monkeypatch.setattr("gancli.modalities.text.formats.HEAD", 400)
    assert texts_of(tmp_path / "x.json") == TEXTS


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=6),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=6,
    ).map(lambda value: {"value": value}), min_size=1, max_size=5),
    st.sampled_from([None, 0, 2]), st.integers(1, 40),
)
def test_values_do_not_depend_on_blocks(values: list[Any], indent: int | None, size: int) -> None:
    text = json.dumps(values, indent=indent)
    found = find_json(text, True, True)
    assert found is not None
    blocks = [text[start : start + size] for start in range(0, len(text), size)]
    assert [value for batch in found.records(blocks) for value in batch] == values


def test_damaged_json(tmp_path: Path) -> None:
    path, tally = tmp_path / "x.json", Tally()
    path.write_text(json.dumps(OBJECTS, indent=2).replace('"id": 3,', '"id": oops,'))
    assert texts_of(path, tally) == TEXTS[:3] + TEXTS[4:]
    assert tally.first_row == "'x.json', record 4" and (tally.bad_rows, tally.rows) == (1, 24)
    cut = json.dumps(OBJECTS, indent=2)
    path.write_text(cut[: len(cut) // 2])
    tally = Tally()
    assert texts_of(path, tally) == TEXTS[: tally.rows - 1] and tally.bad_rows == 1
    # In a single line nothing tells where the next record begins.
    path.write_text(json.dumps(OBJECTS).replace('"id": 3,', '"id": oops,'))
    tally = Tally()
    texts_of(path, tally)
    assert tally.broken == [("x.json", "its JSON is damaged")]
    path.write_text(json.dumps({"data": OBJECTS})[:-9])
    tally = Tally()
    assert texts_of(path, tally) == [] and tally.bad_rows == 1
    path.write_text("{nothing")
    with pytest.raises(UsageError, match="JSON is damaged"):
        inspect(open_source(str(path)), TextConfig())


def test_long_json_lines_and_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gancli.modalities.text.formats.HEAD", 100)
    monkeypatch.setattr("gancli.modalities.text.json_text._MAX_OBJECT", 3000)
    long = [json.dumps({"text": text * 90}) for text in TEXTS]
    (tmp_path / "x.jsonl").write_text("\n".join(long))
    assert texts_of(tmp_path / "x.jsonl") == [text * 90 for text in TEXTS]
    (tmp_path / "x.json").write_text(json.dumps({"data": OBJECTS}))
    assert texts_of(tmp_path / "x.json") == TEXTS
    (tmp_path / "x.json").write_text(json.dumps({"data": OBJECTS * 9}))
    tally = Tally()
    assert texts_of(tmp_path / "x.json", tally) == [] and "give JSON lines" in tally.broken[0][1]


def test_json_lines(tmp_path: Path) -> None:
    rows = ['{"text": "one\\ntwo", "n": 1}', "", '{"text": 3}', "[]", "{", '{"text": "\\ud800"}',
            json.dumps({"body": "x"}), '{"text": " "}', "[" * 10_000]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(rows))
    tally = Tally()
    assert texts_of(path, tally) == ["one\ntwo", "\ufffd"]
    assert (tally.rows, tally.bad_rows, tally.empty) == (8, 5, 2)
    assert tally.first_row == "'x.jsonl', line 3"
    with pytest.raises(GancliError, match="line 3"):
        texts_of(path, strict=True)
    # If a field is requested, any file is read as JSON.
    (tmp_path / "y.txt").write_text(rows[6])
    assert texts_of(tmp_path / "y.txt", field="body") == ["x"]
    assert field_text({"a": "x\r\ny\rz"}, "a") == "x\ny\nz"


def test_other_fields_are_suggested() -> None:
    records = [{"body": "x", "id": 3}, {"title": "y", "body": "z"}]
    assert choose_field(records, "title") == "title"
    assert choose_field([{"text": "x", "title": "y"}], None) == "text"
    assert choose_field([{"body": "x", "id": 3}], None) == "body"
    for name in (None, "nothing"):
        with pytest.raises(UsageError) as caught:
            choose_field(records, name)
        assert "'body', 'title'" in caught.value.hint


POEMS = [f"Roses {index}\n  are red,\n\nviolets" for index in range(24)]
SEPARATED: dict[str, str] = {
    "'<|endoftext|>' and '<|startoftext|>'": "".join(
        f"<|startoftext|>{poem}<|endoftext|>\n" for poem in POEMS),
    "'<|endoftext|>'": "<|endoftext|>".join(POEMS),
    "'<|begin_of_text|>'": "".join(f"<|begin_of_text|> {poem}\n" for poem in POEMS),
    "'</s>' and '<s>'": "".join(f"<s> {poem} </s>\n" for poem in POEMS),
    "'[SEP]'": "\n[SEP]\n".join(POEMS),
    "lines of '%'": "\n%\n".join(POEMS) + "\n",
    "lines of '---'": "---\n" + "\n\n---\n\n".join(POEMS) + "\n\n",
    "bytes of zero": "\0".join(POEMS),
}


@pytest.mark.parametrize("size", [1, 9, 1000])
@pytest.mark.parametrize("shown", SEPARATED)
def test_separators_are_found_and_said(
    tmp_path: Path, shown: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gancli.modalities.text.decode._BLOCK_BYTES", size)
    (tmp_path / "x.txt").write_text(SEPARATED[shown])
    assert texts_of(tmp_path / "x.txt") == POEMS
    sentence = sentence_of(tmp_path / "x.txt", "Samples are ")
    assert f"separated by {shown} and" in sentence and "--separator" in sentence
    lines = texts_of(tmp_path / "x.txt", separator="\\n")
    assert "  are red," in lines and len(lines) > 2 * len(POEMS)


def test_a_separator_on_request(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    for separator, typed in ((" ## ", " ## "), ("\n\n\n", "\\n\\n\\n"), ("a\\b", "a\\\\b")):
        path.write_text(separator.join(POEMS))
        assert texts_of(path, separator=typed) == POEMS
    for separator, name in (("", "x.txt"), ("||", "x.csv"), ("\\n", "x.tsv")):
        (tmp_path / name).write_text("a\nb\n")
        with pytest.raises(UsageError, match="separat"):
            texts_of(tmp_path / name, separator=separator)
    (tmp_path / "y.json").write_text("{\n}\n")
    assert texts_of(tmp_path / "y.json", separator="\\n") == ["{", "}"]


def test_special_tokens_are_not_part_of_a_stream(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("<|endoftext|>".join(POEMS))
    stream = "".join(texts_of(tmp_path / "x.txt", split="stream"))
    assert stream == "".join(poem + "\n" for poem in POEMS)


@pytest.mark.parametrize(
    "text",
    [
        "one\n---\ntwo\n", "+\n-\n+\n-\nup\ndown\nup\ndown\n", "---\n" * 9 + "one\ntwo\n",
        "this is <s>old</s> new\nand so <s>is</s> this\n" * 9, "[1] a note\n[2] another\n",
        "{braces}\nin prose\n", '["odd"] and\nmore\n', "\U0001f600\nhi\n" * 9,
    ],
)
def test_lines_that_are_only_lines(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.txt").write_text(text)
    assert texts_of(tmp_path / "x.txt") == text.splitlines()


def pack_zip(path: Path, files: dict[str, bytes], method: int) -> None:
    with zipfile.ZipFile(path, "w", method) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)


def pack_tar(path: Path, files: dict[str, bytes], mode: str) -> None:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def pack_folder(path: Path, files: dict[str, bytes]) -> None:
    path.mkdir()
    for name, data in files.items():
        (path / name).write_bytes(data)


PACKINGS: dict[str, Callable[[Path, dict[str, bytes]], None]] = {
    "set": pack_folder,
    "stored.zip": lambda path, files: pack_zip(path, files, zipfile.ZIP_STORED),
    "set.zip": lambda path, files: pack_zip(path, files, zipfile.ZIP_DEFLATED),
    "set.tar": lambda path, files: pack_tar(path, files, "w"),
    "set.tar.gz": lambda path, files: pack_tar(path, files, "w:gz"),
    "set.tgz": lambda path, files: pack_tar(path, files, "w:gz"),
}
LINES = [f"line {number:05}, and so on" for number in range(3000)]
CONTENTS: dict[str, tuple[str, Callable[[list[str]], str]]] = {
    "lines": ("a.txt", "\n".join),
    "table": ("a.csv", lambda lines: "n,text\n" + "".join(f'{each[5:10]},"{each}"\n'
                                                          for each in lines)),
    "array": ("a.json", lambda lines: json.dumps([{"text": line} for line in lines], indent=1)),
    "json lines": ("a.jsonl", lambda lines: "\n".join(json.dumps({"text": line})
                                                      for line in lines)),
    "separated": ("a.txt", "<|endoftext|>".join),
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("content", CONTENTS)
def test_every_packing_above_and_below_the_thresholds(
    tmp_path: Path, packing: str, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with a corpus of 16 MB, windows of 64 KB and heads of 256 KB, but a thousandth of them.
    monkeypatch.setattr(excerpts, "_WHOLE_BYTES", 20_000)
    monkeypatch.setattr(excerpts, "_WINDOW_BYTES", 700)
    monkeypatch.setattr(excerpts, "_WINDOWS", 9)
    monkeypatch.setattr("gancli.modalities.text.decode.HEAD_BYTES", 1500)
    monkeypatch.setattr("gancli.modalities.text.formats.HEAD", 1000)
    monkeypatch.setattr("gancli.modalities.text.decode._BLOCK_BYTES", 512)
    name, write = CONTENTS[content]
    for number, counts in enumerate(((200,), (2900,), (100, 100), (10, 2800, 90), (1500, 1500))):
        files, start = {}, 0
        for index, count in enumerate(counts):
            files[f"{index}{name}"] = write(LINES[start : start + count]).encode()
            start += count
        folder = tmp_path / str(number)
        folder.mkdir()
        PACKINGS[packing](folder / packing, files)
        source = open_source(str(folder / packing))
        spec, sentences = inspect(source, TextConfig(tokens="char"))
        batches = read(source, spec, TextConfig(), Tally())
        assert [text for batch in batches for text in batch.texts] == LINES[:start]
        if sum(map(len, files.values())) > 20_000:
            assert spec.count == pytest.approx(start, rel=0.1)
            assert sentences[0].startswith("Text: about ")
        else:
            assert spec.count == start and sentences[0].startswith(f"Text: {start} ")


@pytest.mark.parametrize("content", ["lines", "table"])
def test_estimates_read_an_archive_once_and_forwards(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excerpts, "_WHOLE_BYTES", 20_000)
    monkeypatch.setattr(excerpts, "_WINDOW_BYTES", 700)
    name, write = CONTENTS[content]
    files = {f"{index}{name}": write(LINES).encode() for index in range(3)}
    pack_tar(tmp_path / "x.tar.gz", files, "w:gz")
    source = open_source(str(tmp_path / "x.tar.gz"))
    places: list[int] = []
    seek = archive._Bounded.seek

    def spy(self: Any, offset: int, whence: int = 0) -> int:
        places.append(offset)
        return seek(self, offset, whence)

    monkeypatch.setattr(archive._Bounded, "seek", spy)
    assert len(read_excerpts(source, source.members, TextConfig())[0]) == 3
    assert places == sorted(places) and places


def test_a_large_corpus_is_examined_evenly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excerpts, "_WHOLE_BYTES", 1000)
    monkeypatch.setattr(excerpts, "_WINDOW_BYTES", 100)
    monkeypatch.setattr(excerpts, "_WINDOWS", 10)
    for name, part in (("a", LINES[:1900]), ("b", LINES[1900:1903]), ("c", LINES[1903:2000])):
        (tmp_path / f"{name}.txt").write_text("\n".join(part))

    def read_lines(source: Source) -> tuple[list[str], float]:
        found, fraction, broken = read_excerpts(source, source.members, TextConfig())
        assert not broken
        batches = [batch for each in found for batch in each.records]
        return [line for batch in batches for line in batch if line], fraction

    texts, fraction = read_lines(open_source(str(tmp_path)))
    assert set(texts) <= set(LINES) and len(texts) == len(set(texts)) >= 30
    assert texts[0] == LINES[0] and int(texts[-1][5:10]) > 1700 and 0 < fraction < 0.05
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x.txt").write_text("<|endoftext|>".join(LINES[:2000]))
    texts, fraction = read_lines(open_source(str(tmp_path / "d")))
    numbers = [int(text[5:10]) for text in texts]
    steps = [after - before for before, after in zip(numbers, numbers[1:], strict=False)]
    assert min(steps) > 0 and max(steps) <= 2 / fraction
    assert len(numbers) == pytest.approx(2000 * fraction, rel=0.05)
    # Records that take turns are all seen.
    assert {number % 4 for number in numbers} == {0, 1, 2, 3}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files_get_a_hint(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "x.txt.gz").write_bytes(pack("\n".join(LINES).encode()))
    with pytest.raises(GancliError, match="cannot be read as text") as caught:
        inspect(open_source(str(tmp_path / "x.txt.gz")), TextConfig())
    assert "gunzip" in caught.value.hint
