"""What to use instead of a flag or a variable that gancli does not have."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gancli import modalities
from gancli.config import options
from gancli.config.synonyms import SAMPLE, TRAIN, answer, squashed

_TABLES = {"train": TRAIN, "sample": SAMPLE}
# Of the program itself; the others set options.
_PREFIX, _VARIABLES = "GANCLI_", ("HOME", "CACHE", "VERBOSE")


def explain_flag(flag: str, context: Any, args: Sequence[str]) -> tuple[str, str]:
    """Return a flag that a command does not have, as it was typed, and what to use instead.

    Args:
        flag: As the parser names it.
        context: Of the command.
        args: The command line.
    """
    word, flags, path = _typed(flag, args), _flags(context.command), str(context.command_path)
    for known in flags:
        if squashed(known) == squashed(word):
            return word, f"Did you mean {known}?"
    table = _TABLES.get((path.split() + [""])[1], {})
    meaning = answer(word, table, flags, path)
    if meaning is None:
        meaning = _elsewhere(word, context) or _nearest(word, flags)
    return word, meaning


def variable_warnings(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each variable whose name begins like ours but means nothing."""
    declared = {
        option.name.upper(): option.flag
        for name in modalities.names()
        for config in (modalities.get(name).options_type, modalities.get(name).config_type)
        for option in options(config)
    }
    names = [*declared, *_VARIABLES]
    for variable in sorted(environment):
        name = variable.removeprefix(_PREFIX)
        if name == variable or name in names:
            continue
        near = difflib.get_close_matches(name.upper(), names, n=1, cutoff=0.7)
        hint = answer(name, TRAIN, declared.values(), "gancli train") or (
            f"Did you mean {_PREFIX}{near[0]}?" if near else ""
        )
        yield f"The environment sets {variable}, which gancli does not know. {hint}".rstrip()


def _flags(command: Any) -> list[str]:
    return [flag for each in command.params for flag in (*each.opts, *each.secondary_opts)
            if flag.startswith("-")]


def _typed(flag: str, args: Sequence[str]) -> str:
    """Return the word that was typed: of ``-lr`` the parser says ``-l``."""
    if re.fullmatch(r"-\w", flag):
        for word in args:
            if re.fullmatch(re.escape(flag) + r"[A-Za-z][\w-]*", word):
                return word
    return flag


def _elsewhere(flag: str, context: Any) -> str:
    """Return a hint that names the nearest command that has the flag, or nothing."""

    def leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        children = getattr(command, "commands", {})
        if not children:
            yield path, command
        for name, child in children.items():
            yield from leaves(child, (*path, name))

    own = tuple(context.command_path.split()[1:])
    owners = [path for path, command in leaves(context.find_root().command, ())
              if flag.startswith("--") and flag in _flags(command)]
    if not owners:
        return ""
    below = [path for path in owners if path[:len(own)] == own]
    if below:
        return f"It comes after the command, as in gancli {' '.join(below[0])} {flag}."
    nearest = max(owners, key=lambda path: (path[1:] == own[1:], path[:1] == own[:1]))
    return f"It is an option of gancli {' '.join(nearest)}."


def _nearest(word: str, flags: Sequence[str]) -> str:
    """Return a hint that names the flags that a word begins, is a part of, or resembles."""
    names = {flag[2:]: flag for flag in flags if flag.startswith("--")}
    names = {name: flag for name, flag in names.items()
             if not name.startswith("no-") or word.startswith("--no-")}
    word = word.lstrip("-").lower().replace("_", "-")
    parts = set(word.split("-"))
    near = (
        [name for name in names if len(word) > 2 and name.startswith(word)]
        or [name for name in names if parts <= set(name.split("-"))]
        or difflib.get_close_matches(word, names, n=1, cutoff=0.7)
    )
    return f"Did you mean {' or '.join(names[name] for name in near[:3])}?" if near else ""
