"""What the terminal can draw, found out from the environment and from terminals that answer."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading

import pytest

from gancli.runtime import terminal
from gancli.runtime.terminal import Terminal, ask, detect

QUESTIONS = b"\x1b[16t\x1b[?1;1;0S\x1b[c"
XTERM = b"\x1b[?62;22c"
SIXEL = b"\x1b[6;20;10t\x1b[?1;0;1024S\x1b[?62;4;22c"


class Fake:
    """A terminal of this process: it has a size and answers questions, a byte at a time or not."""

    def __init__(self, answer=None, size=(30, 100, 0, 0), slowly=False):
        self.master, self.handle = pty.openpty()
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("4H", *size))
        self.answer, self.asked, self.slowly = answer, b"", slowly
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(self.master, 1000):
                self.asked += part
                if self.answer and self.asked == QUESTIONS:
                    size = 1 if self.slowly else len(self.answer)
                    for start in range(0, len(self.answer), size):
                        os.write(self.master, self.answer[start : start + size])

    def __enter__(self):
        self.before = termios.tcgetattr(self.handle)
        self.thread.start()
        return self

    def __exit__(self, *error):
        assert termios.tcgetattr(self.handle) == self.before
        os.close(self.handle)
        self.thread.join()
        os.close(self.master)


@pytest.fixture
def found(monkeypatch):
    """Detect a fake terminal; one that answers is waited for however slow this machine is."""

    def found(environment, answer=None, unicode=True, **more):
        monkeypatch.setattr(terminal, "_PATIENCE", 60.0 if answer else 0.05)
        with Fake(answer, **more) as fake:
            return detect(fake.handle, environment, unicode=unicode), fake

    return found


@pytest.mark.parametrize(
    ("environment", "answer", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, XTERM, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, XTERM, "kitty"),
        ({"TERM": "xterm-ghostty"}, None, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, XTERM, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, SIXEL, "iterm"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, None, "iterm"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, SIXEL, "iterm"),
        ({"TERM": "xterm"}, SIXEL, "sixel"),
        ({"TERM": "foot"}, b"\x1b[?4c", "sixel"),
        ({"TERM": "xterm-256color"}, XTERM, "blocks"),
        ({"TERM": "xterm-256color"}, b"\x1b[?64;14;24;40c", "blocks"),
        ({"TERM": "xterm-256color"}, None, "blocks"),
        ({"TERM": "linux"}, b"\x1b[?6c", "blocks"),
        # A multiplexer hides the terminal that the environment speaks of.
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, XTERM, "blocks"),
        ({"TERM": "screen", "LC_TERMINAL": "iTerm2"}, XTERM, "blocks"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, SIXEL, "sixel"),
        ({"TERM": "xterm-kitty", "ZELLIJ": "0"}, XTERM, "blocks"),
    ],
)
def test_protocols(found, environment, answer, protocol):
    screen, fake = found(environment, answer)
    assert screen.protocol == protocol
    assert (screen.columns, screen.rows) == (100, 30)
    assert fake.asked == QUESTIONS


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "dumb"}, {}, {"TERM": ""}, {"TERM": "xterm-kitty", "NO_COLOR": "1"},
     {"TERM": "dumb", "KITTY_WINDOW_ID": "1"}],
)
def test_who_wants_no_escapes_is_not_asked(found, environment):
    screen, fake = found(environment, SIXEL)
    assert screen == Terminal("characters", 100, 30)
    assert fake.asked == b""


def test_answers_may_come_byte_by_byte_and_are_read_to_their_end(found):
    screen, _ = found({"TERM": "xterm"}, SIXEL, slowly=True)
    assert screen == Terminal("sixel", 100, 30, (10, 20), 256)
    screen, _ = found({"TERM": "xterm"}, SIXEL.replace(b"1024", b"16"))
    assert screen.colors == 16


@pytest.mark.parametrize(
    ("size", "answer", "cell"),
    [
        ((30, 100, 900, 540), SIXEL, (9, 18)), ((30, 100, 0, 0), SIXEL, (10, 20)),
        ((30, 100, 0, 0), XTERM, (8, 16)), ((30, 100, 0, 0), None, (8, 16)),
        ((30, 100, 50, 50), None, (8, 16)), ((30, 100, 65535, 65535), None, (8, 16)),
        ((30, 100, 0, 0), b"\x1b[6;0;99999t" + XTERM, (8, 16)),
    ],
)
def test_the_size_of_a_character(found, size, answer, cell):
    assert found({"TERM": "xterm"}, answer, size=size)[0].cell == cell


@pytest.mark.parametrize(
    ("variables", "colors"),
    [({}, 256), ({"COLORTERM": "truecolor"}, 2**24), ({"COLORTERM": "24bit"}, 2**24),
     ({"COLORTERM": "yes"}, 256)],
)
def test_colors_of_text(found, variables, colors):
    assert found({"TERM": "xterm", **variables}, XTERM)[0].colors == colors


def test_a_terminal_of_ascii_gets_characters_unless_it_draws(found):
    assert found({"TERM": "xterm"}, XTERM, unicode=False)[0].protocol == "characters"
    assert found({"TERM": "xterm"}, SIXEL, unicode=False)[0].protocol == "sixel"


def test_a_size_that_is_not_known_is_the_usual(found):
    screen, _ = found({"TERM": "xterm"}, XTERM, size=(0, 0, 0, 0))
    assert (screen.columns, screen.rows) == (80, 24)


def test_a_terminal_that_talks_without_end_is_not_listened_to_for_ever(monkeypatch):
    monkeypatch.setattr(terminal, "_PATIENCE", 60.0)
    with Fake(b"x" * 3000) as fake:
        assert set(ask(fake.handle)) == {ord("x")}


def test_what_has_no_name_does_not_answer(tmp_path, monkeypatch):
    with open(tmp_path / "file", "w+b") as file:
        assert ask(file.fileno()) == b"" and file.read() == b""
    with Fake(SIXEL) as fake:
        monkeypatch.setattr(os, "ttyname", lambda handle: str(tmp_path / "gone"))
        assert detect(fake.handle, {"TERM": "xterm"}).protocol == "blocks"
    assert fake.asked == b""


def test_a_job_in_the_background_asks_nothing_and_is_not_stopped():
    """Its terminal would stop it as soon as it changed the modes."""
    code = """
import os, pty, sys
leader, master = pty.fork()
if leader == 0:
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)  # the foreground stays with the leader
        from gancli.runtime.terminal import ask
        os._exit(len(ask(0)))
    os._exit(0 if os.waitpid(job, os.WUNTRACED)[1] == 0 else 1)
shown = b""
try:
    while part := os.read(master, 1000):
        shown += part
except OSError:
    pass
sys.exit(shown or os.waitstatus_to_exitcode(os.waitpid(leader, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


def test_extent():
    assert Terminal("blocks", 80, 24).extent == (79, 44)
    assert Terminal("sixel", 80, 24, (10, 20)).extent == (790, 440)
    assert Terminal("kitty", 300, 100, (10, 20)).extent == (1000, 1000)
    assert Terminal("characters", 1, 1).extent == (1, 1)
