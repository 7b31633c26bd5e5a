"""The class of a sample: the one asked for, or one drawn as often as in the data."""

from gancli.errors import UsageError, suggest
from gancli.sampling.seeds import Key, drawn_class


def class_index(name: str, classes: tuple[str, ...]) -> int:
    """Return the number of a class that is given by name or number.

    Raises:
        UsageError: The model has no such class.
    """
    if not classes:
        raise UsageError("This model knows no classes.", "Leave --class out.")
    if name in classes:
        return classes.index(name)
    if name.isascii() and name.isdigit() and int(name) < len(classes):
        return int(name)
    raise UsageError(f"This model has no class {name!r}.", suggest(name, classes))


def class_of(
    key: Key, asked: str | None, classes: tuple[str, ...], counts: tuple[int, ...]
) -> int | None:
    """Return the number of a sample's class, or None where there are no classes.

    Args:
        key: The sample's seed, or a candidate, which shares its seed's class.
        asked: The class that every sample is to have, by name or number, or None.
        classes: Names of the classes.
        counts: How often each occurs in the data.

    Raises:
        UsageError: The model has no such class.
    """
    if asked is not None:
        return class_index(asked, classes)
    return drawn_class(key, counts) if classes else None
