"""The threads of the library behind numpy's matrix products."""

import os
import sys

_LIMITS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

_limited = False


def keep_to_one_thread() -> None:
    """Let numpy's matrix products have one thread each, unless numpy is there already.

    Those of a sample are too small to be shared out; starting threads for them takes time and
    memory, and how they share a product may change its last bits. Several samples can be computed
    side by side instead. Limits that the environment sets are left alone.
    """
    global _limited
    if "numpy" in sys.modules or any(name in os.environ for name in _LIMITS):
        return
    os.environ.update(dict.fromkeys(_LIMITS, "1"))
    _limited = True


def has_one_thread() -> bool:
    """Return whether :func:`keep_to_one_thread` came in time."""
    return _limited
