"""The encoding of a file, found by its first bytes, and the one Unicode form of text."""

import codecs
import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gancli.data.source import open_source
from gancli.errors import UsageError
from gancli.modalities.text import excerpts
from gancli.modalities.text.config import TextConfig, TextSampleConfig
from gancli.modalities.text.corpus import Tally, read
from gancli.modalities.text.encodings import find_encoding
from gancli.modalities.text.inputs import generator_inputs
from gancli.modalities.text.inspect import ChosenLayout, inspect
from gancli.modalities.text.json_text import choose_field
from gancli.sampling.classes import class_index
from gancli.sampling.request import SampleRequest

WIDE = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
        "utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE}
SCRIPTS = {
    "latin": "hello world\nthis is text\n", "two lines": "ab\ncd",
    "cyrillic": "Съешь же\nещё этих\n", "japanese": "いろはにほへと\nちりぬるを\n",
    "chinese": "天地玄黃宇宙洪荒\n日月盈昃\n\u3000\u3000辰宿列張\n",
    "hindi": "नमस्ते दुनिया\nयह पाठ है\n", "tamil": "வணக்கம் உலகம்\nஇது உரை\n",
    "hebrew": "שלום עולם\nזה טקסט\n", "korean": "안녕하세요 여러분\n반갑습니다\n",
    "emoji": "\U0001f600 hi\n\U0001f468\u200d\U0001f469 ok\n",
}


def texts_of(path: Path, tally: Tally | None = None, **values: Any) -> list[str]:
    batches = read(open_source(str(path)), ChosenLayout("lines"), TextConfig(**values),
                   tally or Tally())
    return [text for batch in batches for text in batch.texts]


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("encoding", WIDE)
def test_utf_16_and_32_with_and_without_a_mark(
    tmp_path: Path, encoding: str, script: str
) -> None:
    text = SCRIPTS[script]
    for mark in (b"", WIDE[encoding]):
        (tmp_path / "x.txt").write_bytes(mark + text.encode(encoding))
        for requested in ("utf-8", "utf-16", "utf-32", "ascii"):
            tally = Tally()
            assert texts_of(tmp_path / "x.txt", tally, encoding=requested) == [
                line for line in text.split("\n") if line]
            assert tally.bad.count == 0
        _, sentences = inspect(open_source(str(tmp_path / "x.txt")), TextConfig())
        assert f"Encoding: {encoding}, found by the first bytes (--encoding)." in sentences


@pytest.mark.parametrize(
    ("data", "requested", "expected"),
    [
        (b"plain", "utf-8", "utf-8"), (b"", "utf-8", "utf-8"), (b"\xef\xbb\xbfx", "ascii", "utf-8"),
        (b"a\0b\0c\0", "latin-1", "latin-1"), ("абв\n".encode("cp1251"), "utf-8", "utf-8"),
        ("天地\n".encode("gb18030") * 9, "utf-8", "utf-8"), (bytes(100), "utf-8", "utf-8"),
        (b"text\0\0\0\0", "utf-8", "utf-8"), (bytes(range(256)) * 9, "utf-8", "utf-8"),
        (b"anna\0bob\0chris\0" * 9, "utf-8", "utf-8"), (b"abc\0def\0ghi\0jkl\0", "utf-8", "utf-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x20\x08\x02\0\0\0", "utf-8", "utf-8"),
    ],
)
def test_other_bytes_keep_the_encoding(data: bytes, requested: str, expected: str) -> None:
    assert find_encoding(data, requested) == expected


def test_windows_of_a_large_file_have_its_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excerpts, "_WHOLE_BYTES", 1000)
    monkeypatch.setattr(excerpts, "_WINDOW_BYTES", 400)
    monkeypatch.setattr("gancli.modalities.text.decode.HEAD_BYTES", 500)
    for encoding, mark in WIDE.items():
        for start in (b"", mark):
            text = "\n".join(f"строка {number:04}" for number in range(4000))
            (tmp_path / "x.txt").write_bytes(start + text.encode(encoding))
            spec, _ = inspect(open_source(str(tmp_path / "x.txt")), TextConfig(tokens="char"))
            assert set(spec.vocabulary) == set("строка 0123456789")
            assert spec.count == pytest.approx(4000, rel=0.2)


def forms(text: str) -> tuple[str, str]:
    return unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)


def test_text_of_every_kind_has_one_form(tmp_path: Path) -> None:
    composed, apart = forms("Ångström café")
    for name, text in (
        ("x.txt", f"{apart}\n{apart}\n"), ("x.jsonl", json.dumps({"text": apart}) * 2),
        ("x.csv", f"text\n{apart}\n{apart}\n"), ("y.txt", f"{apart}<|endoftext|>{apart}"),
    ):
        (tmp_path / name).write_text(text)
        assert texts_of(tmp_path / name) == [composed, composed]
    (tmp_path / "z.txt").write_text(f"one {apart} two {apart} three")
    assert texts_of(tmp_path / "z.txt", separator=" " + composed + " ") == ["one", "two", "three"]
    assert choose_field([{apart: "x", "b": "y"}], composed) == apart


@pytest.mark.parametrize("tokens", ["char", "word", "byte", "bpe"])
def test_prompts_have_the_form_of_the_model(tmp_path: Path, tokens: str) -> None:
    composed, apart = forms("café crème")
    (tmp_path / "x.txt").write_text(f"{apart} noir\n" * 9 + "the end of it all here\n")
    config = TextConfig(tokens=tokens, vocabulary=300)
    spec, _ = inspect(open_source(str(tmp_path / "x.txt")), config)
    inputs = [generator_inputs([SampleRequest(0)], spec, TextSampleConfig(prompt=prompt)).arrays
              for prompt in (composed, apart)]
    assert np.array_equal(inputs[0]["prompt"], inputs[1]["prompt"])


def test_prompts_of_models_that_learned_another_form(spec_of: Any) -> None:
    composed, apart = forms("é")
    spec = spec_of(vocabulary=("e", "\u0301"))
    for prompt in (composed, apart):
        inputs = generator_inputs([SampleRequest(0)], spec, TextSampleConfig(prompt=prompt))
        assert inputs.arrays["prompt"].tolist() == [[2, 3]]
    with pytest.raises(UsageError, match="does not know"):
        generator_inputs([SampleRequest(0)], spec, TextSampleConfig(prompt="éx"))


def test_classes_have_one_form() -> None:
    composed, apart = forms("été")
    for known in (composed, apart):
        for asked in (composed, apart):
            assert class_index(asked, ("hiver", known)) == 1
