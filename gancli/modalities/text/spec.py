"""What training takes from a corpus: tokens, vocabulary, length and classes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from gancli.data.tables import class_problem, damaged, whole
from gancli.modalities.text.tokens import (
    FIRST,
    MAX_UNITS,
    TOKENS,
    BytePairs,
    Bytes,
    Characters,
    Tokenizer,
)
from gancli.modalities.text.words import STYLES, Words

MAX_LENGTH = 65_536
_SPLITS = ("lines", "paragraphs", "stream")
_MAX_COLUMNS = 10_000
_MAX_RULES = 1 << 27
_damaged = partial(damaged, "text")


@dataclass(frozen=True)
class TextSpec:
    """What the networks, the loader and the sampler need to know about a corpus.

    Args:
        tokens: ``char``, ``byte``, ``word`` or ``bpe``.
        vocabulary: The characters or words; empty for bytes and byte pairs.
        rules: For byte pairs the JSON of the ``tokenizers`` library, for words ``marks`` or
            ``spaces`` (see words.py), else empty.
        length: Maximum number of tokens in a sample without its end; of a stream, in a window.
        split: ``lines``, ``paragraphs`` or ``stream``.
        field: Field of JSON lines that holds the text, or empty.
        text_column, label_column: Columns of a table, from 1; 0 for none.
        label_field: Field of JSON that holds the class, or empty.
        classes: Names of the classes; empty if there are none.
        class_counts: Number of samples in each class.
        count: Number of samples, or of characters in a stream. For a corpus larger than 16 MB,
            this and the class counts are estimates.
    """

    tokens: str
    vocabulary: tuple[str, ...]
    rules: str
    length: int
    split: str
    field: str
    text_column: int
    label_column: int
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    count: int
    label_field: str = ""

    @property
    def size(self) -> int:
        """Number of ids: END, UNKNOWN and the units."""
        if self.tokens in ("char", "word"):
            return FIRST + len(self.vocabulary)
        return self.tokenizer().size

    @property
    def max_length(self) -> int:
        """What ``--max-length`` would set."""
        return self.length

    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer, which is built once."""
        return _tokenizer(self.tokens, self.vocabulary, self.rules)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "TextSpec":
        """Return a spec from its JSON form.

        Raises:
            GancliError: A field is missing, unknown, of the wrong type or out of bounds.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        if isinstance(table, Mapping):  # an older model knows no such field
            table = {"label_field": "", **table}
        if not isinstance(table, Mapping) or set(table) != fields:
            raise _damaged(f"its fields must be {', '.join(sorted(fields))}")
        for name, allowed in (("tokens", TOKENS), ("split", _SPLITS)):
            if not isinstance(table[name], str) or table[name] not in allowed:
                raise _damaged(f"the {name} must be one of {', '.join(allowed)}")
        if not whole(table["length"], 1, MAX_LENGTH):
            raise _damaged(f"the length must be a whole number from 1 to {MAX_LENGTH}")
        for name in ("field", "label_field"):
            if not isinstance(table[name], str) or len(table[name]) > 1000:
                raise _damaged(f"the {name} must be a name")
        if not all(whole(table[f"{name}_column"], 0, _MAX_COLUMNS) for name in ("text", "label")):
            raise _damaged(f"the columns must be whole numbers from 0 to {_MAX_COLUMNS}")
        vocabulary = _checked_vocabulary(table["tokens"], table["vocabulary"])
        if not isinstance(table["rules"], str) or len(table["rules"]) > _MAX_RULES:
            raise _damaged("the rules must be a string")
        if (table["tokens"] == "word") != (table["rules"] in STYLES) or (
            table["tokens"] in ("char", "byte") and table["rules"]
        ):
            raise _damaged("the rules do not match the tokens")
        classes, counts = table["classes"], table["class_counts"]
        if problem := class_problem(classes, counts, table["count"]):
            raise _damaged(problem)
        spec = cls(**{
            **table, "vocabulary": vocabulary, "classes": tuple(classes),
            "class_counts": tuple(counts),
        })
        spec.tokenizer()
        return spec


@lru_cache(maxsize=8)
def _tokenizer(tokens: str, vocabulary: tuple[str, ...], rules: str) -> Tokenizer:
    if tokens == "char":
        return Characters(vocabulary)
    if tokens == "word":
        return Words(vocabulary, rules)
    return BytePairs(rules) if tokens == "bpe" else Bytes()


def _checked_vocabulary(tokens: str, units: object) -> tuple[str, ...]:
    if not isinstance(units, (list, tuple)) or len(units) > MAX_UNITS:
        raise _damaged(f"the vocabulary must be a list of at most {MAX_UNITS:,} units")
    if bool(units) != (tokens in ("char", "word")):
        raise _damaged("characters and words need a vocabulary, and other tokens have none")
    if not all(isinstance(unit, str) and unit for unit in units) or len(set(units)) != len(units):
        raise _damaged("the vocabulary must consist of distinct strings")
    if tokens == "char" and any(len(unit) != 1 for unit in units):
        raise _damaged("the vocabulary must consist of single characters")
    if tokens == "word" and any(unit != "\n" and len(unit.split()) != 1 for unit in units):
        raise _damaged("a word must not contain spaces")
    try:
        "".join(units).encode()
    except UnicodeEncodeError:
        raise _damaged("the vocabulary contains halves of characters") from None
    return tuple(units)
