"""``gancli help``: the help of any command, and the reference of a modality's options."""

import textwrap
from typing import Annotated, Any

import typer

from gancli import modalities
from gancli.cli import completion, console
from gancli.cli.flags import Json, Quiet, Verbose, option_help
from gancli.cli.help import PANEL, Group
from gancli.cli.invocation import speak
from gancli.config import Option
from gancli.config import options as declared_options
from gancli.errors import UsageError, suggest
from gancli.modalities.base import AnyModality

HELP = "Show the help of a command, or list every option of a modality."
EXAMPLES = """\
gancli help options image
gancli help train image       # the same as gancli train image -h"""
OPTIONS_EXAMPLES = """\
gancli help options image
gancli help options text --markdown > options.md"""

_ModalityArgument = Annotated[str, typer.Argument(
    metavar="MODALITY", show_default=False, autocompletion=completion.modality_names,
    help=f"One of {', '.join(modalities.names())}.",
)]
_MarkdownOption = Annotated[bool, typer.Option(
    "--markdown", help="Print the reference as Markdown tables.",
)]

_INDENT = " " * 8


class HelpGroup(Group):
    """A group whose command may be any command of the program."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        context = ctx.find_root()
        for word in args:
            group = context.command
            commands: dict[str, Any] = getattr(group, "commands", {})
            if word not in commands:
                # "options" is only a topic of help, so it is suggested at the first word alone.
                topics = self.commands if context is ctx.find_root() else {}
                noun = getattr(group, "noun", "command")
                raise UsageError(f"There is no {noun} {word!r}.",
                                 suggest(word, {**commands, **topics}))
            context = commands[word].make_context(
                word, [], parent=context, resilient_parsing=True
            )
        _show(context)


def root(context: typer.Context) -> None:
    """Show the program's own help if no command is named."""
    if context.invoked_subcommand is None:
        _show(context.find_root())


def _show(context: Any) -> None:
    console.Output().data(context.get_help())
    raise typer.Exit


def options(
    context: typer.Context,
    name: _ModalityArgument,
    markdown: _MarkdownOption = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List every option for training and sampling a modality.

    Each comes with its type, default, bounds, choices and the environment variable that sets it.
    """
    with speak(context, json_, quiet, verbose) as output:
        if name not in modalities.names():
            raise UsageError(f"There is no modality {name!r}.",
                             suggest(name, modalities.names()))
        modality = modalities.get(name)
        program: Any = context.find_root().command
        tables = {
            verb: _rows(program.commands[verb].commands[name], modality, verb)
            for verb in ("train", "sample")
        }
        presets = {preset: dict(values) for preset, values in modality.presets.items()}
        if output.mode == "json":
            output.result({"modality": name, **tables, "presets": presets})
            return
        output.data(*(_markdown if markdown else _text)(name, tables, presets))


def _rows(command: Any, modality: AnyModality, verb: str) -> list[dict[str, Any]]:
    """Return what is known of each option of a command, sorted by heading."""
    config = modality.config_type if verb == "train" else modality.options_type
    declared = {option.name: option for option in declared_options(config)}
    rows = [
        _row(parameter, declared.get(parameter.name), verb) for parameter in command.params
        if parameter.param_type_name == "option"
    ]
    headings = list(dict.fromkeys(row["group"] for row in rows if row["group"] != PANEL))
    return sorted(rows, key=lambda row: [*headings, PANEL].index(row["group"]))


def _row(parameter: Any, option: Option | None, verb: str) -> dict[str, Any]:
    row = {
        "flags": [*parameter.opts, *parameter.secondary_opts], "metavar": parameter.metavar,
        "group": parameter.rich_help_panel or PANEL,
    }
    if option is None:  # of the command itself, such as --resume
        return {**row, "type": "bool" if parameter.is_flag else "str", "default": None,
                "choices": [], "minimum": None, "maximum": None, "environment": None,
                "help": parameter.help, "summary": "switch" if parameter.is_flag else "str"}
    # Samples take from the environment only where to compute.
    environment = f"GANCLI_{option.name.upper()}"
    kind = option.parse or option.type.__name__
    limits = option_help(option).removeprefix(option.help).strip(" []")
    return {
        **row, "type": kind, "default": option.default,
        "choices": list(option.choices), "minimum": option.minimum, "maximum": option.maximum,
        "environment": environment if verb == "train" or option.group == "Compute" else None,
        "help": option.help,
        "summary": "; ".join(filter(None, ["switch" if kind == "bool" else kind, limits])),
    }


def _usage(row: dict[str, Any]) -> str:
    """Return an option as it is typed: ``-o, --output FILE``."""
    flags = ", ".join(row["flags"])
    return flags if row["type"] == "bool" else f"{flags} {row['metavar']}"


def _setting(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _preset(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', '-')} {_setting(value)}" for name, value in values.items()
    ) or "the defaults"


def _text(
    name: str, tables: dict[str, list[dict[str, Any]]], presets: dict[str, dict[str, Any]]
) -> list[str]:
    lines = []
    for verb, rows in tables.items():
        lines.append(f"gancli {verb} {name}")
        heading = ""
        for row in rows:
            if row["group"] != heading:
                heading = row["group"]
                lines += ["", f"  {heading}:"]
            variable = f"; ${row['environment']}" if row["environment"] else ""
            lines.append(f"    {_usage(row)}  [{row['summary']}{variable}]")
            lines += textwrap.wrap(row["help"], 92, initial_indent=_INDENT,
                                   subsequent_indent=_INDENT)
        lines.append("")
    lines.append("What each --preset sets:")
    for preset, values in presets.items():
        lines += textwrap.wrap(f"{preset}: {_preset(values)}", 92, initial_indent=_INDENT[4:],
                               subsequent_indent=_INDENT)
    return lines


def _markdown(
    name: str, tables: dict[str, list[dict[str, Any]]], presets: dict[str, dict[str, Any]]
) -> list[str]:
    lines = []
    for verb, rows in tables.items():
        lines += [f"# gancli {verb} {name}", ""]
        heading = ""
        for row in rows:
            if row["group"] != heading:
                heading = row["group"]
                lines += [*([""] if lines[-1] else []), f"## {heading}", "",
                          "| option | type, default, limits | environment | meaning |",
                          "|---|---|---|---|"]
            cells = (f"`{_usage(row)}`", row["summary"],
                     f"`{row['environment']}`" if row["environment"] else "", row["help"])
            lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
        lines.append("")
    lines += ["# Presets", "", "| preset | sets |", "|---|---|"]
    return lines + [f"| `{preset}` | {_preset(values)} |" for preset, values in presets.items()]
