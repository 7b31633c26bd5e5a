"""Command-line flags: those of every command, and those that a config declares."""

import difflib
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from gancli.cli import completion
from gancli.config import Option, options

Json = Annotated[bool, typer.Option(
    "--json", help="Print the result, or an error, as one JSON object.", rich_help_panel="Shell"
)]
Quiet = Annotated[bool, typer.Option(
    "-q", "--quiet", help="Print only warnings and errors.", rich_help_panel="Shell"
)]
Verbose = Annotated[bool, typer.Option(
    "-v", "--verbose", help="Show the traceback of an error.", rich_help_panel="Shell"
)]


def declare(command: Callable[..., None], config_type: type) -> Callable[..., None]:
    """Give a command that takes ``**values`` a parameter for each option of a config.

    A parameter is None if its option is not given. Values other than switches reach the command
    as text, since :func:`gancli.config.resolve` converts values of all origins alike.

    Args:
        command: Function whose own parameters come first.
        config_type: A config dataclass.
    """
    own = [
        parameter for parameter in inspect.signature(command).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    added = [
        inspect.Parameter(
            option.name, inspect.Parameter.KEYWORD_ONLY, default=None,
            annotation=_annotation(option),
        )
        for option in options(config_type)
    ]
    parameters = [*own, *added]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.bare_flags = {  # type: ignore[attr-defined]
        option.flag: option for option in options(config_type) if option.bare
    }
    return command


def complete_bare_flags(args: list[str], bare: Mapping[str, Option]) -> list[str]:
    """Return arguments in which each flag that may stand alone has its value.

    The word after such a flag is its value only if it is a choice, or looks like a misspelt one:
    ``--grid emoji`` is a grid of the model emoji.
    """
    completed = []
    for place, word in enumerate(args):
        if option := bare.get(word):
            following = args[place + 1] if place + 1 < len(args) else ""
            near = difflib.get_close_matches(following, option.choices, 1, cutoff=0.8)
            if not near or (following != near[0] and os.path.exists(following)):
                word = f"{word}={option.bare}"
        completed.append(word)
    return completed


def option_help(option: Option) -> str:
    """Return an option's help with its default and bounds."""
    facts = []
    if option.default is not None:
        shown = option.default
        if option.type is bool:
            shown = "on" if option.default else "off"
        facts.append(f"default: {shown}")
    low, high = (None if bound is None else _number(bound)
                 for bound in (option.minimum, option.maximum))
    if low is not None and high is not None:
        facts.append(f"{low} to {high}")
    elif low is not None:
        facts.append(f"at least {low}")
    elif high is not None:
        facts.append(f"at most {high}")
    return f"{option.help} [{'; '.join(facts)}]" if facts else option.help


def _number(bound: float) -> str:
    if bound != int(bound):
        return f"{bound:g}"
    whole = int(bound)
    # A power of two says more than nineteen digits.
    for offset in (0, 1):
        if whole >= 2**31 and (whole + offset) & (whole + offset - 1) == 0:
            return f"2^{(whole + offset).bit_length() - 1}" + ("-1" if offset else "")
    return f"{whole:,}"


def _annotation(option: Option) -> object:
    flags = option.flags or ("--" + option.name.replace("_", "-"),)
    if option.type is bool:
        # Long flags have a --no- form; short ones have none.
        switches = [f"{flag}/--no-{flag[2:]}" if flag.startswith("--") else flag for flag in flags]
        declared = typer.Option(
            *switches, help=option_help(option), rich_help_panel=option.group,
            show_default=False,
        )
        return Annotated[bool | None, declared]
    choices = "|".join(option.choices)
    metavar = option.metavar or (f"[{choices}]" if option.bare else choices) or {
        int: "N", float: "X"
    }.get(option.type, "TEXT")
    declared = typer.Option(
        *flags, help=option_help(option), rich_help_panel=option.group, metavar=metavar,
        show_default=False, autocompletion=_completion(option),
    )
    return Annotated[str | None, declared]


def _completion(option: Option) -> Callable[..., list[str]] | None:
    if option.metavar == "CLASS":
        return completion.classes
    if not option.choices:
        return None

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in option.choices if choice.startswith(incomplete)]

    return complete
