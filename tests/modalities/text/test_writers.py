"""Texts leave as they are made, one a line whatever they hold, and can be read back."""

import io
import os
import threading

import numpy as np
import pytest
from helpers import Recorder, write_samples
from hypothesis import example, given
from hypothesis import strategies as st
from text_samples import Source, codec, run, sample_of, unescape

from gancli.config import resolve
from gancli.errors import GancliError, UsageError
from gancli.modalities.text.config import TextSampleConfig
from gancli.modalities.text.generated import GeneratedText
from gancli.modalities.text.writers import encoded, escape
from gancli.sampling.request import Sample, SampleRequest


@given(st.text(alphabet=st.sampled_from("\\nr\n\r aé"), max_size=12))
@example("\\\n\\\\n\\\\\r\\")
def test_any_text_is_one_line_that_can_be_read_back(text):
    line = escape(text)
    assert "\n" not in line and "\r" not in line
    assert unescape(line) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""), ("plain «text», 中文, العربية, 👩‍👩‍👧", "plain «text», 中文, العربية, 👩‍👩‍👧"),
        ("C:\\temp \\times \\", "C:\\temp \\times \\"), ("C:\\new", "C:\\\\new"),
        ("a\nb", "a\\nb"), ("a\r\nb", "a\\r\\nb"), ("a\\\nb", "a\\\\\\nb"), ("\t\x85", "\t\x85"),
    ],
)
def test_plain_text_stays_plain(text, line):
    assert escape(text) == line
    assert run(Source({0: text}), [0])[1] == f"{line}\n".encode()


def test_five_samples_are_five_lines():
    texts = {0: "a\nb\n", 1: "", 2: "\r\n", 3: "\n" * 40}
    files, data = run(Source(texts), list(range(5)), output="-")
    assert files == []
    assert data.count(b"\n") == len(data.splitlines()) == 5
    assert [unescape(line) for line in data.decode().split("\n")[:5]] == [*texts.values(), "text 4"]


def test_repeated_seeds_are_repeated_lines():
    assert run(Source(), [3, 3])[1] == b"text 3\ntext 3\n"


def test_halves_of_characters_do_not_break_utf8():
    source = Source({0: "a\ud83d\ude00b\udcff"})
    for options in ({}, {"jsonl": True}, {"null": True}):
        assert "a\ufffd\ufffdb\ufffd" in run(source, [0], **options)[1].decode()
    assert encoded("é") == "é".encode()


def test_nul_escapes_nothing_and_ends_each():
    _, data = run(Source({0: "a\nb\\n", 1: "c\0d"}), [0, 1], null=True)
    assert data.decode() == "a\nb\\n\0c\ufffdd\0"


def test_that_breaks_are_escaped_is_said_where_there_can_be_some(tmp_path):
    for split, options, count in (
        ("lines", {}, 0), ("paragraphs", {}, 1), ("stream", {"output": f"{tmp_path}/a"}, 1),
        ("stream", {"null": True}, 0), ("stream", {"jsonl": True}, 0),
        ("stream", {"output": f"{tmp_path}/"}, 0),
    ):
        ear = Recorder()
        run(Source(), [1], ear, of=codec(split=split), **options)
        assert len(ear.notes) == count


@pytest.mark.parametrize("options", [{}, {"jsonl": True}, {"null": True}])
def test_each_text_is_sent_on_before_the_next_is_made(options):
    source, seen = Source(), []

    class Pipe(io.BytesIO):
        def flush(self):
            seen.append((source.made, self.getvalue().count(b"text ")))

    pipe = Pipe()
    write_samples(codec(), range(9), TextSampleConfig(**options), source, stdout=lambda: pipe)
    assert seen[:9] == [(count, count) for count in range(1, 10)]


def test_a_reader_that_has_seen_enough_stops_the_work():
    source, (end, start) = Source(), os.pipe()
    seen = []

    def head():
        with open(end, "rb") as reader:
            seen.extend(reader.readline() for _ in range(3))

    thread = threading.Thread(target=head)
    thread.start()
    stream = open(start, "wb")
    with pytest.raises(BrokenPipeError):
        write_samples(codec(), range(10**5), TextSampleConfig(), source, stdout=lambda: stream)
    thread.join()
    with pytest.raises(BrokenPipeError):  # what it still holds
        stream.close()
    assert seen == [b"text 0\n", b"text 1\n", b"text 2\n"]
    assert 3 <= source.made < 10**5


def test_stdout_is_asked_for_before_the_work():
    source = Source()

    def closed():
        raise GancliError("Standard output is closed.", "Open it.")

    with pytest.raises(GancliError, match="closed"):
        write_samples(codec(), [1], TextSampleConfig(), source, stdout=closed)
    assert source.made == 0


