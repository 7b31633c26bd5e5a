"""Durations as people write them and as they are shown."""

import re

from gancli.errors import UsageError

_UNITS = {
    unit: seconds
    for units, seconds in {
        "ms msec": 1e-3, "s sec secs second seconds": 1.0, "m min mins minute minutes": 60.0,
        "h hr hrs hour hours": 3600.0, "d day days": 86400.0,
    }.items()
    for unit in units.split()
}
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))


def parse_duration(text: str, zero: bool = False) -> float:
    """Return the seconds of ``250ms``, ``90s``, ``10 min``, ``1h30m`` or a bare number of seconds.

    Args:
        text: As it was typed.
        zero: Whether no time at all is one, too.

    Raises:
        UsageError: The text is not one of these, or not above zero.
    """
    compact = re.sub(r"\s", "", text.lower())
    parts = re.findall(rf"(\d+(?:\.\d+)?)({_UNIT})", compact)
    if parts and "".join(number + unit for number, unit in parts) == compact:
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    else:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
    if not (0 < seconds < 1e9 or (zero and seconds == 0)):
        raise UsageError(
            f"{text.strip()!r} is not a duration.", "Write it like 250ms, 90s, 10m or 1h30m."
        )
    return seconds


def parse_interval(text: str) -> tuple[float | None, int | None]:
    """Return (seconds, None) for ``60s`` and (None, steps) for a bare whole number.

    Raises:
        UsageError: The text is neither.
    """
    if re.fullmatch(r"0*[1-9]\d*", text.strip()):
        return None, int(text)
    try:
        return parse_duration(text), None
    except UsageError:
        raise UsageError(
            f"{text.strip()!r} is neither a duration nor a number of steps.",
            "Write a time like 60s or 10m, or a number of steps like 500.",
        ) from None


def duration(seconds: float, compact: bool = False) -> str:
    """Return ``9 s``, ``2 min 5 s`` or ``1 h 2 min``; compact ``9s``, ``2m05s`` or ``1h02m``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s" if compact else f"{whole} s"
    large, small = ("min", "s") if whole < 3600 else ("h", "min")
    count, rest = divmod(whole if whole < 3600 else whole // 60, 60)
    if compact:
        return f"{count}{large[0]}{rest:02d}{small[0]}"
    return f"{count} {large} {rest} {small}"
