"""From any exception to a sentence, a hint and an exit status."""

import errno
import os
import shlex
import signal
import traceback
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from gancli.cli.unknown import explain_flag
from gancli.errors import SIGNALED, GancliError, NothingPiped, UsageError

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def explain(error: BaseException, args: Sequence[str] = ()) -> GancliError:
    """Return any exception as an error that a person can act on.

    Args:
        error: What was raised.
        args: The command line, which hints refer to.
    """
    if isinstance(error, NothingPiped):
        return NothingPiped(shlex.join(["gancli", *args]))
    if isinstance(error, GancliError):
        return error
    if isinstance(error, KeyboardInterrupt):
        number = error.args[0] if error.args else signal.SIGINT
        sentence = "Interrupted." if number == signal.SIGINT else "Terminated."
        return GancliError(sentence, exit_code=SIGNALED + number)
    if hasattr(error, "format_message"):  # of Typer, or of click, which older versions build on
        return _usage(error, args)
    if isinstance(error, MemoryError) or _is_out_of_memory(error):
        return GancliError(
            "There is not enough memory for this.",
            "Choose a smaller --batch, size or width, or close other programs.",
        )
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        return GancliError(
            "There is no home directory.", "Set HOME to a directory that you may write to."
        )
    if isinstance(error, OSError):
        return _system(error)
    name = type(error).__name__
    return GancliError(
        f"Internal error: {name}: {error}" if str(error) else f"Internal error: {name}",
        "(Run it again with -v to see where, and please report it.)",
    )


def trace(error: BaseException) -> str:
    """Return the traceback of an exception, as text."""
    return "".join(traceback.format_exception(error))


def _is_out_of_memory(error: BaseException) -> bool:
    """Return whether torch ran out of memory, which it reports as a RuntimeError."""
    if not isinstance(error, RuntimeError):
        return False
    text = str(error).lower()
    return any(words in text for words in _OUT_OF_MEMORY)


def _usage(error: Any, args: Sequence[str]) -> UsageError:
    """Return an error in the command line with a suggestion, or a pointer to the help."""
    context = getattr(error, "ctx", None)
    words = ["gancli", *takewhile(lambda word: not word.startswith("-"), args)]
    path = context.command_path if context is not None else shlex.join(words)
    hint = f"See {path} -h."
    message = error.format_message()
    if hasattr(error, "possibilities"):
        word, meaning = error.option_name, ""
        if context is not None:
            word, meaning = explain_flag(word, context, args)
        message, hint = f"There is no option {word}.", meaning or hint
    return UsageError(message if message.endswith((".", "?")) else message + ".", hint)


def _system(error: OSError) -> GancliError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.filename is None:
        what = "Cannot write the output" if error.errno == errno.ENOSPC else "System error"
    else:
        what = f"Cannot use {os.fsdecode(error.filename)}"
    hints = {
        errno.ENOSPC: "Free some space, or write elsewhere.",
        errno.EACCES: "Change its permissions, or choose another place.",
        errno.ENOENT: "Check the name.",
        errno.EMFILE: "Raise the limit on open files with ulimit -n.",
    }
    return GancliError(f"{what}: {reason}.", hints.get(error.errno or 0, ""))
