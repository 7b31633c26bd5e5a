"""From a corpus to a spec and a dataset."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Recorder

from gancli.data import cache, cache_writing
from gancli.data.source import Source, open_source
from gancli.data.split import by_length
from gancli.errors import GancliError, UsageError
from gancli.modalities.text import choose, excerpts
from gancli.modalities.text import dataset as text_data
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.dataset import TextDataset, load
from gancli.modalities.text.inspect import inspect
from gancli.modalities.text.spec import TextSpec

NAMES = [first + last for first in ("an", "bel", "co") for last in ("na", "ta", "ris", "lo")] * 3
SENTENCES = [f"a {dog} sat on the {mat}, and then it ran away to the {sea}."
             for dog in ("dog", "cat", "cow") for mat in ("mat", "hat", "bed", "sofa")
             for sea in ("sea", "lake", "hill")]


def source_of(tmp_path: Path, data: str | bytes, name: str = "x.txt") -> Source:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return open_source(str(path))


def inspect_and_load(
    source: Source, reporter: Recorder | None = None, **values: Any
) -> tuple[TextSpec, TextDataset]:
    spec, _ = inspect(source, TextConfig(**values))
    return spec, load(source, spec, TextConfig(**values), reporter or Recorder())


def decoded(spec: TextSpec, dataset: TextDataset, indices: Any = None) -> list[str]:
    chosen = np.arange(len(dataset.places)) if indices is None else np.asarray(indices[:])
    batch = dataset.take(chosen).arrays
    pairs = zip(batch["tokens"], batch["lengths"], strict=True)
    return [spec.tokenizer().decode(row[:length]) for row, length in pairs]


@pytest.mark.parametrize("tokens", ["char", "byte", "word", "bpe"])
def test_samples_come_back_with_room_for_their_end(tmp_path: Path, tokens: str) -> None:
    source = source_of(tmp_path, "\n".join(SENTENCES))
    spec, dataset = inspect_and_load(source, tokens=tokens, vocabulary=300, max_length=100)
    assert spec.tokens == tokens and spec.count == 36 and spec.length == 100
    assert decoded(spec, dataset) == SENTENCES
    batch = dataset.take(np.array([3, 0])).arrays
    assert set(batch) == {"tokens", "lengths"}
    assert batch["tokens"].dtype == batch["lengths"].dtype == np.int64
    width = batch["tokens"].shape[1]
    assert width % 4 == 0 and width - 4 <= batch["lengths"].max() < width
    for row, length in zip(batch["tokens"], batch["lengths"], strict=True):
        assert (row[:length] >= 2).all() and (row[length:] == 0).all()
    expected = {"char": np.uint8, "byte": np.uint16, "word": np.uint8, "bpe": np.uint16}[tokens]
    assert dataset.arrays["tokens"].dtype == expected
    assert TextSpec.from_table(json.loads(json.dumps(dataclasses.asdict(spec)))) == spec
    assert len(dataset.train) + len(dataset.held_out) == 36


def test_scripts_come_through(tmp_path: Path) -> None:
    lines = ["Съешь же ещё", "天地玄黃", "السلام عليكم", "\U0001f468\u200d\U0001f469"] * 6
    spec, dataset = inspect_and_load(source_of(tmp_path, "\r\n".join(lines)))
    assert spec.tokens == "char" and decoded(spec, dataset) == lines


def test_tokens_suit_the_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(data: str, **values: Any) -> str:
        spec, sentences = inspect(source_of(tmp_path, data), TextConfig(**values))
        assert any(why.startswith(f"Tokens: {spec.tokens}") for why in sentences)
        return spec.tokens

    rng = np.random.default_rng(0)
    rare = "\n".join(" ".join(f"w{number}" for number in rng.integers(0, 10**9, 9))
                     for _ in range(30))
    assert chosen("\n".join(NAMES)) == "char"
    assert chosen("\n".join(SENTENCES)) == "word"
    assert chosen(rare) == "char"
    assert chosen("\n".join("天地玄黃宇宙洪荒" * 4 for _ in range(30))) == "char"
    assert chosen("\n".join(SENTENCES), split="stream") == "char"
    monkeypatch.setattr(choose, "_MIN_BPE_LINES", 100)
    monkeypatch.setattr(choose, "_MIN_BPE_PROSE", 100)
    assert chosen(rare) == "bpe"
    assert chosen("\n".join(SENTENCES), split="stream") == "bpe"
    with pytest.raises(UsageError, match="too small"):
        chosen(rare, vocabulary=100)


def test_length_fits_nearly_all(tmp_path: Path) -> None:
    lines = [f"{number:04} abcdefg" for number in range(999)] + ["x" * 10_000]
    reporter = Recorder()
    source = source_of(tmp_path, "\n".join(lines))
    spec, dataset = inspect_and_load(source, reporter)
    assert spec.length == 16
    assert decoded(spec, dataset) == [*lines[:-1], "x" * 16]
    assert "Cut 1 of 1,000 lines to 16 tokens." in reporter.notes
    again = Recorder()
    load(source, spec, TextConfig(), again)
    assert again.notes == reporter.notes


def test_little_text_is_refused(tmp_path: Path) -> None:
    for data, match in (("", "no text"), ("\n \n\t\n", "no text"), ("one\n", "single line"),
                        ("x" * 100_000, "single line")):
        source = source_of(tmp_path, data)
        with pytest.raises(GancliError, match=match):
            inspect(source, TextConfig())
        spec, _ = inspect(source_of(tmp_path, "a\nb\n", "y.txt"), TextConfig())
        with pytest.raises(GancliError, match=match):
            load(source, spec, TextConfig(), Recorder())
    with pytest.raises(GancliError, match="single paragraph"):
        inspect(source_of(tmp_path, "one\ntwo\n"), TextConfig(split="paragraphs"))
    for data in ("", "\n\n"):
        with pytest.raises(GancliError, match="no text"):
            inspect(source_of(tmp_path, data), TextConfig(split="stream"))
    with pytest.raises(GancliError, match="too few"):
        inspect_and_load(source_of(tmp_path, "abc"), split="stream")


def test_two_lines_and_identical_lines(tmp_path: Path) -> None:
    _, dataset = inspect_and_load(source_of(tmp_path, "one\ntwo"))
    assert dataset.train[:].tolist() == dataset.held_out[:].tolist() == [0, 1]
    reporter = Recorder()
    _, dataset = inspect_and_load(source_of(tmp_path, "same\n" * 50), reporter)
    assert reporter.warnings == ["All 50 lines are identical."]
    assert len(dataset.train) == len(dataset.held_out) == 50


def test_binary_data_is_refused(tmp_path: Path) -> None:
    source = source_of(tmp_path, bytes(range(256)) * 10)
    spec, _ = inspect(source_of(tmp_path, "a\nb\n", "y.txt"), TextConfig())
    problem = "cannot be read as text: it is binary data"
    with pytest.raises(GancliError, match=problem):
        inspect(source, TextConfig())
    with pytest.raises(GancliError, match=problem):
        load(source, spec, TextConfig(), Recorder())


def test_a_broken_file_among_good_ones(tmp_path: Path) -> None:
    for name in ("a", "b"):
        source_of(tmp_path, "\n".join(NAMES), f"{name}.txt")
    source_of(tmp_path, bytes(100), "c.txt")
    reporter = Recorder()
    source = open_source(str(tmp_path))
    spec, dataset = inspect_and_load(source, reporter)
    assert reporter.warnings == ["Skipped 1 of 3 files: 'c.txt': it is binary data."]
    assert len(dataset.places) == spec.count == 72
    with pytest.raises(GancliError, match="c.txt"):
        load(source, spec, TextConfig(strict=True), reporter)
    for name in ("d", "e"):
        source_of(tmp_path, bytes(100), f"{name}.txt")
    with pytest.raises(GancliError, match="3 of 5 files"):
        inspect(open_source(str(tmp_path)), TextConfig())


def test_bad_bytes_are_reported(tmp_path: Path) -> None:
    source = source_of(tmp_path, b"caf\xe9 au lait\n" + "\n".join(NAMES).encode())
    reporter = Recorder()
    spec, dataset = inspect_and_load(source, reporter)
    assert reporter.warnings[0].startswith("Replaced 1 bytes")
    assert "'x.txt', byte 3, line 1" in reporter.warnings[0]
    assert decoded(spec, dataset, [0]) == ["caf\ufffd au lait"]
    with pytest.raises(GancliError, match="byte 3, line 1"):  # although it is in the cache
        load(source, spec, TextConfig(strict=True), reporter)


def test_characters_outside_the_vocabulary_are_unknown(tmp_path: Path) -> None:
    spec, _ = inspect(source_of(tmp_path, "\n".join(NAMES)), TextConfig())
    reporter = Recorder()
    source = source_of(tmp_path, "\n".join([*NAMES, "zoq", ""]), "y.txt")
    dataset = load(source, spec, TextConfig(), reporter)
    assert any("2 of" in note and "unknown" in note for note in reporter.notes)
    assert decoded(spec, dataset, [36]) == ["\ufffdo\ufffd"]


def test_copies_of_a_line_fall_on_one_side(tmp_path: Path) -> None:
    lines = [f"line {number % 60:02}" for number in range(300)]
    spec, dataset = inspect_and_load(source_of(tmp_path, "\n".join(lines)), holdout=0.2)
    train, held = (
        set(decoded(spec, dataset, indices)) for indices in (dataset.train, dataset.held_out)
    )
    assert not train & held and len(train | held) == 60
    assert 40 <= len(dataset.held_out) <= 60
    # Adding lines moves few of the others.
    more = [*lines, *(f"more {number}" for number in range(30))]
    other, grown = inspect_and_load(source_of(tmp_path, "\n".join(more), "y.txt"), holdout=0.2)
    assert len(held & set(decoded(other, grown, grown.held_out))) >= 8


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_texts_that_differ_only_behind_the_cut_fall_on_one_side(
    tmp_path: Path, tokens: str
) -> None:
    words = "ab cd ef gh ij kl mn op qr st".split()
    lines = [
        " ".join([words[number % 10], words[number // 10 % 10], *words[:4], f"x{number}"])
        for number in range(400)
    ]
    length = {"char": 17, "word": 6}[tokens]
    spec, dataset = inspect_and_load(
        source_of(tmp_path, "\n".join(lines)), tokens=tokens, max_length=length, holdout=0.2
    )
    train, held = (
        set(decoded(spec, dataset, part)) for part in (dataset.train, dataset.held_out)
    )
    assert len(train | held) == 100 and len(held) == 20 and not train & held


def test_a_step_sees_samples_of_similar_length(tmp_path: Path) -> None:
    lines = ["x" * (1 + number % 97) + f" {number}" for number in range(2000)]
    _, dataset = inspect_and_load(source_of(tmp_path, "\n".join(lines)), tokens="char")
    count = 20
    steps = len(dataset.train) // count
    assert steps % 16 != 0
    batches = [dataset.batch(3, step, count) for step in range(112)]
    assert np.array_equal(batches[5], dataset.batch(3, 5, count))
    assert not np.array_equal(batches[5], dataset.batch(4, 5, count))
    spread = [np.ptp(dataset.places.lengths(indices)) for indices in batches]
    assert np.mean(spread) < 15 and len(np.concatenate(batches)) == 112 * count
    # Windows are complete: 80 steps contain 1,600 of the 1,800 items, each once.
    assert len(set(np.concatenate(batches[:80]).tolist())) == 1600
    means = [dataset.places.lengths(indices).mean() for indices in batches[:16]]
    assert means != sorted(means)


def test_each_item_comes_up_once_an_epoch() -> None:
    lengths = np.arange(320) % 7
    steps = [by_length(lambda items: lengths[items], 320, 0, step, 10) for step in range(64)]
    for epoch in (steps[:32], steps[32:]):
        assert sorted(np.concatenate(epoch).tolist()) == list(range(320))


def test_a_stream_is_cut_into_windows(tmp_path: Path) -> None:
    text = "".join(f"Line {number}, and on it goes.\n" for number in range(100))
    spec, dataset = inspect_and_load(source_of(tmp_path, text), split="stream", max_length=40)
    assert spec.tokens == "char" and spec.length == 40 and spec.count == len(text)
    batch = dataset.take(dataset.batch(0, 0, 6)).arrays
    assert batch["tokens"].shape == (6, 40) and (batch["lengths"] == 40).all()
    assert (batch["tokens"] >= 2).all()
    train, held_out = (
        dataset.places.starts(part[:]).tolist() for part in (dataset.train, dataset.held_out)
    )
    edge = held_out[0]
    assert train == list(range(0, edge - 39, 20))
    assert held_out == list(range(edge, len(text) - 39, 40))
    assert edge == pytest.approx(0.9 * len(text), abs=1)
    assert "".join(decoded(spec, dataset, dataset.held_out)) in text
    with pytest.raises(UsageError, match="no classes"):
        inspect(source_of(tmp_path, text), TextConfig(split="stream", labels="folders"))


@pytest.mark.parametrize("tokens", ["byte", "word", "bpe"])
def test_streams_of_other_tokens(tmp_path: Path, tokens: str) -> None:
    text = "".join(f"Some line, {number % 7} of it.\n\n" for number in range(200))
    source = source_of(tmp_path, text)
    spec, dataset = inspect_and_load(source, split="stream", tokens=tokens, vocabulary=300)
    assert spec.tokenizer().decode(dataset.arrays["tokens"].astype(np.int64)) == text
    assert spec.length == {"byte": 128, "word": 64, "bpe": 64}[tokens]


def test_folders_are_classes(tmp_path: Path) -> None:
    source_of(tmp_path, "\n".join(NAMES), "good/a.txt")
    source_of(tmp_path, "\n".join(NAMES[:12]), "bad/b.txt")
    source = open_source(str(tmp_path))
    spec, dataset = inspect_and_load(source)
    assert spec.classes == ("bad", "good") and spec.class_counts == (12, 36)
    labels = dataset.take(np.arange(48)).labels
    assert labels is not None and labels.tolist() == [0] * 12 + [1] * 36
    assert inspect_and_load(source, labels="none")[1].labels is None
    reporter = Recorder()
    flat = source_of(tmp_path / "flat", "\n".join(NAMES))
    assert load(flat, spec, TextConfig(), reporter).labels is None and reporter.warnings


def test_a_column_is_the_class(tmp_path: Path) -> None:
    rows = [f"{('ham', 'spam')[number % 2]}\tmessage {number}" for number in range(40)]
    source = source_of(tmp_path, "label\ttext\n" + "\n".join(rows), "x.tsv")
    spec, dataset = inspect_and_load(source)
    assert spec.classes == ("ham", "spam") and spec.class_counts == (20, 20)
    assert (spec.text_column, spec.label_column, spec.count) == (2, 1, 40)
    assert dataset.labels is not None and dataset.labels[:3].tolist() == [0, 1, 0]
    assert decoded(spec, dataset, [39]) == ["message 39"]
    reporter = Recorder()
    other = source_of(tmp_path, "\n".join([*rows, "eggs\tx"]), "y.tsv")
    assert len(load(other, spec, TextConfig(), reporter).places) == 40
    assert "Skipped 1 of 41" in reporter.warnings[0]
    assert inspect_and_load(source, labels="none")[0].classes == ()
    with pytest.raises(UsageError, match="no column"):
        inspect(source_of(tmp_path, "\n".join(NAMES)), TextConfig(labels="column"))


def test_json_lines(tmp_path: Path) -> None:
    rows = [json.dumps({"body": name, "n": 1}) for name in NAMES]
    source = source_of(tmp_path, "\n".join([*rows, "{"]), "x.jsonl")
    reporter = Recorder()
    spec, dataset = inspect_and_load(source, reporter, field="body")
    assert spec.field == "body" and decoded(spec, dataset) == NAMES
    assert "Skipped 1 of 37" in reporter.warnings[0]
    assert inspect(source, TextConfig())[0].field == "body"  # the only one with text
    with pytest.raises(UsageError) as caught:
        inspect(source, TextConfig(field="text"))
    assert "'body'" in caught.value.hint
    with pytest.raises(GancliError, match="40 of 76 records"):
        inspect(source_of(tmp_path, "\n".join([*rows, *["{"] * 40]), "y.jsonl"),
                TextConfig(field="body"))


def test_a_column_of_a_table_is_a_field_of_json(tmp_path: Path) -> None:
    rows = [{"id": str(at), "body": f"message {at}", "kind": at % 3} for at in range(40)]
    as_json = "\n".join(map(json.dumps, rows))
    as_table = "id,body,kind\n" + "\n".join(",".join(map(str, row.values())) for row in rows)
    for text, name in ((as_json, "x.jsonl"), (as_json, "x"), (as_table, "x.csv"), (as_table, "x")):
        source = source_of(tmp_path, text, name)
        for column in ({"field": "body"}, {"text_column": "body"}):
            spec, dataset = inspect_and_load(source, label_column="kind", **column)
            assert spec.classes == ("0", "1", "2"), (name, column)
            assert decoded(spec, dataset) == [row["body"] for row in rows]
            assert dataset.labels is not None and dataset.labels.tolist() == [0, 1, 2] * 13 + [0]
        with pytest.raises(UsageError, match="no (column|field) 'colour'"):
            inspect(source, TextConfig(text_column="body", label_column="colour"))
        with pytest.raises(UsageError, match="no (column|field) 'colour'"):
            inspect(source, TextConfig(text_column="colour"))
        assert inspect(
            source, TextConfig(field="body", label_column="kind", labels="none")
        )[0].classes == ()


def test_json_without_the_class_is_skipped_and_other_text_has_none(tmp_path: Path) -> None:
    rows = [json.dumps({"text": name, "label": "ab"[len(name) % 2]}) for name in NAMES]
    broken = [*rows, json.dumps({"text": "x", "label": None}), json.dumps({"text": "y"})]
    reporter = Recorder()
    spec, dataset = inspect_and_load(
        source_of(tmp_path, "\n".join(broken), "x.jsonl"), reporter, label_column="label"
    )
    assert (spec.label_field, spec.label_column, spec.classes) == ("label", 0, ("a", "b"))
    assert decoded(spec, dataset) == NAMES and "Skipped 2 of 38" in reporter.warnings[0]
    assert type(spec).from_table(dataclasses.asdict(spec)) == spec
    older = {key: value for key, value in dataclasses.asdict(spec).items() if key != "label_field"}
    assert type(spec).from_table(older).label_field == ""
    plain = load(source_of(tmp_path, "\n".join(NAMES), "y.txt"), spec, TextConfig(), Recorder())
    assert plain.labels is None


def test_the_cache_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(tmp_path, "\n".join(SENTENCES))
    spec, dataset = inspect_and_load(source)

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(text_data, "_encode", never)
    again = load(source, spec, TextConfig(), Recorder())
    assert again.fingerprint == dataset.fingerprint
    assert decoded(spec, again) == decoded(spec, dataset)
    with pytest.raises(AssertionError):
        load(source, dataclasses.replace(spec, length=5), TextConfig(), Recorder())


def test_the_fingerprint_follows_the_text(tmp_path: Path) -> None:
    source = source_of(tmp_path, "\n".join(NAMES))
    spec, dataset = inspect_and_load(source)
    moved = load(source_of(tmp_path, "\n".join(NAMES), "y.txt"), spec, TextConfig(), Recorder())
    other = load(source_of(tmp_path, "\n".join(NAMES[1:]), "z.txt"), spec, TextConfig(), Recorder())
    assert moved.fingerprint == dataset.fingerprint != other.fingerprint


@pytest.mark.parametrize("state", ["memory", "mapped", "unusable", "full"])
def test_wherever_the_ids_are_kept(
    tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = Recorder()
    if state == "mapped":
        monkeypatch.setattr(cache, "memory_limit", lambda: 100)
    elif state == "unusable":
        (tmp_path / "way").write_bytes(b"")
        monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "way"))
    elif state == "full":
        full = OSError(28, "full")
        monkeypatch.setattr(cache_writing, "sync", lambda _: (_ for _ in ()).throw(full))
    spec, dataset = inspect_and_load(source_of(tmp_path, "\n".join(SENTENCES)), reporter)
    assert decoded(spec, dataset) == SENTENCES
    assert len(reporter.warnings) == (state in ("unusable", "full"))
    assert isinstance(dataset.arrays["tokens"], np.memmap) == (state == "mapped")
    if state == "full":
        assert list(cache.cache_folder().iterdir()) == []


def test_what_fits_nowhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, _ = inspect(source := source_of(tmp_path, "\n".join(SENTENCES)), TextConfig())
    (tmp_path / "way").write_bytes(b"")
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "way"))
    monkeypatch.setattr(cache, "memory_limit", lambda: 100)
    with pytest.raises(GancliError, match="cannot hold it"):
        load(source, spec, TextConfig(), Recorder())


def test_large_corpora_are_estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpts, "_WHOLE_BYTES", 1000)
    monkeypatch.setattr(excerpts, "_WINDOW_BYTES", 200)
    source = source_of(tmp_path, "\n".join(f"{number:05} abc" for number in range(9000)))
    spec, sentences = inspect(source, TextConfig())
    assert "about" in sentences[0] and 7500 < spec.count < 10_500
    dataset = load(source, spec, TextConfig(), Recorder())
    assert len(dataset.places) == 9000


def good() -> dict[str, Any]:
    return {
        "tokens": "char", "vocabulary": ["a", "b"], "rules": "", "length": 8, "split": "lines",
        "field": "", "text_column": 0, "label_column": 0, "classes": ["x", "y"],
        "class_counts": [1, 2], "count": 3,
    }


def test_damaged_specs_are_refused() -> None:
    assert TextSpec.from_table(good()).size == 4
    changes: list[dict[str, Any]] = [
        {"tokens": "letters"}, {"tokens": []}, {"tokens": "byte"}, {"vocabulary": []},
        {"vocabulary": ["ab"]}, {"vocabulary": ["a", "a"]}, {"vocabulary": "ab"},
        {"vocabulary": [1]}, {"vocabulary": [""]}, {"vocabulary": ["\ud800"]}, {"rules": "marks"},
        {"rules": 1}, {"tokens": "word"}, {"tokens": "word", "rules": "x"},
        {"tokens": "word", "rules": "marks", "vocabulary": ["a b"]},
        {"tokens": "bpe", "vocabulary": [], "rules": "{}"}, {"length": 0}, {"length": 1 << 40},
        {"length": True}, {"length": 1.5}, {"split": "words"}, {"field": None},
        {"text_column": -1}, {"label_column": "1"}, {"classes": ["x"]}, {"classes": ["x", "x"]},
        {"class_counts": [1]}, {"class_counts": [1, -1]}, {"count": None}, {"more": 1},
    ]
    for change in changes:
        with pytest.raises(GancliError):
            TextSpec.from_table({**good(), **change})
    table = good()
    del table["count"]
    for bad in (table, {}, [], None):
        with pytest.raises(GancliError):
            TextSpec.from_table(bad)  # type: ignore[arg-type]
