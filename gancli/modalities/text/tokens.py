"""Text to token ids and back: characters, bytes and byte pairs; words are in words.py.

In all of them 0 is END (also the start and the padding), 1 is UNKNOWN, and the units follow.
"""

import json
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from gancli.errors import GancliError, UsageError

END, UNKNOWN, FIRST = 0, 1, 2
TOKENS = ("char", "byte", "word", "bpe")
MAX_UNITS = 1_000_000

_REPLACEMENT = "\ufffd"
# Training sees a text in pieces of at most this, since a word may be as long as its text.
_PIECE = 10_000


class Tokenizer(Protocol):
    """Turns text into ids and back.

    Args:
        size: Number of ids.
    """

    size: int

    def encode(self, text: str) -> np.ndarray:
        """Return the ids of a text, int32, without END."""

    def encode_many(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of texts one after the other, int32, and each one's number, int64."""

    def encode_prompt(self, text: str) -> tuple[np.ndarray, str]:
        """Return ids that a sample can start with, and the characters that must follow them.

        Raises:
            UsageError: The prompt holds what the model has never seen.
        """

    def decode(self, ids: np.ndarray) -> str:
        """Return the text of ids; END is nothing, UNKNOWN is U+FFFD."""

    def pieces(self) -> list[bytes]:
        """Return what each id stands for in UTF-8; nothing for END and UNKNOWN."""


class Bytes:
    """The bytes of UTF-8."""

    size = FIRST + 256

    def encode(self, text: str) -> np.ndarray:
        return _byte_values(text.encode()) + np.int32(FIRST)

    def encode_many(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        encoded = [text.encode() for text in texts]
        return _byte_values(b"".join(encoded)) + np.int32(FIRST), _lengths(encoded)

    def encode_prompt(self, text: str) -> tuple[np.ndarray, str]:
        return self.encode(sound(text)), ""

    def decode(self, ids: np.ndarray) -> str:
        return _join(self.pieces(), ids)

    def pieces(self) -> list[bytes]:
        return [b"", b"", *(bytes([value]) for value in range(256))]


class Characters:
    """Code points, as they stand: nothing is normalized.

    Args:
        vocabulary: The characters, each once.
    """

    def __init__(self, vocabulary: tuple[str, ...]) -> None:
        self.vocabulary = vocabulary
        self.size = FIRST + len(vocabulary)
        self._codes = code_points("".join(vocabulary))
        self._order = np.argsort(self._codes)
        self._sorted = self._codes[self._order]

    def encode(self, text: str) -> np.ndarray:
        codes = code_points(text)
        places = np.searchsorted(self._sorted, codes)
        places[places == len(self._sorted)] = 0
        known = self._sorted[places] == codes
        return np.where(known, self._order[places] + FIRST, UNKNOWN).astype(np.int32)

    def encode_many(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        return self.encode("".join(texts)), _lengths(texts)

    def encode_prompt(self, text: str) -> tuple[np.ndarray, str]:
        ids = self.encode(text)
        if (ids == UNKNOWN).any():
            character = text[int(np.argmax(ids == UNKNOWN))]
            raise UsageError(
                f"The prompt holds {character!r}, a character that the model has never seen.",
                f"It knows these: {''.join(self.vocabulary[:100])!r}"
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
    """Byte-level byte pairs as GPT-2 has them: every text can be written, and comes back as it was.

    Args:
        rules: JSON of the ``tokenizers`` library, of which the vocabulary and the merges count.

    Raises:
        GancliError: The rules are damaged.
    """

    def __init__(self, rules: str) -> None:
        from tokenizers import Tokenizer as Library
        from tokenizers import models

        vocabulary, merges = _read_rules(rules)
        try:
            self._library = Library(models.BPE(vocab=vocabulary, merges=merges))
        except Exception as error:  # the library's errors have no type of their own
            raise _bad(f"the library refuses it ({error})") from error
        self._library.pre_tokenizer = _pre_tokenizer()
        self.size = FIRST + len(vocabulary)
        values = {character: value for value, character in enumerate(_alphabet())}
        units = sorted(vocabulary, key=vocabulary.__getitem__)
        self._pieces = [b"", b"", *(bytes(values[each] for each in unit) for unit in units)]

    def encode(self, text: str) -> np.ndarray:
        return self.encode_many([text])[0]

    def encode_many(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        encoded = [each.ids for each in self._library.encode_batch(texts, add_special_tokens=False)]
        lengths = _lengths(encoded)
        flat = (value for ids in encoded for value in ids)
        return np.fromiter(flat, np.int32, int(lengths.sum())) + np.int32(FIRST), lengths

    def encode_prompt(self, text: str) -> tuple[np.ndarray, str]:
        """Leave out the last token, since the model may have learned the word to go on in one."""
        ids, whole = self.encode(sound(text)), text.encode()
        for kept in range(max(0, len(ids) - 1), -1, -1):
            taken = sum(len(self._pieces[index]) for index in ids[:kept])
            try:
                return ids[:kept], whole[taken:].decode()
            except UnicodeDecodeError:  # the token ended inside of a character
                continue
        return ids[:0], text

    def decode(self, ids: np.ndarray) -> str:
        return _join(self._pieces, ids)

    def pieces(self) -> list[bytes]:
        return self._pieces


def fit_byte_pairs(texts: list[str], size: int) -> str:
    """Learn byte pairs.

    Args:
        texts: What to learn from.
        size: Most units, at least 256.

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
    pieces = (text[at : at + _PIECE] for text in texts for at in range(0, len(text), _PIECE))
    library.train_from_iterator(pieces, trainer)
    rules: str = library.to_str()
    return rules


def fit_characters(texts: list[str], limit: int) -> tuple[str, ...]:
    """Return the characters of texts by code point; if there are too many, the frequent ones."""
    codes, counts = np.unique(code_points("".join(texts)), return_counts=True)
    kept = np.sort(codes[np.argsort(-counts, kind="stable")[:limit]])
    return tuple(map(chr, kept.tolist()))


def code_points(text: str) -> np.ndarray:
    """Return the code points of a text, uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def sound(text: str) -> str:
    """Return a prompt that UTF-8 can hold.

    Raises:
        UsageError: It came from bytes that are no text.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("The prompt is no valid text.", "Give it in UTF-8.") from None
    return text


def _byte_values(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8).astype(np.int32)


def _lengths(items: list[Any]) -> np.ndarray:
    return np.fromiter(map(len, items), np.int64, len(items))


def _join(pieces: list[bytes], ids: np.ndarray) -> str:
    unknown = _REPLACEMENT.encode()
    found = (unknown if index == UNKNOWN else pieces[index] for index in ids.tolist())
    return b"".join(found).decode("utf-8", "replace")


@lru_cache(maxsize=1)
def _alphabet() -> list[str]:
    """Return the printable character that stands for each byte, as GPT-2 has chosen them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in printable]
    stands_for = {value: chr(value) for value in printable}
    stands_for |= {value: chr(256 + place) for place, value in enumerate(others)}
    return [stands_for[value] for value in range(256)]


def _pre_tokenizer() -> Any:
    from tokenizers import pre_tokenizers

    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def _read_rules(rules: str) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return vocabulary and merges; whatever else the JSON holds could change what is lossless."""
    try:
        model = json.loads(rules)["model"]
        vocabulary = {str(unit): index for unit, index in model["vocab"].items()}
        merges = [
            tuple(merge.split(" ") if isinstance(merge, str) else merge)
            for merge in model["merges"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _bad(f"it is no JSON of a tokenizer ({error!r})") from error
    characters = set(_alphabet())
    if not characters <= set(vocabulary) or len(vocabulary) > MAX_UNITS:
        raise _bad("it must know all bytes, and at most a million units")
    if not all(type(index) is int for index in vocabulary.values()) or (
        sorted(vocabulary.values()) != list(range(len(vocabulary)))
    ):
        raise _bad("its numbers must go from 0 on without a gap")
    if not all(unit and characters.issuperset(unit) for unit in vocabulary):
        raise _bad("its units must be made of bytes")
    for merge in merges:
        if len(merge) != 2 or not all(isinstance(part, str) for part in merge):
            raise _bad("a merge must be of two units")
        if not vocabulary.keys() >= {*merge, "".join(merge)}:
            raise _bad("a merge is of units that it does not know")
    return vocabulary, merges


def _bad(problem: str) -> GancliError:
    return GancliError(
        f"The description of the byte pairs is damaged: {problem}.",
        "Take the model or run from where it came from again.",
    )