def test_a_terminal_obeys_no_text():
    class Terminal(io.BytesIO):
        def isatty(self):
            return True

    texts = {0: "\x1b[2Jé\t\x9b5n", 1: "a\nb"}
    for options, expected in (
        ({}, "\\x1b[2Jé\t\\x9b5n\na\\nb\n"), ({"null": True}, "\\x1b[2Jé\t\\x9b5n\0a\nb\0"),
    ):
        stream = Terminal()
        write_samples(codec(), [0, 1], TextSampleConfig(**options), Source(texts),
                      stdout=lambda s=stream: s)
        assert stream.getvalue().decode() == expected
    assert run(Source(texts), [0])[1].startswith(b"\x1b")  # elsewhere they are as they are


@pytest.mark.parametrize("name", ["texts/", "there"])
def test_a_directory_gets_a_file_for_each_seed(tmp_path, name):
    (tmp_path / "there").mkdir()
    files, data = run(Source({7: "a\nb\\n\ud800"}), [7, 1234567, 7], output=f"{tmp_path}/{name}")
    assert [path.name for path in files] == ["seed-000007.txt", "seed-1234567.txt"]
    assert sorted((tmp_path / name).iterdir()) == sorted(files)
    assert files[0].read_bytes() == "a\nb\\n\ufffd\n".encode()
    assert (files[1].read_text(), data) == ("text 1234567\n", b"")


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "dir/"])
def test_nothing_is_replaced_unasked(tmp_path, name):
    files, _ = run(Source(), [1, 2], output=f"{tmp_path}/{name}")
    files[-1].write_bytes(b"mine")
    source = Source()
    with pytest.raises(GancliError) as caught:
        run(source, [7, 2], output=f"{tmp_path}/{name}")
    assert "--force" in caught.value.hint and source.made == 0
    assert files[-1].read_bytes() == b"mine"
    run(source, [7, 2], output=f"{tmp_path}/{name}", force=True)
    assert b"text 2" in files[-1].read_bytes()


def test_an_error_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.txt"
    target.write_bytes(b"old")
    with pytest.raises(GancliError, match="sky"):
        run(Source(fails_at=3), list(range(9)), output=str(target), force=True)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for output in ("file/", "file/a.txt"):
        source = Source()
        with pytest.raises(GancliError):
            run(source, [1], output=f"{tmp_path}/{output}", force=True)
        assert source.made == 0


@pytest.mark.parametrize(
    "options",
    [
        {"jsonl": True, "null": True}, {"output": "a.jsonl", "null": True}, {"output": ""},
        {"output": "dir/", "jsonl": True}, {"output": "dir/", "null": True}, {"prompt": ""},
        {"output": "a.txt.gz"}, {"output": "a.TAR"}, {"output": "a.json"}, {"output": "a.csv"},
        {"output": "a.ndjson", "null": True}, {"prompt": "\udcff"},
        {"class_name": "dog", "output": "new/a.txt"},
    ],
)
def test_options_that_clash_are_refused_before_the_work(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    source = Source()
    with pytest.raises(UsageError) as caught:
        run(source, [1, 2], **options)
    assert caught.value.hint
    assert source.made == 0 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given",
    [{"top_k": 0}, {"top_k": "few"}, {"top_p": 0}, {"top_p": 1.5}, {"top_p": "nan"},
     {"temperature": 0}, {"temperature": -1}, {"temperature": 101}, {"max_length": 0}],
)
def test_values_out_of_bounds_are_refused(given):
    with pytest.raises(UsageError) as caught:
        resolve(TextSampleConfig, command_line=given)
    assert caught.value.hint


def test_a_sample_ends_at_its_end():
    item = np.array([[5, -1], [6, -2], [0, -0.5], [0, 0]], np.float32)
    cut = np.array([[5, -1], [70_001, -2]], np.float32)

    def decode(ids):
        return " ".join(map(str, ids))

    samples = [
        Sample(SampleRequest(seed), data, None, log_odds)
        for seed, data, log_odds in ((3, item, 0.5), (4, cut, None), (5, item[2:], -1.0))
    ]
    first, second, third = (GeneratedText.read(sample, decode) for sample in samples)
    assert [first.sample, second.sample, third.sample] == samples
    assert (first.tokens.tolist(), first.text, first.log_likelihood) == ([5, 6], "5 6", -3.5)
    assert (second.text, second.log_likelihood) == ("5 70001", -3.0)
    assert (third.text, third.log_likelihood, third.tokens.dtype) == ("", -0.5, np.int64)


def test_a_preview_is_a_line_each(tmp_path):
    codec().preview([sample_of(text) for text in ("a\nb", "é", "")], tmp_path / "step-1.5")
    codec().preview([sample_of("x")], tmp_path / "b")
    assert (tmp_path / "step-1.5.txt").read_text(encoding="utf-8") == "a\\nb\né\n\n"
    assert (tmp_path / "b.txt").read_text() == "x\n"
