"""Every option, declared once: the command line, TOML files and ``--help`` all read it here.

A config is a frozen dataclass whose fields are made by :func:`option`. A modality adds its own
options by inheriting from :class:`TrainConfig`. Values come, highest first, from the command line,
the environment (``GANCLI_`` and the name in capitals), a TOML file, a preset, the default.
"""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gancli.errors import UsageError


@dataclass(frozen=True)
class Option:
    """The declaration of one option, as found by :func:`options`.

    Args:
        name: Field name; the flag is ``--`` and the name with hyphens.
        type: ``int``, ``float``, ``str`` or ``bool``.
        default: Value when nothing sets it; None means "found or decided later".
        help: What it does, its unit and why the default is what it is.
        group: Heading in ``--help``.
        choices: Allowed values, or empty.
        minimum, maximum: Inclusive bounds for numbers, or None.
        parse: ``""``, ``"duration"`` (seconds, written 250ms, 90s, 10m, 1h30m) or ``"interval"``
            (a duration, or a bare number of steps).
        metavar: How the value is shown in ``--help``.
        flags: Flags that replace the derived one.
    """

    name: str
    type: type
    default: Any
    help: str
    group: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    parse: str = ""
    metavar: str | None = None
    flags: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        return self.flags[0] if self.flags else "--" + self.name.replace("_", "-")


def option(default: Any, help: str, group: str, **details: Any) -> Any:  # noqa: A002
    """Declare a field of a config; see :class:`Option` for the details."""
    return dataclasses.field(
        default=default, metadata={"help": help, "group": group, "details": details}
    )


def options(config_type: type) -> list[Option]:
    """Return the declarations of a config's options, in order."""
    hints = typing.get_type_hints(config_type)
    found = []
    for field in dataclasses.fields(config_type):
        hint = hints[field.name]
        if isinstance(hint, types.UnionType):
            hint = next(part for part in typing.get_args(hint) if part is not type(None))
        found.append(
            Option(
                name=field.name,
                type=hint,
                default=field.default,
                help=field.metadata["help"],
                group=field.metadata["group"],
                **field.metadata["details"],
            )
        )
    return found


_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str) -> float:
    """Return the seconds of ``250ms``, ``90s``, ``10m``, ``1h30m`` or a bare number of seconds.

    Raises:
        UsageError: The text is none of these, or not above zero.
    """
    text = text.strip().lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    else:
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
    if not 0 < seconds < 1e9:
        raise UsageError(f"{text!r} is not a length of time.", "Write it like 90s, 10m or 1h30m.")
    return seconds


def parse_interval(text: str) -> tuple[float | None, int | None]:
    """Return (seconds, None) for ``60s`` and (None, steps) for a bare whole number."""
    if re.fullmatch(r"[1-9]\d*", text.strip()):
        return None, int(text)
    return parse_duration(text), None


def suggest(word: str, known: typing.Iterable[str]) -> str:
    """Return a hint that names the nearest known word, or all of them."""
    known = list(known)
    if not known:
        return ""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else "Choose one of: " + ", ".join(known) + "."


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


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Options of every modality's training."""

    # Ten minutes is what a person waits for; the schedule ends with it, so a short run is finished.
    time: float | None = option(
        None, "Budget in time, e.g. 90s, 10m, 2h. The default budget is 10m.", "Budget",
        parse="duration", metavar="DURATION",
    )
    steps: int | None = option(
        None, "Budget in steps; with --threads it makes a run reproducible to the bit.", "Budget",
        minimum=1, maximum=10**9,
    )
    images: int | None = option(
        None, "Budget in items seen.", "Budget", minimum=1, maximum=10**12
    )
    seed: int = option(
        0, "Seed of all randomness in training.", "Training", minimum=0, maximum=2**63 - 1
    )
    threads: str = option(
        "auto", "Threads to compute with: a number, or auto to measure which count is fastest.",
        "Training", metavar="N|auto",
    )
    device: str = option(
        "auto", "Where to compute; auto takes a GPU if there is one.", "Training",
        choices=("auto", "cpu", "cuda", "mps"),
    )
    precision: str = option(
        "auto", "Arithmetic of the networks; auto takes bf16 only where it is fast.", "Training",
        choices=("auto", "fp32", "bf16"),
    )
    save_every: str = option(
        "60s", "Time (60s) or steps (500) between checkpoints.", "Training",
        parse="interval", metavar="60s|N",
    )
    tensorboard: bool = option(
        False, "Write events for TensorBoard too; needs gancli[tensorboard].", "Training"
    )
    holdout: float = option(
        0.1, "Share of the data kept for measuring, at most 10,000 items.", "Data",
        minimum=0.0, maximum=0.5,
    )
    strict: bool = option(False, "Stop at the first file that cannot be read.", "Data")
