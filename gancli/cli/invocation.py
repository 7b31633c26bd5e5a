"""One call of the program: its arguments, and how it speaks."""

import os
import shlex
import sys
from dataclasses import dataclass, field

import typer

from gancli.cli.console import Output, stderr_is_terminal
from gancli.cli.unknown import variable_warnings


@dataclass
class Invocation:
    """One call of the program, shared through Typer's context."""

    args: list[str] = field(default_factory=lambda: sys.argv[1:])
    json: bool = False
    verbose: bool = False

    @property
    def command(self) -> str:
        """The command line as a shell reads it."""
        return shlex.join(["gancli", *self.args])


def invocation(context: typer.Context) -> Invocation:
    """Return the call that a command belongs to."""
    return context.ensure_object(Invocation)


def speak(
    context: typer.Context, as_json: bool, quiet: bool, verbose: bool, *, trains: bool = False
) -> Output:
    """Return the output that a command's switches ask for.

    A training takes so long that ``--json`` does not silence it for those who watch a terminal. For
    programs an error is all that stands on stderr.
    """
    here = invocation(context)
    here.json, here.verbose = here.json or as_json, here.verbose or verbose
    output = Output(
        "json" if as_json else "quiet" if quiet else "human",
        talks=trains and not quiet and stderr_is_terminal(),
    )
    for sentence in variable_warnings(os.environ):
        output.warn(sentence)
    return output
