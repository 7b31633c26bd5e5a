"""Options as tables, those that differ from their defaults first."""

from collections.abc import Collection

from gancli.artifacts.report.markup import number, table
from gancli.config import Option, TrainConfig, options


def shown(option: Option, value: object) -> str:
    """Return an option's value for people."""
    if value is None:
        return "not set"
    return f"{value:g} s" if isinstance(value, float) and option.metavar == "DURATION" else (
        number(value)
    )


def settings(config: TrainConfig, without: Collection[str] = ()) -> str:
    """Return a table of the options that differ from their defaults, and the others in a fold.

    Args:
        config: The values.
        without: Names of options to leave out.
    """
    changed, others = [], []
    for option in options(type(config)):
        if option.name in without:
            continue
        value = getattr(config, option.name)
        if value == option.default:
            others.append((option.flag, shown(option, value), option.help))
        else:
            default = shown(option, option.default)
            changed.append((option.flag, shown(option, value), default, option.help))
    head = ("option", "value", "default", "what it is")
    first = table(changed, head, "options") if changed else "<p>All are as by default.</p>"
    rest = table(others, ("option", "value", "what it is"), "options")
    return (
        f"<h3>What differs from the default</h3>{first}<details><summary>{len(others)} options "
        f"are as by default</summary>{rest}</details>"
    )
