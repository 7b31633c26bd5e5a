"""Every option, declared once: the command line, TOML files and ``--help`` all read it here.

A config is a frozen dataclass whose fields are made by :func:`option`.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
Value = str | int | float | bool | None


@dataclass(frozen=True)
class Option:
    """The declaration of one option, as :func:`options` returns it.

    Args:
        name: Field name; the flag is ``--`` and the name with hyphens.
        type: ``int``, ``float``, ``str`` or ``bool``.
        default: Value when nothing sets it; None means that it is decided later.
        help: What it does, its unit and the reason for its default.
        group: Heading in ``--help``.
        choices: Allowed values, or empty.
        minimum, maximum: Inclusive bounds for numbers, or None.
        parse: ``""``, ``"duration"`` (seconds, written 250ms, 90s, 10m, 1h30m; 0 only where that
            is the minimum) or ``"interval"`` (a duration, or a bare number of steps).
        metavar: How the value is shown in ``--help``.
        flags: Flags that replace the one derived from the name.
        earlier: Value of models and runs that were made before there was such an option, where
            that is not the default.
        bare: Value that the flag stands for where no choice follows it; empty if one must.
    """

    name: str
    type: type
    default: Value
    help: str
    group: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    parse: str = ""
    metavar: str | None = None
    flags: tuple[str, ...] = ()
    earlier: Value = None
    bare: str = ""

    @property
    def flag(self) -> str:
        return self.flags[0] if self.flags else "--" + self.name.replace("_", "-")


def option(default: T, help: str, group: str, **details: Any) -> T:  # noqa: A002
    """Declare a field of a config; see :class:`Option` for the details.

    It is said to return a value of the field's type, as :func:`dataclasses.field` is.
    """
    return dataclasses.field(
        default=default, metadata={"help": help, "group": group, "details": details}
    )


def options(config_type: type) -> list[Option]:
    """Return the declarations of a config's options, in order."""
    hints = typing.get_type_hints(config_type)
    declarations = []
    for field in dataclasses.fields(config_type):
        hint = hints[field.name]
        if isinstance(hint, types.UnionType):
            hint = next(part for part in typing.get_args(hint) if part is not type(None))
        declarations.append(
            Option(
                name=field.name,
                type=hint,
                default=typing.cast("Value", field.default),
                help=field.metadata["help"],
                group=field.metadata["group"],
                **field.metadata["details"],
            )
        )
    return declarations


def recorded(config_type: type, table: Mapping[str, object]) -> dict[str, object]:
    """Return the options that a model or a run recorded, with those that it did not know of."""
    earlier = {
        each.name: each.earlier for each in options(config_type) if each.earlier is not None
    }
    return {**earlier, **table}
