"""Words and punctuation as tokens.

Marks know on which side they touch their neighbour: in ``a "big" dog.`` they are ``"|``, ``|"``
and ``|.`` (where | is a joiner). So quotes, brackets, hyphens and full stops come out as the
corpus writes them, and a word is the same token wherever it stands; nothing but the kind and
number of spaces is lost. A corpus that sets its punctuation off by spaces has none of this: there
whatever stands between spaces is a token.
"""

import difflib
import re
import sys
import unicodedata
from collections import Counter
from functools import lru_cache

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.text.tokens import END, FIRST, UNKNOWN

STYLES = ("marks", "spaces")

# The sign that OpenNMT uses; a corpus that holds it gets U+FFFD in its place.
JOINER = "\uffed"
_APOSTROPHES = "'\u2019"
_LETTERS = re.compile(r"\w")
_CHUNKS = re.compile(r"\n|\S+")
_CLOSING = ".,;:!?)\"\u3002\uff0c\uff01\uff1f\u060c\u061f\u0964"
_MAX_KNOWN, _LONGEST_KNOWN = 1 << 18, 64
_SHOW_NEAR = 3
# Below this share of words with a mark at their end the corpus sets its marks off by spaces.
_TOUCHING = 0.01


@lru_cache(maxsize=1)
def _mark() -> re.Pattern[str]:
    """Return a pattern of one mark: punctuation, or a symbol with what belongs to it.

    An apostrophe inside of a word is a part of it. Emoji hold together by joiners and modifiers.
    """
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] in "PS" and chr(code) not in _APOSTROPHES:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    marks = "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)
    letter = rf"[^\s{_APOSTROPHES}{marks}]"
    return re.compile(
        rf"[{marks}](?:[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]|\u200d[{marks}])*"
        rf"|(?<!{letter})[{_APOSTROPHES}]|[{_APOSTROPHES}](?!{letter})"
    )


def _set_off(match: re.Match[str]) -> str:
    """Return a mark between spaces, with joiners where there were none.

    Between two marks it is the second that has the joiner.
    """
    text, start, end = match.string, match.start(), match.end()
    right = end < len(text) and not _mark().match(text, end)
    return f" {JOINER * (start > 0)}{match.group()}{JOINER * right} "


def split_chunk(chunk: str, style: str) -> list[str]:
    """Return the tokens of what stands between two spaces, or of a line break."""
    if style == "spaces" or chunk == "\n" or chunk.isalnum():
        return [chunk]
    return _mark().sub(_set_off, chunk.replace(JOINER, "\ufffd")).split()


def split_words(text: str, style: str) -> list[str]:
    """Return the tokens of a text; a line break is one."""
    return [word for chunk in _chunks(text) for word in split_chunk(chunk, style)]


def _chunks(text: str) -> list[str]:
    # The former is several times faster, and most texts are lines.
    return _CHUNKS.findall(text) if "\n" in text else text.split()


def count_chunks(texts: list[str]) -> Counter[str]:
    """Return how often each thing between two spaces occurs."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_chunks(text))
    return counts


def count_words(chunks: Counter[str], style: str) -> Counter[str]:
    """Return how often each token occurs."""
    if style == "spaces":
        return chunks
    counts: Counter[str] = Counter()
    for chunk, count in chunks.items():
        for word in split_chunk(chunk, style):
            counts[word] += count
    return counts


def find_style(chunks: Counter[str]) -> str:
    """Return ``spaces`` if the corpus sets its punctuation off by spaces, else ``marks``."""
    touching = sum(
        count for chunk, count in chunks.items()
        if chunk[-1] in _CLOSING and _LETTERS.search(chunk) is not None
    )
    return "marks" if touching > _TOUCHING * chunks.total() else "spaces"


def frequent(counts: Counter[str], limit: int) -> tuple[str, ...]:
    """Return the words seen at least twice, the most frequent first; if there are none, all."""
    kept = [word for word, count in counts.items() if count > 1] or list(counts)
    kept.sort(key=lambda word: (-counts[word], word))
    return tuple(kept[:limit])


class Words:
    """Words and marks of a fixed vocabulary; the rest is UNKNOWN.

    Args:
        vocabulary: The tokens.
        style: ``marks`` or ``spaces``.
    """

    def __init__(self, vocabulary: tuple[str, ...], style: str) -> None:
        self.vocabulary, self.style = vocabulary, style
        self.size = FIRST + len(vocabulary)
        self._ids = {word: index for index, word in enumerate(vocabulary, FIRST)}
        # Ids of what was met between two spaces, since it comes up again and again.
        self._known: dict[str, list[int]] = {}

    def encode(self, text: str) -> np.ndarray:
        return self.encode_many([text])[0]

    def encode_many(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        found: list[int] = []
        lengths = np.zeros(len(texts), np.int64)
        known = self._known
        for place, text in enumerate(texts):
            before = len(found)
            for chunk in _chunks(text):
                ids = known.get(chunk)
                found += self._look_up(chunk) if ids is None else ids
            lengths[place] = len(found) - before
        return np.array(found, np.int32), lengths

    def _look_up(self, chunk: str) -> list[int]:
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        words = split_chunk(chunk, self.style)
        ids = [self._ids.get(word, UNKNOWN) for word in words]
        if len(chunk) < _LONGEST_KNOWN:
            self._known[chunk] = ids
        return ids

    def encode_prompt(self, text: str) -> tuple[np.ndarray, str]:
        words = split_words(text, self.style)
        # What the last mark will touch is not known yet.
        if words and words[-1] not in self._ids and words[-1] + JOINER in self._ids:
            words[-1] += JOINER
        for word in words:
            if word not in self._ids:
                raise UsageError(
                    f"The prompt holds {word.strip(JOINER)!r}, a word that the model has never "
                    "seen or seldom.",
                    self._near(word),
                )
        return np.array([self._ids[word] for word in words], np.int32), ""

    def _near(self, word: str) -> str:
        near = [each for each in (word.lower(), word.capitalize()) if each in self._ids]
        near += difflib.get_close_matches(word, self.vocabulary, _SHOW_NEAR, 0.7)
        shown = list(dict.fromkeys(each.strip(JOINER) for each in near))[:_SHOW_NEAR]
        if not shown:
            return "Choose another; it knows " + ", ".join(self.vocabulary[:10]) + " and so on."
        return "It knows " + ", ".join(map(repr, shown)) + "."

    def decode(self, ids: np.ndarray) -> str:
        found: list[str] = []
        touching = True
        for index in ids.tolist():
            if index == END:
                continue
            word = "\ufffd" if index == UNKNOWN else self.vocabulary[index - FIRST]
            left = right = word == "\n"
            if self.style == "marks":
                left, right = left or word.startswith(JOINER), right or word.endswith(JOINER)
                word = word.strip(JOINER)
            found += [word] if touching or left else [" ", word]
            touching = right
        return "".join(found)

    def pieces(self) -> list[bytes]:
        """Return the words without their joiners."""
        strip = JOINER if self.style == "marks" else ""
        return [b"", b"", *(word.strip(strip).encode() for word in self.vocabulary)]
