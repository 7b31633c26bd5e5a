"""What the terminal can draw: told by its environment, and by its answer to a question."""

import fcntl
import os
import re
import select
import struct
import termios
import time
import tty
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Protocol = Literal["kitty", "iterm", "sixel", "blocks", "characters"]

# The size of a character in pixels, the colors of Sixel, and what kind of terminal it is. All
# terminals answer the last and leave out what they do not know, so that nobody waits for nothing.
_QUESTIONS = b"\x1b[16t\x1b[?1;1;0S\x1b[c"
_LAST_ANSWER = re.compile(rb"\x1b\[\?([\d;]*)c")
_CELL_ANSWER = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_COLORS_ANSWER = re.compile(rb"\x1b\[\?1;0;(\d+)S")
_SIXEL = b"4"  # in the answer to what kind of terminal it is
_PATIENCE = 1.0  # seconds, as much as a far connection may take
_MAX_ANSWER = 1000  # bytes

_MULTIPLEXERS = ("TMUX", "STY", "ZELLIJ")
_KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
_ITERM_PROGRAMS = ("iTerm.app", "iTerm2", "WezTerm", "mintty")
_USUAL_CELL = (8, 16)
_MAX_SIDE = 1000  # pixels; xterm draws no larger ones


@dataclass(frozen=True)
class Terminal:
    """How a terminal draws.

    Args:
        protocol: Of pictures.
        columns, rows: Its size in characters.
        cell: Width and height of a character in pixels.
        colors: How many there are: of a picture in Sixel, or of text.
    """

    protocol: Protocol
    columns: int = 80
    rows: int = 24
    cell: tuple[int, int] = _USUAL_CELL
    colors: int = 256

    @property
    def is_text(self) -> bool:
        """Whether pictures are made of characters."""
        return self.protocol in ("blocks", "characters")

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height that a picture may have in pixels, so that all of it is seen."""
        across, down = (1, 2) if self.is_text else self.cell
        width, height = (self.columns - 1) * across, (self.rows - 2) * down
        return max(1, min(width, _MAX_SIDE)), max(1, min(height, _MAX_SIDE))


def detect(handle: int, environment: Mapping[str, str], *, unicode: bool = True) -> Terminal:
    """Return how a terminal draws; it is asked if that may be, and waited for a second at most.

    Args:
        handle: Its file descriptor.
        environment: Of the process. NO_COLOR and a TERM that is dumb or missing want no escape
            sequences, so that characters alone are left.
        unicode: Whether it shows more than ASCII.
    """
    columns, rows, cell = _size(handle)
    plain = environment.get("NO_COLOR") or environment.get("TERM", "") in ("", "dumb")
    if plain:
        return Terminal("characters", columns, rows)
    answer = ask(handle)
    if cell is None:
        found = _CELL_ANSWER.search(answer)
        cell = (int(found[2]), int(found[1])) if found else _USUAL_CELL
    if not all(0 < side < 200 for side in cell):
        cell = _USUAL_CELL
    protocol = _protocol(environment, answer)
    colors = 256
    if protocol == "sixel" and (limit := _COLORS_ANSWER.search(answer)):
        colors = max(2, min(int(limit[1]), 256))
    if protocol == "blocks":
        if not unicode:
            protocol = "characters"
        if environment.get("COLORTERM") in ("truecolor", "24bit"):
            colors = 2**24
    return Terminal(protocol, columns, rows, cell, colors)


def _protocol(environment: Mapping[str, str], answer: bytes) -> Protocol:
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    # Within a multiplexer the environment is that of the terminal outside, which it hides.
    inside = term.startswith(("screen", "tmux")) or any(map(environment.get, _MULTIPLEXERS))
    if not inside:
        if term in _KITTY_TERMS or program == "ghostty" or environment.get("KITTY_WINDOW_ID"):
            return "kitty"
        if program in _ITERM_PROGRAMS or environment.get("LC_TERMINAL") in _ITERM_PROGRAMS:
            return "iterm"
    kind = _LAST_ANSWER.search(answer)
    return "sixel" if kind and _SIXEL in kind[1].split(b";") else "blocks"


def _size(handle: int) -> tuple[int, int, tuple[int, int] | None]:
    """Return columns, rows and, where it is known, the size of a character in pixels."""
    try:
        packed = fcntl.ioctl(handle, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return 80, 24, None
    rows, columns, width, height = struct.unpack("4H", packed)
    if not (rows and columns):
        return 80, 24, None
    cell = (width // columns, height // rows) if width and height else None
    return columns, rows, cell


def ask(terminal: int) -> bytes:
    """Return what a terminal answers, or nothing if it does not, or must not be asked."""
    try:
        # Opened anew, so that nobody else finds a stream that does not block.
        handle = os.open(os.ttyname(terminal), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:  # in a container it may have no name
        return b""
    try:
        if _in_background(handle):
            return b""
        before = termios.tcgetattr(handle)
        try:
            tty.setcbreak(handle, termios.TCSANOW)  # or the answer would be shown, and wait
            os.write(handle, _QUESTIONS)
            return _answer(handle)
        finally:
            termios.tcsetattr(handle, termios.TCSANOW, before)
    except (OSError, termios.error):
        return b""
    finally:
        os.close(handle)


def _answer(handle: int) -> bytes:
    answer, deadline = b"", time.monotonic() + _PATIENCE
    while not _LAST_ANSWER.search(answer) and len(answer) < _MAX_ANSWER:
        ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(handle, _MAX_ANSWER) if ready else b""
        if not part:
            break
        answer += part
    return answer


def _in_background(handle: int) -> bool:
    """Return whether touching the terminal would stop this process, as a job that runs with &."""
    try:
        return os.tcgetpgrp(handle) != os.getpgrp()
    except OSError:  # it controls another session
        return False
