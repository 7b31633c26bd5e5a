"""The only place that prints: data to stdout, everything else to stderr."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Literal, TextIO

from gancli.cli.lines import clean, count_line, status_line
from gancli.cli.live import LiveDisplay
from gancli.errors import GancliError, UsageError
from gancli.reporting import Status

if TYPE_CHECKING:
    from gancli.runtime.terminal import Terminal
    from gancli.sampling.codec import Picture

Mode = Literal["human", "json", "quiet"]

_CLOSED = GancliError("Standard output is closed.", "Remove the >&-, or write to a file.")


class Output:
    """The output of a command in one of three modes; a :class:`gancli.reporting.Reporter`.

    A context manager, which ends the live display.

    Args:
        mode: ``human``; ``json``, which drops notes and progress and puts warnings into the
            result; or ``quiet``, which drops notes and progress.
        clock: Returns seconds, for the intervals of progress.
        talks: Whether ``json`` says notes, progress and warnings on stderr all the same.
    """

    def __init__(
        self, mode: Mode = "human", clock: Callable[[], float] = time.monotonic, *,
        talks: bool = False,
    ) -> None:
        self.mode = mode
        self._talks = talks or mode == "human"
        self.warnings: list[str] = []
        self._figures: dict[str, float] = {}
        self._clock = clock
        self._live = LiveDisplay(sys.stderr, clock) if _accepts_escapes(sys.stderr) else None
        self._started: float | None = None
        self._last_time = float("-inf")
        self._ended = False
        self._data_on_terminal = False

    def __enter__(self) -> "Output":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_live()

    def note(self, text: str) -> None:
        if self._talks:
            self._say(text)

    def warn(self, text: str) -> None:
        if self.mode == "json":
            self.warnings.append(text)
        if self._talks or self.mode != "json":
            self._say(f"Warning: {text}")

    def progress(self, what: str, done: int, total: int) -> None:
        if not self._talks or self._data_on_terminal:
            return
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.progress(clean(what), done, total)
        elif self._due(first=False):
            self._say(count_line(what, done, total))

    def status(self, status: Status) -> None:
        if not self._talks:
            return
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.status(status)
            return
        ends = status.progress >= 1 and not self._ended
        if self._due(first=True) or ends:
            self._ended = status.progress >= 1
            self._say(status_line(status))

    def figure(self, name: str, value: float) -> None:
        self._figures[name] = value

    def data(self, *lines: str) -> None:
        """Print lines of the result on stdout."""
        stream = self._stdout()
        # Bytes, since a path may hold what the locale cannot encode.
        text = "".join(line + "\n" for line in lines)
        stream.write(text.encode("utf-8", "surrogateescape"))
        stream.flush()

    def result(self, table: dict[str, object], *, to_stderr: bool = False) -> None:
        """Print the result as one JSON object, together with all figures and warnings."""
        table = {**table, **self._figures}
        if self.warnings:
            table = {**table, "warnings": self.warnings}
        if to_stderr:
            _to_stderr(_json_pieces(table))
            return
        stream = self._stdout()
        for piece in _json_pieces(table):
            stream.write(piece.encode())
        stream.write(b"\n")
        stream.flush()

    def binary_stdout(self, also: str = "") -> BinaryIO:
        """Return stdout for binary data.

        Args:
            also: What else can be done about a terminal, in a sentence after a space.

        Raises:
            UsageError: It is a terminal.
            GancliError: It is closed.
        """
        stream = self._stdout()
        if sys.stdout.isatty():
            raise UsageError(
                "Binary data cannot be shown on a terminal.",
                f"Name a file with -o FILE, or redirect it with > FILE or | PROGRAM.{also}",
            )
        return stream

    def text_stdout(self) -> BinaryIO:
        """Return stdout for lines that come one by one; it may be a terminal.

        The live display ends, since what reads the lines may print to the same terminal. Where
        the lines go to the terminal themselves, they replace the progress.

        Raises:
            GancliError: It is closed.
        """
        stream = self._stdout()
        self._live = None
        self._data_on_terminal = stdout_is_terminal()
        return stream

    def _stdout(self) -> BinaryIO:
        """Return stdout once the live display has ended: both may be the same terminal.

        Raises:
            GancliError: It is closed.
        """
        stream = binary_stdout_or_none()
        if stream is None:
            raise _CLOSED
        self._end_live()
        return stream

    def screen(self) -> "Terminal":
        """Return the terminal that pictures are drawn on: that of stderr, since stdout is for data.

        Raises:
            UsageError: It is not a terminal.
        """
        if not stderr_is_terminal():
            raise UsageError(
                "--show draws on a terminal, and standard error, where it would, is not one.",
                "Leave --show out and name a file with -o FILE.",
            )
        from gancli.runtime.terminal import detect

        unicode = "utf" in (sys.stderr.encoding or "").lower()
        return detect(sys.stderr.fileno(), os.environ, unicode=unicode)

    def draw(self, picture: "Picture", screen: "Terminal") -> None:
        """Draw a picture on what :meth:`screen` returned, below its caption."""
        from gancli.runtime.graphics import draw

        data = draw(picture.pixels, screen, picture.scale)
        with suppress(OSError, ValueError):
            self._end_live()
            if picture.caption:
                _to_stderr(clean(picture.caption))
            sys.stderr.flush()
            sys.stderr.buffer.write(data)
            sys.stderr.buffer.flush()

    def _end_live(self) -> None:
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.stop()

    def _say(self, text: str) -> None:
        text = clean(text)
        # A training should survive the end of the terminal that started it.
        with suppress(OSError, ValueError):
            if self._live is None or not self._live.line(text):
                _to_stderr(text)

    def _due(self, first: bool) -> bool:
        """Return whether a plain line of progress is due: every 10 s, after a minute every 30 s.

        Args:
            first: Whether the first line is due at once; short jobs need none.
        """
        now = self._clock()
        if self._started is None:
            self._started = now
            if not first:
                self._last_time = now
        interval = 10.0 if now - self._started <= 60.0 else 30.0
        if now - self._last_time < interval:
            return False
        self._last_time = now
        return True


def fail(error: GancliError, *, as_json: bool, trace: str = "") -> None:
    """Print an error on stderr: a line for people, or one JSON object.

    Args:
        error: What happened, what to do about it, and the exit status.
        as_json: Whether to print one JSON object.
        trace: A traceback to print first, if any.
    """
    if as_json:
        table = {"error": error.message, "hint": error.hint, "code": error.exit_code}
        _to_stderr(json.dumps(table))
        return
    if trace:
        _to_stderr(trace.rstrip("\n"))
    _to_stderr("gancli: " + clean(f"{error.message} {error.hint}".strip()))


def help_page(text: str) -> None:
    """Print the help page that answers an incomplete command line."""
    _to_stderr(text)


def flush() -> None:
    """Write out what stdout has buffered, so that its errors are raised in time."""
    if sys.stdout is not None:
        sys.stdout.flush()


def drop_stdout() -> None:
    """Discard what stdout has buffered, so that the interpreter exits silently."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def stdout_is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def stderr_is_terminal() -> bool:
    """Return whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def binary_stdout_or_none() -> BinaryIO | None:
    """Return the binary stream of stdout, its text flushed, or None if it is closed."""
    if sys.stdout is None or sys.stdout.closed:
        return None
    sys.stdout.flush()
    return sys.stdout.buffer


def _accepts_escapes(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal that accepts escape sequences."""
    return (
        stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "") not in ("", "dumb")
    )


def _json_pieces(table: Mapping[str, object]) -> Iterator[str]:
    """Yield a JSON object in pieces; a sequence may have millions of items."""
    before = "{"
    for name, value in table.items():
        yield f"{before}{json.dumps(name)}: "
        if isinstance(value, Sequence) and not isinstance(value, str):
            yield "["
            for place, item in enumerate(value):
                yield (", " if place else "") + json.dumps(item, default=str)
            yield "]"
        else:
            yield json.dumps(value, default=str)
        before = ", "
    yield "}" if table else "{}"


def _to_stderr(text: str | Iterable[str]) -> None:
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.writelines([text] if isinstance(text, str) else text)
            print(file=sys.stderr, flush=True)
