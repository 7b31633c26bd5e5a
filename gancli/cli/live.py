"""The live display on a terminal. Rich is imported only when one is shown."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from gancli.cli.lines import count_line, status_parts
from gancli.reporting import Status

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

# Small networks train at hundreds of steps per second; drawing each would slow them down.
_SECONDS_BETWEEN_FRAMES = 0.2
_BAR_WIDTH = 24
_TRENDS = {-1: ("↓", "green"), 0: ("→", "dim"), 1: ("↑", "red")}


class LiveDisplay:
    """A bar and a status at the bottom of a terminal; notes scroll above them."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._live: Live | None = None
        self._drawn = float("-inf")

    def line(self, text: str) -> bool:
        """Print a line above the display; return False if there is no display."""
        if self._live is None:
            return False
        self._live.console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)
        return True

    def progress(self, what: str, done: int, total: int) -> None:
        if self._due(last=total > 0 and done >= total):
            self._draw(done / total if total else 0.0, [count_line(what, done, total)])
        if total and done >= total:
            self.stop()

    def status(self, status: Status) -> None:
        if self._due(last=status.progress >= 1):
            change = status.trend
            arrow = "" if change is None else _TRENDS[(change > 0) - (change < 0)][0]
            self._draw(status.progress, status_parts(status, arrow))

    def stop(self) -> None:
        """Leave the last frame where it is and release the terminal."""
        if self._live is not None:
            live, self._live = self._live, None
            live.stop()
            self._drawn = float("-inf")

    def _due(self, last: bool) -> bool:
        now = self._clock()
        if not last and now - self._drawn < _SECONDS_BETWEEN_FRAMES:
            return False
        self._drawn = now
        return True

    def _draw(self, fraction: float, parts: list[str]) -> None:
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self._stream)
            self._live = Live(console=console, auto_refresh=False, redirect_stdout=False,
                              redirect_stderr=False)
            self._live.start()
        self._live.update(self._frame(fraction, parts), refresh=True)

    def _frame(self, fraction: float, parts: list[str]) -> "Text":
        from rich.text import Text

        filled = round(min(max(fraction, 0.0), 1.0) * _BAR_WIDTH)
        frame = Text(f"{fraction:4.0%} ")
        frame.append("━" * filled, "green").append("━" * (_BAR_WIDTH - filled), "dim")
        frame.append("  " + "  ".join(parts))
        for arrow, style in _TRENDS.values():
            frame.highlight_words([arrow], style)
        return frame
