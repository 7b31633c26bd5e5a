"""The value of each option, from all the places that can set it.

Values come, in order of precedence, from the command line, the environment (``GANCLI_`` and the
name in capitals), a TOML file, the model that training starts from, a preset, the default.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from gancli.config.durations import parse_duration, parse_interval
from gancli.config.option import Option, Value, options
from gancli.config.synonyms import TRAIN, answer, suggest_choice
from gancli.errors import UsageError, suggest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


# Words for a switch, in any case, where it comes as text.
SWITCH = {"on": True, "yes": True, "true": True, "1": True,
          "off": False, "no": False, "false": False, "0": False}
_KINDS = {bool: "on or off (yes or no, true or false, 1 or 0)", int: "a whole number",
          float: "a number", str: "text"}


def _parse(declared: Option, value: object) -> Value:
    """Return a value from any origin in the option's type.

    Raises:
        UsageError: It is not a duration or an interval; the hint says how these are written.
        ValueError, KeyError, TypeError, OverflowError: It is nothing of the type.
    """
    if declared.parse == "duration":
        return parse_duration(str(value), zero=declared.minimum == 0)
    if declared.parse == "interval":
        parse_interval(str(value))
        return str(value)
    if declared.type is bool:
        return SWITCH[str(value).lower()]
    if isinstance(value, (dict, list)) or (
        declared.type in (int, float) and isinstance(value, bool)
    ) or (declared.type is int and isinstance(value, float)):
        raise ValueError
    converted: Value = declared.type(value)
    return converted


def _convert(declared: Option, value: object, origin: str) -> Value:
    """Turn a value from any origin into the option's type and check its bounds."""
    if value is None:
        return None
    # A value on the command line is in view; one from elsewhere is not.
    where = "" if origin == "command line" else f" (from the {origin})"
    low, high = declared.minimum, declared.maximum
    bounds = " and ".join(
        f"{words} {bound}" for words, bound in (("at least", low), ("at most", high))
        if bound is not None
    )
    try:
        converted = _parse(declared, value)
    except (ValueError, KeyError, TypeError, OverflowError, UsageError) as error:
        wanted = ", ".join(filter(None, [_KINDS[declared.type], bounds]))
        raise UsageError(
            f"{declared.flag} cannot be {value!r}{where}.",
            error.hint if isinstance(error, UsageError) else f"It must be {wanted}.",
        ) from None
    if declared.choices and converted not in declared.choices:
        raise UsageError(
            f"{declared.flag} cannot be {converted!r}{where}.",
            suggest_choice(str(converted), declared.choices),
        )
    # Written so that NaN is out of any bounds.
    if isinstance(converted, (int, float)) and not isinstance(converted, bool) and not (
        converted == converted
        and (low is None or converted >= low) and (high is None or converted <= high)
    ):
        raise UsageError(
            f"{declared.flag} cannot be {converted}{where}.",
            f"It must be {bounds or 'a number'}.",
        )
    return converted


ConfigT = TypeVar("ConfigT")

# Of each group only the option with the highest precedence counts.
EXCLUSIVE = (("time", "steps", "images"),)


def resolve(
    config_type: type[ConfigT],
    *,
    command_line: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Mapping[str, object] | None = None,
    model: Mapping[str, object] | None = None,
    presets: Mapping[str, Mapping[str, object]] | None = None,
) -> tuple[ConfigT, dict[str, str]]:
    """Build a config from all origins.

    Args:
        config_type: A frozen dataclass made of options.
        command_line: Values by field name; None means not given.
        environment: The process environment; ``GANCLI_BATCH=32`` sets ``batch``.
        file: The table of a TOML file.
        model: What the model that training starts from needs.
        presets: Values of each preset by its name, if the config has a ``preset``.

    Returns:
        The config, and for each field the origin of its value.

    Raises:
        UsageError: An unknown name, a value of the wrong type or out of bounds, or two budgets.
    """
    declared = {option.name: option for option in options(config_type)}
    environment = environment or {}
    explicit = {name: value for name, value in (command_line or {}).items() if value is not None}
    env = {
        name: environment[f"GANCLI_{name.upper()}"]
        for name in declared
        if f"GANCLI_{name.upper()}" in environment
    }
    from_file = {name.replace("-", "_"): value for name, value in (file or {}).items()}
    for name in from_file:
        if name not in declared:
            flags = {option.flag for option in declared.values()}
            raise UsageError(f"The config file sets {name!r}, which is not an option.",
                             answer(name, TRAIN, flags, "gancli train") or suggest(name, declared))
    layers: list[tuple[str, Mapping[str, object]]] = [
        ("command line", explicit), ("environment", env), ("config file", from_file),
        ("model", model or {}),
    ]
    if presets is not None:
        preset_layers = [*layers, ("default", {"preset": declared["preset"].default})]
        origin, layer = next(pair for pair in preset_layers if "preset" in pair[1])
        preset = str(_convert(declared["preset"], layer["preset"], origin))
        layers.append((f"preset {preset}", presets[preset]))
    layers.append(("default", {name: option.default for name, option in declared.items()}))

    values: dict[str, Value] = {}
    sources: dict[str, str] = {}
    for origin, layer in layers:
        blocked = set()
        for group in EXCLUSIVE:
            budgets = [name for name in group if layer.get(name) is not None and name in declared]
            if len(budgets) > 1:
                raise UsageError(
                    "There can be only one budget, but the "
                    f"{origin} gives {' and '.join('--' + name for name in budgets)}.",
                    "Keep one of --time, --steps and --images.",
                )
            if any(values.get(name) is not None for name in group):
                blocked |= set(group)
        for name, value in layer.items():
            if name in values and not (values[name] is None and name not in blocked):
                continue
            if name in blocked:
                values.setdefault(name, None)
                sources.setdefault(name, origin)
                continue
            values[name] = _convert(declared[name], value, origin)
            sources[name] = origin
    return config_type(**values), sources


def to_table(config: "DataclassInstance") -> dict[str, Value]:
    """Return the config as a table for TOML: every option that has a value."""
    return {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if getattr(config, field.name) is not None
    }
