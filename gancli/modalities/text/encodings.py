"""The encoding of a text, found by the first bytes of its file."""

import codecs
import unicodedata

import numpy as np

# That of UTF-32 starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
# Requests that a file may contradict; any other encoding is taken at its word.
_OPEN = ("utf-8", "utf-8-sig", "ascii", "utf-16", "utf-32")

_MAX_ODD = 0.02
_MIN_TWO_BLOCKS = 0.9


def find_encoding(head: bytes, requested: str) -> str:
    """Return the encoding of a file: that of its mark, else UTF-16 or UTF-32 if it looks like it.

    Args:
        head: The first bytes of the file.
        requested: What applies otherwise, and always if it is not UTF.
    """
    if codecs.lookup(requested).name not in _OPEN:
        return requested
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    return _unmarked(head) or requested


def _unmarked(head: bytes) -> str:
    """Return the encoding of UTF-16 or UTF-32 without a mark, or an empty string.

    Any such text contains bytes of zero: those of its spaces and line breaks.
    """
    if b"\0" not in head:
        return ""
    candidates = []
    for encoding in _WIDE:
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(head)
        except UnicodeDecodeError:
            continue
        if text and _odd(text) <= _MAX_ODD * len(text) and (
            "32" in encoding or not _is_utf8(head) or _few_blocks(head, encoding)
        ):
            candidates.append((sum(map(text.count, " \n")), encoding))
    # In the wrong order of bytes, spaces and line breaks are other characters.
    return max(candidates)[1] if candidates else ""


def _odd(text: str) -> int:
    """Return the number of control, private and unassigned characters."""
    return sum(
        unicodedata.category(char) in ("Cc", "Cn", "Co", "Cs") and char not in "\t\n\r\f\x1b\ufeff"
        for char in text
    )


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _few_blocks(head: bytes, encoding: str) -> bool:
    """Return whether UTF-16 would be of one script: UTF-8 with zeros between items is of many."""
    units = np.frombuffer(head[: len(head) // 2 * 2], "<u2" if encoding.endswith("le") else ">u2")
    counts = np.sort(np.bincount(units >> 8))
    return bool(counts[-2:].sum() >= _MIN_TWO_BLOCKS * len(units))
