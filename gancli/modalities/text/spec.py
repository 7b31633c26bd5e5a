"""What a corpus fixes: tokens, vocabulary, length and classes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gancli.data.tables import class_problem, whole
from gancli.errors import GancliError
from gancli.modalities.text.corpus import SPLITS
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

LONGEST_SAMPLE = 65_536
_MAX_COLUMNS = 10_000
_MAX_RULES = 1 << 27


@dataclass(frozen=True)
class TextSpec:
    """What the networks, the loader and the sampler need to know of a corpus.

    Args:
        tokens: ``char``, ``byte``, ``word`` or ``bpe``.
        vocabulary: The characters or words; empty for bytes and byte pairs.
        rules: For byte pairs the JSON of the ``tokenizers`` library, for words ``marks`` or
            ``spaces`` (see words.py), else empty.
        length: Most tokens in a sample, its end not counted; of a stream the window's.
        split: ``lines``, ``paragraphs`` or ``stream``.
        field: Field of JSON lines that holds the text, or empty.
        text_column, label_column: Columns of a table, from 1; 0 for none.
        classes: Names of the classes; empty without.
        class_counts: Number of samples in each class.
        count: Number of samples, or of characters in a stream. Of a corpus above 16 MB this and
            the class counts are estimates.
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

    @property
    def size(self) -> int:
        """Number of ids: END, UNKNOWN and the units."""
        if self.tokens in ("char", "word"):
            return FIRST + len(self.vocabulary)
        return self.tokenizer().size

    def tokenizer(self) -> Tokenizer:
        """Return what turns text into ids and back."""
        return _tokenizer(self.tokens, self.vocabulary, self.rules)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "TextSpec":
        """Return a spec from its JSON form.

        Raises:
            GancliError: A field is missing, unknown, of a wrong type or out of bounds.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(table, Mapping) or set(table) != fields:
            raise _bad(f"it must hold exactly {', '.join(sorted(fields))}")
        for name, allowed in (("tokens", TOKENS), ("split", SPLITS)):
            if not isinstance(table[name], str) or table[name] not in allowed:
                raise _bad(f"the {name} must be one of {', '.join(allowed)}")
        if not whole(table["length"], 1, LONGEST_SAMPLE):
            raise _bad(f"the length must be a whole number in 1..{LONGEST_SAMPLE}")
        if not isinstance(table["field"], str) or len(table["field"]) > 1000:
            raise _bad("the field must be a name")
        if not all(whole(table[f"{name}_column"], 0, _MAX_COLUMNS) for name in ("text", "label")):
            raise _bad("the columns must be whole numbers from 0 on")
        vocabulary = _units(table["tokens"], table["vocabulary"])
        if not isinstance(table["rules"], str) or len(table["rules"]) > _MAX_RULES:
            raise _bad("the rules must be a string")
        if (table["tokens"] == "word") != (table["rules"] in STYLES) or (
            table["tokens"] in ("char", "byte") and table["rules"]
        ):
            raise _bad("the rules do not go with the tokens")
        classes, counts = table["classes"], table["class_counts"]
        if problem := class_problem(classes, counts, table["count"]):
            raise _bad(problem)
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


def _units(tokens: str, units: Any) -> tuple[str, ...]:
    """Return a checked vocabulary."""
    if not isinstance(units, (list, tuple)) or len(units) > MAX_UNITS:
        raise _bad(f"the vocabulary must be a list of at most {MAX_UNITS:,}")
    if bool(units) != (tokens in ("char", "word")):
        raise _bad("characters and words need a vocabulary, and the others have none")
    if not all(isinstance(unit, str) and unit for unit in units) or len(set(units)) != len(units):
        raise _bad("the vocabulary must hold distinct strings")
    if tokens == "char" and any(len(unit) != 1 for unit in units):
        raise _bad("the vocabulary must hold single characters")
    if tokens == "word" and any(unit != "\n" and len(unit.split()) != 1 for unit in units):
        raise _bad("a word must not hold spaces")
    try:
        "".join(units).encode()
    except UnicodeEncodeError:
        raise _bad("the vocabulary holds halves of characters") from None
    return tuple(units)


def _bad(problem: str) -> GancliError:
    return GancliError(
        f"The description of the text is damaged: {problem}.",
        "Take the model or run from where it came from again.",
    )
