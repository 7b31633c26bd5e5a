"""The class of a sample: the one asked for, or one drawn as often as in the data."""

from collections.abc import Sequence

import numpy as np

from gancli.config.unicode import normalized
from gancli.errors import UsageError, suggest
from gancli.sampling.request import SampleRequest
from gancli.sampling.seeds import drawn_class


def class_index(name: str, classes: tuple[str, ...]) -> int:
    """Return the number of a class that is given by name or number.

    Raises:
        UsageError: The model has no such class.
    """
    if not classes:
        raise UsageError("This model has no classes.", "Leave --class out.")
    forms = [normalized(each) for each in classes]
    if normalized(name) in forms:
        return forms.index(normalized(name))
    if name.isascii() and name.isdigit() and int(name) < len(classes):
        return int(name)
    raise UsageError(f"This model has no class {name!r}.", suggest(name, classes))


def choose_labels(
    requests: Sequence[SampleRequest], class_name: str | None, classes: tuple[str, ...],
    counts: tuple[int, ...],
) -> np.ndarray | None:
    """Return the number of each request's class, int64, shape (n,), or None without classes.

    Args:
        requests: What is asked for; a seed draws its own class, candidates share one, unless the
            request names it.
        class_name: The class that every sample is to have, by name or number, or None.
        classes: Names of the classes.
        counts: How often each occurs in the data.

    Raises:
        UsageError: The model has no such class.
    """
    if class_name is not None:
        return np.full(len(requests), class_index(class_name, classes), np.int64)
    if not classes:
        return None
    drawn = [
        drawn_class(request, counts) if request.label is None else request.label
        for request in requests
    ]
    return np.array(drawn, np.int64)
