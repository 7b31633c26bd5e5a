"""Texts leave as they are made, one a line whatever they hold, and can be read back."""

import contextlib
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
from helpers import Recorder, write_samples
from hypothesis import example, given
from hypothesis import strategies as st

from gancli.cli.commands import sample as sample_command
from gancli.cli.console import Output
from gancli.cli.flags import declare
from gancli.config import resolve
from gancli.errors import GancliError, UsageError
from gancli.modalities.text.codec import TextCodec
from gancli.modalities.text.config import TextConfig, TextSampleConfig
from gancli.modalities.text.generated import GeneratedText
from gancli.modalities.text.tokens import FIRST, code_points
from gancli.modalities.text.writers import encoded, escape
from gancli.sampling.classes import choose_labels
from gancli.sampling.request import Sample, SampleRequest
from gancli.sampling.seeds import drawn_class


class CodePoints:
    """A tokenizer of all code points, halves of characters included, which no vocabulary has."""

    def encode(self, text):
        return code_points(text).astype(np.int32) + FIRST

    def encode_prompt(self, text):
        return self.encode(text), ""

    def decode(self, ids):
        return "".join(map(chr, ids - FIRST))


def codec(*classes, split="lines"):
    counts = tuple(1 for _ in classes)
    spec = types.SimpleNamespace(
        classes=classes, class_counts=counts, split=split, length=64, tokenizer=CodePoints
    )
    return TextCodec(spec, TextConfig())


def sample_of(text, request=None, label=None, log_odds=0.25, likelihood=-1.5):
    """Return a sample of a text; all of its likelihood is in the first row."""
    data = np.zeros((len(text) + 1, 2), np.float32)
    data[:-1, 0] = CodePoints().encode(text)
    data[0, 1] = likelihood
    return Sample(request or SampleRequest(0), data, label, log_odds)


class Source:
    """Makes samples and remembers how many; texts that it is not given are ``text SEED``."""

    def __init__(self, texts=None, fails_at=None, labels=None):
        self.texts, self.fails_at, self.labels, self.made = texts or {}, fails_at, labels or {}, 0

    def __call__(self, requests):
        for request in requests:
            if self.made == self.fails_at:
                raise GancliError("The sky fell.", "Run.")
            self.made += 1
            seed = request.seed
            text = self.texts.get(seed, f"text {seed}")
            yield sample_of(text, request, self.labels.get(seed))


def run(source, seeds, reporter=None, of=None, **options):
    """Return the files written and the bytes on stdout."""
    stdout = io.BytesIO()
    options = TextSampleConfig(**options)
    files = write_samples(of or codec(), seeds, options, source, reporter, lambda: stdout)
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
        ear = Recorder()
        run(Source(), [1], ear, of=codec(split=split), **options)
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
    classes, counts = ("cat", "dog"), (1, 1)
    of, requests = codec(*classes), [SampleRequest(seed) for seed in range(20)]
    for options in ({}, {"class_name": "dog"}, {"class_name": "1"}):
        labels = of.inputs(requests, TextSampleConfig(**options)).labels.tolist()
        assert labels == [1 if options else drawn_class(each, counts) for each in requests]
        source = Source(labels=dict(enumerate(labels)))
        _, data = run(source, list(range(20)), of=of, jsonl=True, **options)
        found = [json.loads(line)["class"] for line in data.splitlines()]
        assert found == [classes[label] for label in labels]
        assert set(found) == ({"dog"} if options else {"cat", "dog"})
    assert choose_labels([SampleRequest(3)], None, (), ()) is None
    tries = [SampleRequest(seed, candidate=2) for seed in range(9)]  # are of their seed's class
    drawn = choose_labels(tries, None, classes, counts)
    assert drawn.tolist() == choose_labels(requests[:9], None, classes, counts).tolist()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None])
def test_what_is_no_number_is_null(value):
    def samples(requests):
        yield sample_of("x", log_odds=value, likelihood=-0.5 if value is None else value)

    table = json.loads(run(samples, [0], jsonl=True)[1], parse_constant=pytest.fail)
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

    samples = [
        Sample(SampleRequest(seed), data, None, log_odds)
        for seed, data, log_odds in ((3, item, 0.5), (4, cut, None), (5, item[2:], -1.0))
    ]
    first, second, third = (GeneratedText.read(sample, decode) for sample in samples)
    assert [first.sample, second.sample, third.sample] == samples
    assert (first.tokens.tolist(), first.text, first.log_likelihood) == ([5, 6], "5 6", -3.5)
    assert (second.text, second.log_likelihood) == ("5 70001", -3.0)
    assert (third.text, third.log_likelihood, third.tokens.dtype) == ("", -0.5, np.int64)


def test_objects_hold_the_score_of_their_sample():
    def samples(requests):
        for request, log_odds in zip(requests, (0.5, None, -1.0), strict=True):
            yield sample_of("x", request, log_odds=log_odds)

    _, data = run(samples, [3, 4, 5], jsonl=True)
    assert [json.loads(line)["score"] for line in data.splitlines()] == [0.5, None, -1.0]


def test_a_preview_is_a_line_each(tmp_path):
    codec().preview([sample_of(text) for text in ("a\nb", "é", "")], tmp_path / "step-1.5")
    codec().preview([sample_of("x")], tmp_path / "b")
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
    def generate(engine, codec, requests, options, calibration, reporter):
        yield from Source()(requests)
        reporter.progress("Sampling", len(requests), len(requests))

    nothing = types.SimpleNamespace(spec=None, config=None, calibration=None)
    for name, attributes in {
        "gancli.sampling.sampler": {"generate": generate},
        "gancli.artifacts.finding": {"open_model": lambda name, modality, warn: nothing},
        "gancli.artifacts.networks": {
            "open_engine": lambda model, device: contextlib.nullcontext()
        },
    }.items():
        module = types.ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(name, module, raising=False)

    def draw(mode="human", binary=False, **values):
        text = types.SimpleNamespace(
            name="text", options_type=TextSampleConfig, binary=binary,
            codec=lambda: lambda spec, config: codec(),
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
        print("end", file=stream, flush=True)
        found = b""
        while not found.endswith(b"end\r\n"):  # one read may return a part
            found += os.read(terminal, 10_000)
    os.close(terminal)
    assert found == b"text 0\r\ntext 1\r\nend\r\n"  # and no progress in between


def test_a_closed_stdout_is_said(draw, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(GancliError, match="closed"):
        draw(n=2, seed=0)
