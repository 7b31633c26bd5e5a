"""The one Unicode form of text that comes in: names, options, prompts, classes, samples."""

import os
import unicodedata
from pathlib import Path


def normalized(text: str) -> str:
    """Return a text in NFC, so that what looks the same is the same.

    macOS and some keyboards write an accent as a character of its own (NFD).
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def decomposed(text: str) -> str:
    """Return a text in NFD, for what was made in that form."""
    return unicodedata.normalize("NFD", text)


def typed_path(path: str) -> Path | None:
    """Return the path that exists as typed, or else in another Unicode form, or None."""
    for form in (path, normalized(path), decomposed(path)):
        if os.path.exists(form):
            return Path(form)
    return None
