"""Texts leave as they are made, one a line whatever they hold, and can be read back."""

import io
import json
import os
import pty
import re
import sys
import threading
import types

import numpy as np
import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st

from gancli.cli.commands import sample as sample_command
from gancli.cli.console import Output
from gancli.cli.flags import declare
from gancli.config import resolve
from gancli.errors import GancliError, UsageError
from gancli.modalities.text.codec import preview, write
from gancli.modalities.text.config import TextSampleConfig
from gancli.modalities.text.generated import Sample, samples_of
from gancli.modalities.text.writers import encoded, escape
from gancli.reporting import Silent
from gancli.sampling.classes import class_of
from gancli.sampling.seeds import Candidate


def spec(*classes, split="lines"):
    return types.SimpleNamespace(
        classes=classes, class_counts=tuple(1 for _ in classes), split=split
    )


class Source:
    """Makes samples and remembers how many; texts that it is not given are ``text SEED``."""

    def __init__(self, texts=None, fails_at=None, score=0.25):
        self.texts, self.fails_at, self.score, self.made = texts or {}, fails_at, score, 0

    def __call__(self, seeds):
        for seed in seeds:
            if self.made == self.fails_at:
                raise GancliError("The sky fell.", "Run.")
            self.made += 1
            text = self.texts.get(seed, f"text {seed}")
            yield seed, Sample(np.ones(len(text), np.int64), -1.5, self.score, text)


class Ear(Silent):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def run(source, seeds, reporter=None, of=None, **options):
    """Return the files written and the bytes on stdout."""
    stdout = io.BytesIO()
    files = write(source, seeds, of or spec(), TextSampleConfig(**options), reporter or Silent(),
                  lambda: stdout)
    return files, stdout.getvalue()


def unescape(line):
    """Read a line back by the rule that the module states."""

    def back(found):
        slashes, letter = found.groups()
        half = "\\" * (len(slashes) // 2)
        return half + ({"n": "\n", "r": "\r"}[letter] if len(slashes) % 2 else letter)

    return re.sub(r"(\\+)([nr])", back, line)


# Lines


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
        ear = Ear()
        run(Source(), [1], ear, of=spec(split=split), **options)
        assert len(ear.notes) == count


# Objects


def test_objects_hold_what_is_known():
    _, data = run(Source({7: 'say "é"\n\\'}), [7, 8], jsonl=True)
    assert data.count(b"\n") == 2 and "é".encode() in data
    first, second = map(json.loads, data.splitlines())
    assert first == {
        "seed": 7, "text": 'say "é"\n\\', "tokens": 9, "log_likelihood": -1.5, "score": 0.25
    }
    assert list(second) == ["seed", "text", "tokens", "log_likelihood", "score"]


def test_objects_hold_the_class():
    of = spec("cat", "dog")
    for options in ({}, {"class_name": "dog"}, {"class_name": "1"}):
        _, data = run(Source(), list(range(20)), of=of, jsonl=True, **options)
        found = [json.loads(line)["class"] for line in data.splitlines()]
        asked = options.get("class_name")
        expected = [class_of(seed, asked, of.classes, of.class_counts) for seed in range(20)]
        assert found == [of.classes[index] for index in expected]
        assert set(found) == ({"dog"} if options else {"cat", "dog"})
    assert class_of(3, None, (), ()) is None
    for seed in range(9):  # candidates of a seed are of its class
        drawn = class_of(Candidate(seed, 2), None, of.classes, of.class_counts)
        assert drawn == class_of(seed, None, of.classes, of.class_counts)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None])
def test_what_is_no_number_is_null(value):
    def items(seeds):
        yield 0, Sample(np.ones(1, np.int64), -0.5 if value is None else value, value, "x")

    table = json.loads(run(items, [0], jsonl=True)[1], parse_constant=pytest.fail)
    assert table["score"] is None
    assert table["log_likelihood"] == (-0.5 if value is None else None)


def test_objects_are_a_line_to_every_program():
    text = "a\x0b\x0c\x1c\x85\u2028\u2029b"
    _, data = run(Source({0: text}), [0], jsonl=True)
    assert len(data.decode().splitlines()) == 1
    assert json.loads(data)["text"] == text


# As they are made


@pytest.mark.parametrize("options", [{}, {"jsonl": True}, {"null": True}])
def test_each_text_is_sent_on_before_the_next_is_made(options):
    source, seen = Source(), []

    class Pipe(io.BytesIO):
        def flush(self):
            seen.append((source.made, self.getvalue().count(b"text ")))

    pipe = Pipe()
    write(source, list(range(9)), spec(), TextSampleConfig(**options), Silent(), lambda: pipe)
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
        write(source, range(10**6), spec(), TextSampleConfig(), Silent(), lambda: stream)
    thread.join()
    with pytest.raises(BrokenPipeError):  # what it still holds
        stream.close()
    assert seen == [b"text 0\n", b"text 1\n", b"text 2\n"]
    assert 3 <= source.made < 10**6


