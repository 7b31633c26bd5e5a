"""The layout of the help of commands and groups."""

from typing import Any

from typer.core import TyperCommand, TyperGroup

from gancli.cli.flags import complete_bare_flags
from gancli.config.synonyms import command_for
from gancli.errors import UsageError, suggest

PANEL = "Shell"


def _write_examples(epilog: str | None, formatter: Any) -> None:
    if epilog:
        with formatter.section("Example"):
            for line in epilog.splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Command(TyperCommand):
    """A command whose help shows options under headings, and examples as they are."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        bare = getattr(self.callback, "bare_flags", {})
        return super().parse_args(ctx, complete_bare_flags(args, bare))

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
        # The options of every command come last.
        if PANEL in sections:
            sections[PANEL] = sections.pop(PANEL)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(self.epilog, formatter)


class Group(TyperGroup):
    """A group of commands whose help shows examples as they are."""

    noun = "command"

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_examples(self.epilog, formatter)

    def list_commands(self, ctx: Any) -> list[str]:
        # Typer puts groups last, but train and sample are what people look for.
        return sorted(self.commands, key=lambda name: not isinstance(self.commands[name], Group))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            meant = command_for(name, self.commands)
            raise UsageError(
                f"There is no {self.noun} {name!r}.",
                f"Did you mean {meant}?" if meant else suggest(name, self.commands),
            )
        return super().resolve_command(ctx, args)


class ModalityGroup(Group):
    """A command with a variant for each modality."""

    noun = "modality"
