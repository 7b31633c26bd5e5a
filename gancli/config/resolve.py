"""The value of each option, from all the places that can set it.

Values come, highest first, from the command line, the environment (``GANCLI_`` and the name in
capitals), a TOML file, a preset, the default.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from gancli.config.option import Option, options, parse_duration, parse_interval
from gancli.errors import UsageError, suggest


def _convert(declared: Option, value: Any, origin: str) -> Any:
    """Turn a value from any origin into the option's type and check its bounds."""
    if value is None:
        return None
    # What stands on the command line is in view; what comes from elsewhere is not.
    where = "" if origin == "command line" else f" (from the {origin})"
    try:
        if declared.parse == "duration":
            converted: Any = parse_duration(str(value))
        elif declared.parse == "interval":
            parse_interval(str(value))
            converted = str(value)
        elif declared.type is bool:
            words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
            converted = words[str(value).lower()]
        elif isinstance(value, (dict, list)) or (
            declared.type in (int, float) and isinstance(value, bool)
        ) or (declared.type is int and isinstance(value, float)):
            raise ValueError
        else:
            converted = declared.type(value)
    except (ValueError, KeyError):
        raise UsageError(
            f"{value!r} is not a valid {declared.type.__name__} for {declared.flag}{where}.",
            declared.help,
        ) from None
    if declared.choices and converted not in declared.choices:
        raise UsageError(
            f"{declared.flag} cannot be {converted!r}{where}.",
            suggest(str(converted), declared.choices),
        )
    low, high = declared.minimum, declared.maximum
    number = isinstance(converted, (int, float)) and not isinstance(converted, bool)
    # Written so that NaN is out of any bounds.
    if number and not (
        converted == converted
        and (low is None or converted >= low) and (high is None or converted <= high)
    ):
        raise UsageError(
            f"{declared.flag} cannot be {converted}{where}.",
            f"It goes from {low if low is not None else 'anything'} to "
            f"{high if high is not None else 'anything'}.",
        )
    return converted


ConfigT = TypeVar("ConfigT")

# Of these only the one with the highest precedence counts.
EXCLUSIVE = (("time", "steps", "images"),)


def resolve(
    config_type: type[ConfigT],
    *,
    command_line: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Mapping[str, Any] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[ConfigT, dict[str, str]]:
    """Build a config from all origins.

    Args:
        config_type: A frozen dataclass made of options.
        command_line: Values given there, by field name; None means not given.
        environment: The process environment; ``GANCLI_BATCH=32`` sets ``batch``.
        file: Values of a TOML file.
        presets: Values of each preset by its name, if the config has a ``preset``.

    Returns:
        The config, and for each field the origin of its value.

    Raises:
        UsageError: An unknown name, a value of the wrong type or out of bounds, or two budgets.
    """
    declared = {each.name: each for each in options(config_type)}
    environment = environment or {}
    given = {name: value for name, value in (command_line or {}).items() if value is not None}
    env = {
        name: environment[f"GANCLI_{name.upper()}"]
        for name in declared
        if f"GANCLI_{name.upper()}" in environment
    }
    table = {name.replace("-", "_"): value for name, value in (file or {}).items()}
    for name in table:
        if name not in declared:
            raise UsageError(f"The config file sets {name!r}, which is no option.",
                             suggest(name, declared))
    layers = [("command line", given), ("environment", env), ("config file", table)]
    if presets is not None:
        origin, chosen = "default", declared["preset"].default
        for origin_name, layer in layers:
            if "preset" in layer:
                origin, chosen = origin_name, layer["preset"]
                break
        chosen = _convert(declared["preset"], chosen, origin)
        layers.append((f"preset {chosen}", dict(presets[chosen])))
    layers.append(("default", {name: each.default for name, each in declared.items()}))

    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for origin, layer in layers:
        blocked = set()
        for group in EXCLUSIVE:
            here = [name for name in group if layer.get(name) is not None and name in declared]
            if len(here) > 1:
                raise UsageError(
                    "Only one budget can hold, but the "
                    f"{origin} gives {' and '.join('--' + name for name in here)}.",
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


def to_table(config: Any) -> dict[str, Any]:
    """Return the config as TOML can hold it: every option that has a value."""
    return {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if getattr(config, field.name) is not None
    }
