"""Errors that a person can act on: a sentence, what to do next, and an exit status."""

import difflib
from collections.abc import Iterable

_SHOWN = 20  # words of a hint
RUNTIME, USAGE, DIVERGED = 1, 2, 3
SIGNALED = 128  # plus the number of the signal: 129, 130 or 143


class GancliError(Exception):
    """A failure with a remedy.

    Args:
        message: One sentence that says what is wrong.
        hint: What to do next; may be empty.
        exit_code: Status of the process (1 runtime, 2 usage, 3 diverged, 129, 130, 143).
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = RUNTIME) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


class UsageError(GancliError):
    """A command line, configuration or value that is not valid."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint, USAGE)


class NothingPiped(UsageError):
    """Standard input was to be read, but is a terminal; the hint is the command that was typed."""

    def __init__(self, command: str = "gancli ... -") -> None:
        super().__init__(
            "Standard input is a terminal, so there is no data to read.",
            f"Pipe it in: cat FILE | {command}",
        )


def cause(error: Exception) -> str:
    """Return why a file cannot be understood, in a few words and without what it holds."""
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error) or repr(error)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word, or all of them if they are few."""
    known = {each.lower(): each for each in known}
    if not known:
        return ""
    matches = difflib.get_close_matches(word.lower(), known, n=1)
    if matches:
        return f"Did you mean {known[matches[0]]}?"
    names = list(known.values())
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"Choose one of: {', '.join(names[:_SHOWN])}{more}."
