"""How things are said: to a terminal, to a pipe, to a program."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from gancli.cli.console import Output
from gancli.cli.lines import clean, columns, status_line
from gancli.errors import GancliError
from gancli.reporting import Status


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def status(step: int, progress: float, **more: object) -> Status:
    return Status(step, progress, 512.0, 8.0, {"g": 0.5, "d": 1.25}, **more)  # type: ignore[arg-type]


def test_status_line():
    full = status(
        1234, 0.125, score=12.5, best=11.25, trend="improving", floor=3.5, held_out_loss=2.25,
        threads=2, phase="adversarial",
    )
    assert status_line(full) == (
        " 12%  step 1,234, 512 steps/s, 8s left, score 12.5 improving (best 11.25, floor 3.5), "
        "held-out loss 2.25, g 0.5, d 1.25, 2 threads, adversarial phase"
    )
    assert "left" not in status_line(Status(0, 0.0, 0.0, None))


def test_control_characters_of_names_are_shown():
    assert clean("a\x1b[2Jb\nc\u2028é") == "a\\x1b[2Jb\\nc\\u2028é"


def test_columns():
    assert columns([("a", "1"), ("bcd", "23")], frozenset({1})) == ["a     1", "bcd  23"]
    assert columns([]) == []


def test_plain_progress_at_intervals(capsys):
    clock = Clock()
    with Output(clock=clock) as output:
        for second in range(151):
            clock.now = float(second)
            output.status(status(second, second / 200))
    steps = [int(line.split("step ")[1].split(",")[0])
             for line in capsys.readouterr().err.splitlines()]
    assert steps == [0, 10, 20, 30, 40, 50, 60, 90, 120, 150]


def test_the_last_status_is_said_once(capsys):
    clock = Clock()
    with Output(clock=clock) as output:
        for progress in (0.0, 0.5, 1.0, 1.0):
            output.status(status(1, progress))
    assert [line.split("%")[0].strip() for line in capsys.readouterr().err.splitlines()] == [
        "0", "100"
    ]


def test_short_jobs_need_no_progress(capsys):
    clock = Clock()
    with Output(clock=clock) as output:
        for second in (0.0, 5.0, 11.0):
            clock.now = second
            output.progress("Decoding", 10 * int(second), 1000)
    assert capsys.readouterr().err == "Decoding: 110 of 1,000\n"


@pytest.mark.parametrize(
    "variables", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}, {"TERM": ""}]
)
def test_terminals_that_want_no_escapes(monkeypatch, variables):
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with Output() as output:
        output.note("Hello [bold]there[/bold].")
        output.status(status(1, 0.5))
        output.warn("Careful.")
    text = stream.getvalue()
    assert "\x1b" not in text
    assert text.splitlines()[0] == "Hello [bold]there[/bold]."
    assert text.splitlines()[-1] == "Warning: Careful."


def test_live_display(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    stream, clock = Terminal(), Clock()
    monkeypatch.setattr(sys, "stderr", stream)
    with Output(clock=clock) as output:
        output.note("[red]before[/red]")
        for step in range(100):
            clock.now += 0.01
            output.status(status(step, step / 100, score=2.0, trend="improving"))
        output.note("[red]during[/red] :smile:")
    text = stream.getvalue()
    assert "\x1b[" in text
    assert "score 2 " in text and "improving" in text
    assert "[red]before[/red]" in text
    assert "[red]during[/red] :smile:" in text
    assert text.count("left") < 10  # not a frame each step
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is back


def test_quiet_and_json_keep_notes_back(capsys):
    for mode in ("quiet", "json"):
        with Output(mode) as output:
            output.note("note")
            output.status(status(1, 0.5))
            output.progress("Decoding", 1, 1)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_json_result_holds_the_warnings(capsys):
    with Output("json") as output:
        output.warn("odd")
        output.result({"a": Path("b")})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"a": "b", "warnings": ["odd"]}
    assert captured.err == ""


def test_a_training_talks_while_its_result_is_json(capsys):
    with Output("json", talks=True) as output:
        output.note("note")
        output.status(status(1, 0.5))
        output.warn("odd")
        output.result({"a": 1})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"a": 1, "warnings": ["odd"]}
    said = captured.err.splitlines()
    assert (said[0], said[-1]) == ("note", "Warning: odd") and "step 1" in said[1]


def test_data_may_be_any_path(capfdbinary):
    with Output() as output:
        output.data(os.fsdecode(b"\xff.png"))
    assert capfdbinary.readouterr().out == b"\xff.png\n"


def test_a_lost_stderr_does_not_end_the_work(monkeypatch):
    class Lost(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Lost())
    with Output() as output:
        output.note("a")
        output.status(status(1, 0.5))


def test_closed_stdout(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with Output() as output, pytest.raises(GancliError, match="closed"):
        output.data("x")


def test_json_errors(call):
    result = call("train", "image", "--json", "--batch", "1")
    assert (result.status, result.out) == (2, "")
    assert json.loads(result.err) == {
        "error": "--batch cannot be 1.", "code": 2,
        "hint": "It must be at least 2 and at most 65536.",
    }


def test_models_fit_80_columns_and_begin_a_line_each(call):
    lines = call("models").out.splitlines()
    assert max(map(len, lines)) <= 80
    heads = [line.split() for line in lines if not line.startswith(" ")]
    table = json.loads(call("models", "--json").out)
    assert heads == [[kind[:-1], entry["modality"], entry["name"]]
                     for kind, entries in table.items() for entry in entries]
    text = " ".join(" ".join(lines).split())
    for entries in table.values():
        for entry in entries:
            assert entry["about"] in text and f"Licence: {entry['licence']}" in text


def test_models_and_doctor_speak_json(call):
    assert set(json.loads(call("models", "--json").out)) == {"models", "samples"}
    result = call("doctor", "--json")
    table = json.loads(result.out)
    assert result.status == (0 if table["sound"] else 1)
    assert {"torch", "devices", "cache"} <= {finding["name"] for finding in table["findings"]}
    assert "\x1b" not in result.out
