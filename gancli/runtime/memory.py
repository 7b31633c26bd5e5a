"""Keeping the memory that training frees and allocates again thousands of times a minute."""

import ctypes

_MAX_BLOCK = 32 << 20  # bytes; glibc never takes larger blocks from its heap
_MAX_FREE = 1 << 30  # bytes
_HEAP_GROWTH = 64 << 20  # bytes
# Names of these settings, from glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3


def keep_freed() -> bool:
    """Keep up to a gibibyte of freed memory in this process instead of returning it to the system.

    glibc returns the memory of a step's tensors when they are freed, and the system has to find
    and clear memory for the next step's: a sixth of the time of a step on sounds.

    Returns:
        Whether it worked; only glibc can do it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # not glibc
        return False
    settings = (_MMAP_THRESHOLD, _MAX_BLOCK), (_TRIM_THRESHOLD, _MAX_FREE), (_TOP_PAD, _HEAP_GROWTH)
    return all([mallopt(name, value) == 1 for name, value in settings])
