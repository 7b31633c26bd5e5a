"""Files, archives, tables and standard input as samples of text."""

import io
import json
import os
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gancli.data.source import Source, open_source
from gancli.errors import GancliError, UsageError
from gancli.modalities.text import plain
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.corpus import Tally, read, text_files
from gancli.modalities.text.inspect import ChosenLayout, inspect


def texts_of(source: Source | Path, tally: Tally | None = None, **values: Any) -> list[str]:
    config = TextConfig(**values)
    opened = open_source(str(source)) if isinstance(source, Path) else source
    batches = read(opened, ChosenLayout(config.split), config, tally or Tally())
    return [text for batch in batches for text in batch.texts]


def file_of(tmp_path: Path, data: bytes | str, name: str = "x.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_folder_zip_tar_and_file_give_the_same(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    files = {"a.txt": b"one\ntwo\n", "b.txt": b"three", "notes.pdf": b"no", "c.jsonl": b""}
    for name, data in files.items():
        (tmp_path / "set" / name).write_bytes(data)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    for kind in ("tar", "tar.gz"):
        with tarfile.open(tmp_path / f"set.{kind}", "w:gz" if kind == "tar.gz" else "w") as tar:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    for name in ("set", "set.zip", "set.tar", "set.tar.gz"):
        assert texts_of(tmp_path / name) == ["one", "two", "three"], name
    assert texts_of(file_of(tmp_path, "one\n", "odd.name")) == ["one"]


def test_the_family_with_the_most_bytes_is_read(tmp_path: Path) -> None:
    file_of(tmp_path, "a poem\n" * 20, "a.txt")
    file_of(tmp_path, "id,title\n1,a\n", "catalogue.csv")
    file_of(tmp_path, '{"by": "me"}', "about.json")
    file_of(tmp_path, json.dumps({"labels": [["a.txt", 1]] * 99}), "dataset.json")
    source = open_source(str(tmp_path))
    assert [member.name for member in text_files(source)] == ["a.txt"]
    _, sentences = inspect(source, TextConfig())
    assert sentences[1].startswith("Files: 1 .txt, since they hold the most; not 2 .json and 1 .c")
    file_of(tmp_path, json.dumps([{"text": "a novel " * 90}] * 2), "dataset.json")
    names = [member.name for member in text_files(open_source(str(tmp_path)))]
    assert names == ["about.json", "dataset.json"]  # its text, since it has no labels
    file_of(tmp_path, "id,title\n" + "1,a long title\n" * 300, "catalogue.csv")
    names = [member.name for member in text_files(open_source(str(tmp_path)))]
    assert names == ["catalogue.csv"]


def test_no_text_files(tmp_path: Path) -> None:
    for name in ("a.png", "b.pdf"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(GancliError, match="no text files among the 2 files"):
        text_files(open_source(str(tmp_path)))


def test_line_ends_marks_and_empty_lines(tmp_path: Path) -> None:
    path = file_of(tmp_path, "\ufeffa\r\n\r\n  b \n \t\nc\u2028d\x0be\n\n")
    tally = Tally()
    assert texts_of(path, tally) == ["a", "  b ", "c\u2028d\x0be"]
    assert tally.empty == 3 and tally.bad.count == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_blocks_may_split_anything(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gancli.modalities.text.decode._BLOCK_BYTES", size)
    monkeypatch.setattr("gancli.modalities.text.decode.HEAD_BYTES", size)
    text = "ab\r\nдва\r\n\r\n\U0001f468\u200d\U0001f469 天\r\n"
    path = file_of(tmp_path, text)
    assert texts_of(path) == ["ab", "два", "\U0001f468\u200d\U0001f469 天"]
    assert texts_of(path, split="paragraphs") == ["ab\nдва", "\U0001f468\u200d\U0001f469 天"]
    assert "".join(texts_of(path, split="stream")) == text.replace("\r\n", "\n")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab \n"), max_size=12), max_size=6))
def test_cutting_does_not_depend_on_blocks(blocks: list[str]) -> None:
    whole = "".join(blocks)
    lines = [line for part in plain.lines(blocks) for line in part]
    assert lines == whole.split("\n")[: len(lines)]
    assert "\n".join(lines).rstrip("\n") == whole.rstrip("\n")
    assert "".join(plain.whole_words(blocks)) == whole
    in_blocks = [text for part in plain.paragraphs(blocks) for text in part if text.strip()]
    at_once = [text for part in plain.paragraphs([whole]) for text in part if text.strip()]
    assert in_blocks == at_once


def test_paragraphs_keep_their_line_breaks(tmp_path: Path) -> None:
    path = file_of(tmp_path, "\n\none\n two\n\n \nthree\n\n\n")
    assert texts_of(path, split="paragraphs") == ["one\n two", "three"]


def test_files_of_a_stream_do_not_run_together(tmp_path: Path) -> None:
    file_of(tmp_path, "one", "a.txt")
    file_of(tmp_path, "two\n\n", "b.txt")
    assert "".join(texts_of(tmp_path, split="stream")) == "one\ntwo\n\n"


def test_bad_bytes_are_located_counted_and_replaced(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"fine and long enough\r\ncaf\xe9 cr\xe8me\nmore text\n")
    tally = Tally()
    assert texts_of(path, tally)[1] == "caf\ufffd cr\ufffdme"
    assert tally.bad.count == 2 and tally.bad.first == "'x.txt', byte 25, line 2"
    with pytest.raises(GancliError, match=r"byte 25, line 2") as caught:
        texts_of(path, strict=True)
    assert "--encoding" in caught.value.hint
    assert texts_of(path, encoding="latin-1")[1] == "café crème"


def test_a_bad_byte_in_a_later_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gancli.modalities.text.decode._BLOCK_BYTES", 8)
    monkeypatch.setattr("gancli.modalities.text.decode.HEAD_BYTES", 8)
    tally = Tally()
    texts_of(file_of(tmp_path, b"aaaa\nbbbb\ncccc\ndd\xffd\n"), tally)
    assert tally.bad.first == "'x.txt', byte 17, line 4" and tally.bad.count == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "gb18030", "shift_jis", "cp1251"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    text = "один\r\nдва\r\n" if encoding == "cp1251" else "一二\r\n三日\r\n"
    path = file_of(tmp_path, text.encode(encoding))
    assert texts_of(path, encoding=encoding) == text.split("\r\n")[:-1]


@pytest.mark.parametrize("encoding", ["nonsense", "hex", "rot13", "", "a\0b", "undefined"])
def test_unknown_encodings(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(UsageError, match="encoding .* is unknown"):
        texts_of(file_of(tmp_path, "a\nb\n"), encoding=encoding)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"text\0\0\0\0", "binary"), (bytes(range(256)) * 50, "binary"),
        ("абв где\n".encode("cp1251") * 50, "--encoding"),
    ],
)
def test_files_that_are_not_text_are_recognized(tmp_path: Path, data: bytes, problem: str) -> None:
    tally = Tally()
    assert texts_of(file_of(tmp_path, data), tally) == []
    assert problem in tally.broken[0][1]
    with pytest.raises(GancliError, match="cannot be used"):
        texts_of(tmp_path / "x.txt", strict=True)


def test_terminal_colors_are_text(tmp_path: Path) -> None:
    assert texts_of(file_of(tmp_path, "\x1b[1mbold\x1b[0m\ttab\n")) == ["\x1b[1mbold\x1b[0m\ttab"]


def test_an_endless_line_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MAX_CHARACTERS", 1000)
    monkeypatch.setattr("gancli.modalities.text.decode._BLOCK_BYTES", 500)
    monkeypatch.setattr("gancli.modalities.text.decode.HEAD_BYTES", 500)
    path = file_of(tmp_path, "short\n" + "x" * 100_000 + "\nend\n")
    texts = texts_of(path)
    assert [texts[0], texts[-1]] == ["short", "end"] and len(texts[1]) < 2000
    assert "".join(texts_of(path, split="stream")) == path.read_text()


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> Source:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    return open_source("-")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    source = pipe(monkeypatch, b"one\ntwo\n")
    assert source.name == "stdin" and texts_of(source) == ["one", "two"]
    # A resumed run opens the file; the same data keeps it, so that the cache is used.
    assert texts_of(source.path) == ["one", "two"]
    again = pipe(monkeypatch, b"one\ntwo\n")
    assert again.path == source.path and again.members[0].mtime == source.members[0].mtime
    assert pipe(monkeypatch, b"other").path != source.path
    assert sorted(os.listdir(source.path.parent)) == sorted(
        path.name for path in source.path.parent.glob("stdin-*.txt")
    )


def test_an_archive_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("a.txt", "one\n")
    assert texts_of(pipe(monkeypatch, packed.getvalue())) == ["one"]


def test_unusable_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(GancliError, match="empty"):
        pipe(monkeypatch, b"")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Terminal()))
    with pytest.raises(UsageError, match="terminal") as caught:
        open_source("-")
    assert "cat FILE | gancli" in caught.value.hint
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError):
        open_source("-")
    monkeypatch.setenv("GANCLI_CACHE", str(file_of(tmp_path, "in the way")))
    with pytest.raises(GancliError, match="cannot be saved"):
        pipe(monkeypatch, b"one\n")
