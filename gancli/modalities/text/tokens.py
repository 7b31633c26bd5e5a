"""Tokenizers of characters, bytes and byte pairs; that of words is in words.py.

Id 0 is END (also the start and the padding), id 1 is UNKNOWN, and the units follow.
"""

import json
from collections.abc import Sequence, Sized
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gancli.errors import GancliError, UsageError

if TYPE_CHECKING:
    from tokenizers.pre_tokenizers import PreTokenizer

END, UNKNOWN, FIRST = 0, 1, 2
TOKENS = ("char", "byte", "word", "bpe")
MAX_UNITS = 1_000_000

_REPLACEMENT = "\ufffd"
# Byte pairs are learned from pieces of this many characters, since a word may be a whole text.
_PIECE_LENGTH = 10_000


class Tokenizer(Protocol):
    """Converts text to ids and back.

    Args:
        size: Number of ids.
    """

    size: int

    def encode(self, text: str) -> np.ndarray:
        """Return the ids of a text, int32, without END."""

    def encode_many(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the concatenated ids of texts, int32, and the number of each text, int64."""

    def encode_prompt(self, text: str) -> tuple[np.ndarray, str]:
        """Return the ids that a sample starts with, and the characters that must follow them.

        Raises:
            UsageError: The prompt contains units that the model does not know.
        """

    def decode(self, ids: np.ndarray) -> str:
        """Return the text of ids; END becomes nothing, UNKNOWN becomes U+FFFD."""

    def pieces(self) -> list[bytes]:
        """Return the UTF-8 bytes of each id, empty for END and UNKNOWN."""


class Bytes:
    """The bytes of UTF-8."""

    size = FIRST + 256

    def encode(self, text: str) -> np.ndarray:
        return _byte_values(text.encode()) + np.int32(FIRST)

    def encode_many(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        encoded = [text.encode() for text in texts]
        return _byte_values(b"".join(encoded)) + np.int32(FIRST), _lengths(encoded)

    def encode_prompt(self, text: str) -> tuple[np.ndarray, str]:
        return self.encode(require_utf8(text)), ""

    def decode(self, ids: np.ndarray) -> str:
        return _join(self.pieces(), ids)

    def pieces(self) -> list[bytes]:
        return [b"", b"", *(bytes([value]) for value in range(256))]


class Characters:
    """Code points, without any normalization.

    Args:
        vocabulary: The characters, all distinct.
    """

    def __init__(self, vocabulary: tuple[str, ...]) -> None:
        self.vocabulary = vocabulary
        self.size = FIRST + len(vocabulary)
        self._codes = code_points("".join(vocabulary))
        self._order = np.argsort(self._codes)
        self._sorted = self._codes[self._order]

    def encode(self, text: str) -> np.ndarray:
        codes = code_points(text)
        indices = np.searchsorted(self._sorted, codes)
        indices[indices == len(self._sorted)] = 0
        known = self._sorted[indices] == codes
        return np.where(known, self._order[indices] + FIRST, UNKNOWN).astype(np.int32)

    def encode_many(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        return self.encode("".join(texts)), _lengths(texts)

    def encode_prompt(self, text: str) -> tuple[np.ndarray, str]:
        ids = self.encode(text)
        if (ids == UNKNOWN).any():
            character = text[int(np.argmax(ids == UNKNOWN))]
            raise UsageError(
                f"The prompt contains {character!r}, a character that the model does not know.",
                f"It knows {''.join(self.vocabulary[:100])!r}"
                + (", and others." if len(self.vocabulary) > 100 else "."),
            )
        return ids, ""

    def decode(self, ids: np.ndarray) -> str:
        table = np.concatenate([[ord(_REPLACEMENT)] * FIRST, self._codes]).astype("<u4")
        data: bytes = table[ids[ids != END]].tobytes()
        return data.decode("utf-32-le")

    def pieces(self) -> list[bytes]:
        return [b"", b"", *(character.encode() for character in self.vocabulary)]


class BytePairs:
    """Byte-level byte pairs as in GPT-2: every text can be encoded, and decodes to itself.

    Args:
        rules: JSON of the ``tokenizers`` library; only its vocabulary and merges are used.

    Raises:
        GancliError: The rules are damaged.
    """

    def __init__(self, rules: str) -> None:
        from tokenizers import Tokenizer as Library
        from tokenizers import models

        vocabulary, merges = _read_rules(rules)
        try:
            self._library = Library(models.BPE(vocab=vocabulary, merges=merges))
        except Exception as error:  # the library has no exception type of its own
            raise _damaged(f"the tokenizers library rejects it ({error})") from error
        self._library.pre_tokenizer = _pre_tokenizer()
        self.size = FIRST + len(vocabulary)
        values = {character: value for value, character in enumerate(_alphabet())}
        units = sorted(vocabulary, key=vocabulary.__getitem__)
        self._pieces = [b"", b"", *(bytes(map(values.__getitem__, unit)) for unit in units)]

    def encode(self, text: str) -> np.ndarray:
        return self.encode_many([text])[0]

    def encode_many(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        encodings = self._library.encode_batch(texts, add_special_tokens=False)
        encoded = [encoding.ids for encoding in encodings]
        lengths = _lengths(encoded)
        flat = (value for ids in encoded for value in ids)
        return np.fromiter(flat, np.int32, int(lengths.sum())) + np.int32(FIRST), lengths

    def encode_prompt(self, text: str) -> tuple[np.ndarray, str]:
        """Leave out the last token, since the model may know a longer one that starts like it."""
        ids, data = self.encode(require_utf8(text)), text.encode()
        for count in range(max(0, len(ids) - 1), -1, -1):
            size = sum(len(self._pieces[index]) for index in ids[:count])
            try:
                return ids[:count], data[size:].decode()
            except UnicodeDecodeError:  # the last token ended inside a character
                continue
        return ids[:0], text

    def decode(self, ids: np.ndarray) -> str:
        return _join(self._pieces, ids)

    def pieces(self) -> list[bytes]:
        return self._pieces


def fit_byte_pairs(texts: list[str], size: int) -> str:
    """Learn byte pairs from texts.

    Args:
        texts: The texts.
        size: Maximum number of units, at least 256.

    Returns:
        The rules: JSON of the ``tokenizers`` library.
    """
    from tokenizers import Tokenizer as Library
    from tokenizers import models, trainers

    library = Library(models.BPE())
    library.pre_tokenizer = _pre_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, show_progress=False, initial_alphabet=_alphabet(),
        special_tokens=[],
    )
    pieces = (
        text[start : start + _PIECE_LENGTH]
        for text in texts for start in range(0, len(text), _PIECE_LENGTH)
    )
    library.train_from_iterator(pieces, trainer)
    rules: str = library.to_str()
    return rules


def fit_characters(texts: list[str], limit: int) -> tuple[str, ...]:
    """Return the most frequent characters of texts, at most ``limit``, sorted by code point."""
    codes, counts = np.unique(code_points("".join(texts)), return_counts=True)
    frequent = np.sort(codes[np.argsort(-counts, kind="stable")[:limit]])
    return tuple(map(chr, frequent.tolist()))


def code_points(text: str) -> np.ndarray:
    """Return the code points of a text, uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def require_utf8(text: str) -> str:
    """Return a prompt if UTF-8 can encode it.

    Raises:
        UsageError: It comes from bytes that are not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("The prompt is not valid UTF-8.", "Encode it as UTF-8.") from None
    return text


def _byte_values(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8).astype(np.int32)


def _lengths(items: Sequence[Sized]) -> np.ndarray:
    return np.fromiter(map(len, items), np.int64, len(items))


def _join(pieces: list[bytes], ids: np.ndarray) -> str:
    unknown = _REPLACEMENT.encode()
    parts = (unknown if index == UNKNOWN else pieces[index] for index in ids.tolist())
    return b"".join(parts).decode("utf-8", "replace")


@lru_cache(maxsize=1)
def _alphabet() -> list[str]:
    """Return the printable character that stands for each byte in GPT-2."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in printable]
    stands_for = {value: chr(value) for value in printable}
    stands_for |= {value: chr(256 + index) for index, value in enumerate(others)}
    return [stands_for[value] for value in range(256)]


def _pre_tokenizer() -> "PreTokenizer":
    from tokenizers import pre_tokenizers

    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def _read_rules(rules: str) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return vocabulary and merges; other parts of the JSON could make encoding lossy."""
    try:
        model = json.loads(rules)["model"]
        vocabulary = {str(unit): index for unit, index in model["vocab"].items()}
        merges = [
            tuple(merge.split(" ") if isinstance(merge, str) else merge)
            for merge in model["merges"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(f"it is not the JSON of a tokenizer ({error!r})") from error
    characters = set(_alphabet())
    if not characters <= set(vocabulary) or len(vocabulary) > MAX_UNITS:
        raise _damaged("it must contain all bytes, and at most a million units")
    if not all(type(index) is int for index in vocabulary.values()) or (
        sorted(vocabulary.values()) != list(range(len(vocabulary)))
    ):
        raise _damaged("its ids must count from 0 without gaps")
    if not all(unit and characters.issuperset(unit) for unit in vocabulary):
        raise _damaged("its units must consist of bytes")
    for merge in merges:
        if len(merge) != 2 or not all(isinstance(part, str) for part in merge):
            raise _damaged("a merge must join two units")
        if not vocabulary.keys() >= {*merge, "".join(merge)}:
            raise _damaged("a merge joins units that it does not contain")
    return vocabulary, merges


def _damaged(problem: str) -> GancliError:
    return GancliError(
        f"The description of the byte pairs is damaged: {problem}.",
        "Get an intact copy of the model or run.",
    )
