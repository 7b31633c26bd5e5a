"""The live display on a terminal. Rich is imported only when one is shown."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from gancli.cli.lines import count_line, speed
from gancli.config.durations import duration
from gancli.reporting import Status

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

# Small networks train at hundreds of steps per second; drawing each would slow them down.
_SECONDS_BETWEEN_FRAMES = 0.2
_MAX_BAR = 60
_GAP = 2
_TRENDS = {"improving": "green", "flat": "dim", "worse": "red"}


class LiveDisplay:
    """A bar and a line of figures at the bottom of a terminal; notes scroll above them.

    Each figure has its place. A terminal of 80 columns shows what a person steers by, a narrower
    one fewer figures, a wider one the losses too.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._live: Live | None = None
        self._drawn = float("-inf")
        try:
            "█░".encode(stream.encoding or "utf-8")
            self._unicode = True
        except (LookupError, UnicodeEncodeError):
            self._unicode = False

    def line(self, text: str) -> bool:
        """Print a line above the display; return False if there is no display."""
        if self._live is None:
            return False
        self._live.console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)
        return True

    def progress(self, what: str, done: int, total: int) -> None:
        """Show the progress of a countable job; it ends with its last item."""
        ends = total > 0 and done >= total
        if self._due(ends):
            words, longest = count_line(what, done, total), len(count_line(what, total, total))
            fraction = done / total if total else None
            self._draw(lambda width: self._bar(fraction, words, width - longest))
        if ends:
            self.stop()

    def status(self, status: Status) -> None:
        """Show the state of a training; it ends with its budget."""
        ends = status.progress >= 1
        if self._due(ends):
            self._draw(lambda width: self.frame(status, width))
        if ends:
            self.stop()

    def stop(self) -> None:
        """Leave the last frame where it is and release the terminal."""
        if self._live is not None:
            live, self._live = self._live, None
            live.stop()
            self._drawn = float("-inf")

    def frame(self, status: Status, width: int) -> "Text":
        """Return the two lines that show a status on a terminal of so many columns."""
        seconds = status.seconds_left
        left = "" if seconds is None else f"{duration(seconds, compact=True)} left"
        words = f"{left:<11}  {speed(status.steps_per_s):>13}  {status.phase}"
        frame = self._bar(status.progress, words, width - 41)
        frame.append("\n" + _row(self._figures(status), width))
        for word, style in _TRENDS.items():
            frame.highlight_words([word], style)
        return frame

    def _figures(self, status: Status) -> list[tuple[str, int]]:
        """Return figures, the most important first, each with the width of its place."""
        score = _named("score", status.score) or "no score yet"
        figures = [
            (f"step {status.step:,}", 12), (f"{score} {status.trend or ''}", 22),
            (_named("floor", status.floor), 12),
        ]
        if status.held_out_loss is not None:
            figures.append((_named("held-out loss", status.held_out_loss), 19))
        figures.append((_named("best", status.best), 11))
        figures += [(_named(name, float(loss)), len(name) + 8)
                    for name, loss in status.losses.items()]
        return [*figures, (f"{status.threads} thread{'' if status.threads == 1 else 's'}", 10)]

    def _bar(self, fraction: float | None, words: str, room: int) -> "Text":
        """Return a bar and words beside it; its shape shows how full it is, as its color does."""
        from rich.text import Text

        text = Text(no_wrap=True, overflow="crop")
        if fraction is not None:
            full, empty = ("█", "░") if self._unicode else ("#", "-")
            cells = max(0, min(_MAX_BAR, room - len("100%   ")))
            filled = int(min(max(fraction, 0.0), 1.0) * cells)
            text.append(f"{int(100 * fraction):3d}% ")
            text.append(full * filled, "green").append(empty * (cells - filled), "dim").append("  ")
        return text.append(words)

    def _due(self, last: bool) -> bool:
        now = self._clock()
        if not last and now - self._drawn < _SECONDS_BETWEEN_FRAMES:
            return False
        self._drawn = now
        return True

    def _draw(self, frame: Callable[[int], "Text"]) -> None:
        """Show what ``frame`` returns for the terminal's present width."""
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self._stream)
            self._live = Live(console=console, auto_refresh=False, redirect_stdout=False,
                              redirect_stderr=False)
            self._live.start()
        self._live.update(frame(self._live.console.width), refresh=True)


def _named(name: str, value: float | None) -> str:
    return "" if value is None else f"{name} {value:.4g}"


def _row(cells: list[tuple[str, int]], width: int) -> str:
    """Return as many cells as there are places for in a line, whatever is in them."""
    line, end = "", 0
    for text, place in cells:
        end += place + _GAP
        if end - _GAP > width:
            break
        line = f"{line}{text} ".ljust(end)
    return line.rstrip()[:width]
