"""What the commands have in common: the switches of every one, and how their help looks."""

import shlex
import sys
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from gancli.cli.output import Output
from gancli.config import suggest
from gancli.errors import UsageError

Json = Annotated[bool, typer.Option(
    "--json", help="Give the result, and an error, as one JSON object.", rich_help_panel="Shell"
)]
Quiet = Annotated[bool, typer.Option(
    "-q", "--quiet", help="Say nothing but warnings and errors.", rich_help_panel="Shell"
)]
Verbose = Annotated[bool, typer.Option(
    "-v", "--verbose", help="Show where an error comes from.", rich_help_panel="Shell"
)]

PANEL = "Shell"


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


def speak(context: typer.Context, as_json: bool, quiet: bool, verbose: bool) -> Output:
    """Return the output that a command's switches ask for."""
    here = invocation(context)
    here.json, here.verbose = here.json or as_json, here.verbose or verbose
    return Output("json" if as_json else "quiet" if quiet else "human")


def _write_examples(epilog: str | None, formatter: Any) -> None:
    if epilog:
        with formatter.section("Example"):
            for line in epilog.splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Command(TyperCommand):
    """A command whose help shows its options under their headings and its examples unwrapped."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                heading = "Arguments"
            else:
                heading = getattr(parameter, "rich_help_panel", None) or PANEL
            sections.setdefault(heading, []).append(record)
        # What every command has comes last.
        if PANEL in sections:
            sections[PANEL] = sections.pop(PANEL)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(self.epilog, formatter)


class Group(TyperGroup):
    """A group of commands, with examples unwrapped."""

    noun = "command"

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(self.epilog, formatter)

    def list_commands(self, ctx: Any) -> list[str]:
        # Typer puts groups last, but train and sample are what people look for.
        return sorted(self.commands, key=lambda name: not isinstance(self.commands[name], Group))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            raise UsageError(
                f"There is no {self.noun} {name!r}.", suggest(name, self.commands)
            )
        return super().resolve_command(ctx, args)


class ModalityGroup(Group):
    """A command with one variant a modality."""

    noun = "modality"
