"""What a person sees: the screen of a terminal of 60, 80 and 200 columns."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|(.)", re.DOTALL)

# A text and a training as the library reports them, without the time that they take.
SCRIPT = """
from gancli.cli.console import Output
from gancli.reporting import Status

now = 0.0
with Output(clock=lambda: now) as output:
    output.progress("decoding", 3, 40)
    output.progress("decoding", 40, 40)
    output.note("Computing on cpu.")
    for step in range(101):
        now += 1.0
        score = {"score": 12 - step / 10, "best": 1.5, "trend": "improving", "floor": 0.7251}
        output.status(Status(
            step, step / 100, 98.7654 * step, None if not step else 4000.0 - 40 * step,
            {"d_loss": 0.5, "g_loss": 1.25}, **(score if step > 20 else {}), threads=2,
            held_out_loss=HELD_OUT, phase="adversarial",
        ))
        if step == 50:
            output.note("Rolled back to step 40.")
    output.note("Done.")
    output.data("runs/first-1")
"""


class Screen:
    """A terminal, as far as gancli's output needs one.

    ``frames`` holds each pair of lines, bar and figures, that was on the screen.
    """

    def __init__(self, text: str, columns: int) -> None:
        self.columns, self.row, self.column = columns, 0, 0
        self.lines: list[str] = [""]
        self.frames: list[tuple[str, str]] = []
        for match in _SEQUENCE.finditer(text):
            sequence, command, character = match.groups()
            if character is None:
                self._command(sequence, command)
            else:
                self._write(character)

    def _command(self, sequence: str, command: str) -> None:
        if command == "A":
            self.row -= int(sequence or 1)
            assert self.row >= 0
        elif command == "K":
            assert sequence == "2"
            self.lines[self.row] = ""
        else:
            assert command in "mhl", command  # colors, and whether the cursor is seen

    def _write(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._next_line()
        else:
            if self.column == self.columns:
                self.column = 0
                self._next_line()
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
            self.column += 1
        if self.row and "step " in self.lines[self.row]:
            self.frames.append((self.lines[self.row - 1], self.lines[self.row]))

    def _next_line(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")


def seen(command: list[str], columns: int, folder: Path) -> tuple[int, Screen]:
    """Run a command whose three streams are a terminal; return its status and what it shows."""
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        command, stdin=end, stdout=end, stderr=end, cwd=folder,
        env={**environment, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT),
             "PYTHONUTF8": "1"},
    )
    os.close(end)
    output = b""
    try:
        while block := os.read(terminal, 65536):
            output += block
    except OSError:  # Linux says so that the other end is closed
        pass
    os.close(terminal)
    return process.wait(timeout=600), Screen(output.decode(), columns)


def shown(columns: int, folder: Path, held_out: str = "None") -> Screen:
    script = SCRIPT.replace("HELD_OUT", held_out)
    status, screen = seen([sys.executable, "-c", script], columns, folder)
    assert status == 0, screen.lines
    return screen


def places(frames: list[tuple[str, str]], word: str) -> set[int]:
    """Return the columns at which a word stood in the lines of figures."""
    return {figures.index(word) for _, figures in frames if word in figures}


FIGURES = {
    60: "step 100      score 2 improving       floor 0.7251",
    80: "step 100      score 2 improving       floor 0.7251  best 1.5     d_loss 0.5",
    200: "step 100      score 2 improving       floor 0.7251  best 1.5     d_loss 0.5      "
         "g_loss 1.25     2 threads",
}
BAR = {60: 12, 80: 32, 200: 60}


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_training_ends_with_one_bar_and_one_line_of_figures(tmp_path, columns):
    screen = shown(columns, tmp_path)
    bar = f"100% {'█' * BAR[columns]}  0s left      9,877 steps/s  adversarial"
    assert [line.rstrip() for line in screen.lines if line] == [
        "100% " + "█" * min(60, columns - 25) + "  Decoding: 40 of 40",
        "Computing on cpu.", "Rolled back to step 40.", bar, FIGURES[columns], "Done.",
        "runs/first-1",
    ]


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_figures_keep_their_places(tmp_path, columns):
    frames = shown(columns, tmp_path).frames
    speeds = [bar for bar, _ in frames if "steps/s" in bar]
    assert {bar.index("steps/s") for bar in speeds} == {BAR[columns] + 26}
    assert places(frames, "no score yet") == {14}
    assert places([frame for frame in frames if "no score" not in frame[1]], "score") == {14}
    assert places(frames, "floor") == {38}
    half = next(bar for bar, figures in frames if figures.startswith("step 50 "))
    # Without color, too: half of it is another character.
    assert half.startswith(" 50% " + "█" * (BAR[columns] // 2) + "░" * -(-BAR[columns] // 2) + " ")
    assert "33m20s left" in half


def test_text_shows_its_held_out_loss(tmp_path):
    assert shown(80, tmp_path, "2.34567").lines[-4].rstrip() == (
        "step 100      score 2 improving       floor 0.7251  held-out loss 2.346"
    )


def test_a_terminal_without_these_characters_gets_ascii(monkeypatch):
    import io

    from gancli.cli.live import LiveDisplay
    from gancli.reporting import Status

    display = LiveDisplay(io.TextIOWrapper(io.BytesIO(), "latin-1"))
    bar, figures = display.frame(
        Status(3, 0.5, 0.352, None, score=2.5, trend="worse", phase="refit"), 80
    ).plain.splitlines()
    assert bar == " 50% " + "#" * 16 + "-" * 16 + "                0.35 steps/s  refit"
    assert figures == f"{'step 3        score 2.5 worse':<65}1 thread"


def test_a_real_training_leaves_the_terminal_in_order(tmp_path, pictures):
    command = [
        sys.executable, "-m", "gancli", "train", "image", str(pictures), "-o", "here",
        "--steps", "12", "--g-width", "4", "--d-width", "4", "--batch", "8", "--threads", "1",
        "--precision", "fp32", "--device", "cpu",
    ]
    status, screen = seen(command, 80, tmp_path)
    assert status == 0
    lines = [line.rstrip() for line in screen.lines if line]
    assert sum("█" in line for line in lines) == 2  # of decoding and of training
    (figures,) = [index for index, line in enumerate(lines) if line.startswith("step 12 ")]
    assert lines[figures - 1].startswith("100% ████") and "steps/s" in lines[figures - 1]
    assert lines[-2].startswith("Done. ") or lines[-3].startswith("Done. ")  # it may be wrapped
    assert lines[-1] == "here"
