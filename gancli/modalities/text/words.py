"""Words and punctuation marks as tokens.

A mark's token tells on which sides it touches its neighbors: in ``a "big" dog.`` the marks are
``"|``, ``|"`` and ``|.`` (where | is a joiner). So quotes, brackets, hyphens and full stops come
out as the corpus writes them, and a word is the same token wherever it stands; only the kind and
number of spaces is lost. In a corpus that separates its punctuation by spaces (style
``spaces``), whatever stands between spaces is a token.
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

# The joiner of OpenNMT; in a corpus that contains it, it is replaced by U+FFFD.
JOINER = "\uffed"
_APOSTROPHES = "'\u2019"
_LETTER = re.compile(r"\w")
_CHUNKS = re.compile(r"\n|\S+")
_CLOSING = ".,;:!?)\"\u3002\uff0c\uff01\uff1f\u060c\u061f\u0964"
_MAX_CACHED, _MAX_CACHED_LENGTH = 1 << 18, 64
_MAX_SUGGESTIONS = 3
# With fewer words that end with a mark, the corpus separates its marks by spaces.
_MIN_MARKED = 0.01


@lru_cache(maxsize=1)
def _mark_pattern() -> re.Pattern[str]:
    """Return a pattern for one mark: punctuation, or a symbol with its modifiers.

    An apostrophe inside a word is part of the word. Joiners and modifiers hold emoji together.
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


def _separate(match: re.Match[str]) -> str:
    """Return a mark between spaces, with joiners where it had no space.

    Between two marks, the second has the joiner.
    """
    text, start, end = match.string, match.start(), match.end()
    right = end < len(text) and not _mark_pattern().match(text, end)
    return f" {JOINER * (start > 0)}{match.group()}{JOINER * right} "


def split_chunk(chunk: str, style: str) -> list[str]:
    """Return the tokens of a chunk: the characters between two spaces, or a line break."""
    if style == "spaces" or chunk == "\n" or chunk.isalnum():
        return [chunk]
    return _mark_pattern().sub(_separate, chunk.replace(JOINER, "\ufffd")).split()


def split_words(text: str, style: str) -> list[str]:
    """Return the tokens of a text; a line break is a token."""
    return [word for chunk in _chunks(text) for word in split_chunk(chunk, style)]


def _chunks(text: str) -> list[str]:
    # str.split is several times faster, and most texts are single lines.
    return _CHUNKS.findall(text) if "\n" in text else text.split()


def count_chunks(texts: list[str]) -> Counter[str]:
    """Return how often each chunk occurs."""
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
    """Return ``spaces`` if the corpus separates its punctuation by spaces, else ``marks``."""
    marked = sum(
        count for chunk, count in chunks.items()
        if chunk[-1] in _CLOSING and _LETTER.search(chunk) is not None
    )
    return "marks" if marked > _MIN_MARKED * chunks.total() else "spaces"


def frequent_words(counts: Counter[str], limit: int) -> tuple[str, ...]:
    """Return the words seen at least twice, or else all, the most frequent first."""
    words = [word for word, count in counts.items() if count > 1] or list(counts)
    words.sort(key=lambda word: (-counts[word], word))
    return tuple(words[:limit])


class Words:
    """Words and marks of a fixed vocabulary; all others are UNKNOWN.

    Args:
        vocabulary: The tokens.
        style: ``marks`` or ``spaces``.
    """

    def __init__(self, vocabulary: tuple[str, ...], style: str) -> None:
        self.vocabulary, self.style = vocabulary, style
        self.size = FIRST + len(vocabulary)
        self._ids = {word: index for index, word in enumerate(vocabulary, FIRST)}
        # Ids of the chunks seen, most of which occur again and again.
        self._cache: dict[str, list[int]] = {}

    def encode(self, text: str) -> np.ndarray:
        return self.encode_many([text])[0]

    def encode_many(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        flat: list[int] = []
        lengths = np.zeros(len(texts), np.int64)
        cache = self._cache
        for index, text in enumerate(texts):
            before = len(flat)
            for chunk in _chunks(text):
                ids = cache.get(chunk)
                flat += self._encode_chunk(chunk) if ids is None else ids
            lengths[index] = len(flat) - before
        return np.array(flat, np.int32), lengths

    def _encode_chunk(self, chunk: str) -> list[int]:
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()
        words = split_chunk(chunk, self.style)
        ids = [self._ids.get(word, UNKNOWN) for word in words]
        if len(chunk) < _MAX_CACHED_LENGTH:
            self._cache[chunk] = ids
        return ids

    def encode_prompt(self, text: str) -> tuple[np.ndarray, str]:
        words = split_words(text, self.style)
        # The next character decides what the last mark will touch.
        if words and words[-1] not in self._ids and words[-1] + JOINER in self._ids:
            words[-1] += JOINER
        for word in words:
            if word not in self._ids:
                raise UsageError(
                    f"The prompt contains {word.strip(JOINER)!r}, a word that the model does not "
                    "know.",
                    self._suggestion(word),
                )
        return np.array([self._ids[word] for word in words], np.int32), ""

    def _suggestion(self, word: str) -> str:
        similar = [form for form in (word.lower(), word.capitalize()) if form in self._ids]
        similar += difflib.get_close_matches(word, self.vocabulary, _MAX_SUGGESTIONS, 0.7)
        words = list(dict.fromkeys(token.strip(JOINER) for token in similar))[:_MAX_SUGGESTIONS]
        if not words:
            return "It knows words such as " + ", ".join(self.vocabulary[:10]) + "."
        return "It knows " + ", ".join(map(repr, words)) + "."

    def decode(self, ids: np.ndarray) -> str:
        parts: list[str] = []
        joined = True
        for index in ids.tolist():
            if index == END:
                continue
            word = "\ufffd" if index == UNKNOWN else self.vocabulary[index - FIRST]
            left = right = word == "\n"
            if self.style == "marks":
                left, right = left or word.startswith(JOINER), right or word.endswith(JOINER)
                word = word.strip(JOINER)
            parts += [word] if joined or left else [" ", word]
            joined = right
        return "".join(parts)

    def pieces(self) -> list[bytes]:
        """Return the words without their joiners."""
        strip = JOINER if self.style == "marks" else ""
        return [b"", b"", *(word.strip(strip).encode() for word in self.vocabulary)]
