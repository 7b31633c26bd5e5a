"""``gancli sample text`` on a terminal, in a pipe, and without standard output."""

import contextlib
import json
import os
import pty
import sys
import types

import pytest
import typer
from text_samples import Source, codec

from gancli.cli.commands import sample as sample_command
from gancli.cli.console import Output
from gancli.cli.flags import declare
from gancli.errors import GancliError, UsageError
from gancli.modalities.text.config import TextSampleConfig


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
        "gancli.artifacts.engine": {
            "open_engine": lambda model, options: contextlib.nullcontext()
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