def test_stdout_is_asked_for_before_the_work():
    source = Source()

    def closed():
        raise GancliError("Standard output is closed.", "Open it.")

    with pytest.raises(GancliError, match="closed"):
        write(source, [1], spec(), TextSampleConfig(), Silent(), closed)
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
        write(Source(texts), [0, 1], spec(), TextSampleConfig(**options), Silent(),
              lambda s=stream: s)
        assert stream.getvalue().decode() == expected
    assert run(Source(texts), [0])[1].startswith(b"\x1b")  # elsewhere they are as they are


# Files


@pytest.mark.parametrize("name", ["a.txt", "new/a", "a.jsonl", "A.JSONL", "a.csv"])
def test_the_suffix_says_whether_objects_are_written(tmp_path, name):
    target = tmp_path / name
    files, data = run(Source({1: "a\nb"}), [1, 2], output=str(target))
    assert (files, data) == ([target], b"")
    first, second = target.read_text().splitlines()
    if name.lower().endswith("jsonl"):
        assert (json.loads(first)["text"], json.loads(second)["seed"]) == ("a\nb", 2)
    else:
        assert (first, second) == ("a\\nb", "text 2")
    assert [path.name for path in target.parent.iterdir()] == [target.name]


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


# What is refused


@pytest.mark.parametrize(
    "options",
    [
        {"jsonl": True, "null": True}, {"output": "a.jsonl", "null": True}, {"output": ""},
        {"output": "dir/", "jsonl": True}, {"output": "dir/", "null": True}, {"prompt": ""},
        {"output": "a.txt.gz"}, {"output": "a.TAR"}, {"prompt": "\udcff"},
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


def test_objects_need_scores():
    assert not TextSampleConfig().scored
    assert TextSampleConfig(jsonl=True).scored
    assert TextSampleConfig(output="a.jsonl").scored
    assert TextSampleConfig(guided=2).scored


# From the generator's arrays


def test_a_sample_ends_at_its_end():
    item = np.array([[5, -1], [6, -2], [0, -0.5], [0, 0]], np.float32)
    cut = np.array([[5, -1], [70_001, -2]], np.float32)

    def decode(ids):
        return " ".join(map(str, ids))

    def items(keys):
        yield from zip(keys, (item, cut, item[2:]), (0.5, None, -1.0), strict=True)

    first, second, third = (each for _, each in samples_of(items, decode)([3, 4, 5]))
    assert (first.tokens.tolist(), first.log_likelihood, first.score) == ([5, 6], -3.5, 0.5)
    assert (second.text, second.log_likelihood, second.score) == ("5 70001", -3.0, None)
    assert (third.text, third.log_likelihood, third.tokens.dtype) == ("", -0.5, np.int64)


def test_a_preview_is_a_line_each(tmp_path):
    preview(["a\nb", "é", ""], tmp_path / "step-1.5")
    preview(["x"], tmp_path / "b.txt")
    assert (tmp_path / "step-1.5.txt").read_text(encoding="utf-8") == "a\\nb\né\n\n"
    assert (tmp_path / "b.txt").read_text() == "x\n"


# The command


@pytest.mark.parametrize(
    ("line", "null", "prompt"),
    [("-0", True, None), ("--null", True, None), ("--no-null", False, None), ("", None, None),
     ("-n 5 -0 --prompt=-0", True, "-0")],
)
def test_a_switch_may_have_a_short_flag(line, null, prompt):
    found = {}

    def command(**values):
        found.update(values)

    app = typer.Typer()
    app.command()(declare(command, TextSampleConfig))
    typer.main.get_command(app).main(line.split(), standalone_mode=False)
    assert (found["null"], found["prompt"]) == (null, prompt)


@pytest.fixture
def draw(monkeypatch):
    """Run ``gancli sample text`` with a model of nothing; the modality is no binary one."""
    def sample(model, options, reporter, stdout):
        files = write(Source(), range(options.n), spec(), options, reporter, stdout)
        reporter.progress("Sampling", options.n, options.n)
        return files

    for name, attributes in {
        "gancli.sampling.sampler": {"sample": sample},
        "gancli.artifacts.finding": {"open_model": lambda name, modality, warn: name},
    }.items():
        module = types.ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(name, module, raising=False)

    def draw(mode="human", binary=False, **values):
        text = types.SimpleNamespace(
            name="text", sample_config_type=TextSampleConfig, binary=binary
        )
        with Output(mode) as output:
            sample_command._sample(text, "some", values, output)

    return draw


def test_text_goes_to_stdout_and_the_result_does_not(draw, capfdbinary):
    draw("json", n=2, seed=0)
    captured = capfdbinary.readouterr()
    assert captured.out == b"text 0\ntext 1\n"
    assert json.loads(captured.err)["seeds"] == [0, 1]


def test_text_is_for_a_terminal_and_binary_data_is_not(draw, monkeypatch):
    terminal, end = pty.openpty()
    with os.fdopen(end, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        draw(n=2, seed=0)
        with pytest.raises(UsageError, match="terminal"):
            draw(n=2, seed=0, binary=True)
        monkeypatch.undo()
        found = os.read(terminal, 10_000)
    os.close(terminal)
    assert found == b"text 0\r\ntext 1\r\n"  # and no progress in between


def test_a_closed_stdout_is_said(draw, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(GancliError, match="closed"):
        draw(n=2, seed=0)
