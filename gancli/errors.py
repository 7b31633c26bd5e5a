"""Errors that a person can act on: a sentence, what to do next, and an exit status."""

import difflib
from collections.abc import Iterable

RUNTIME, USAGE, DIVERGED, INTERRUPTED, TERMINATED = 1, 2, 3, 130, 143


class GancliError(Exception):
    """A failure with a remedy.

    Args:
        message: One sentence that says what is wrong.
        hint: What to do next; may be empty.
        exit_code: Status of the process (1 runtime, 2 usage, 3 diverged, 130, 143).
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


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word, or all of them."""
    known = list(known)
    if not known:
        return ""
    matches = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"Did you mean {matches[0]}?" if matches else "Choose one of: " + ", ".join(known) + "."
