"""What a corpus fixes: tokens, vocabulary, length and classes, found by looking at it."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from gancli.data.labels import MOST_CLASSES, find_labels, natural_key
from gancli.data.member import first_names
from gancli.data.source import Member, Source
from gancli.data.tables import class_problem, whole
from gancli.errors import GancliError, UsageError
from gancli.modalities.text.choose import choose_length, choose_tokens, fit
from gancli.modalities.text.corpus import SPLITS, Batch, Tally, kind, parse, sample, text_files
from gancli.modalities.text.rows import Columns, choose_columns, choose_field
from gancli.modalities.text.tokens import (
    FIRST,
    MOST_UNITS,
    TOKENS,
    BytePairs,
    Bytes,
    Characters,
    Tokenizer,
)
from gancli.modalities.text.words import STYLES, Words

LONGEST_SAMPLE = 65_536
_MOST_COLUMNS = 10_000
_MOST_RULES = 1 << 27


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
        if not all(whole(table[f"{name}_column"], 0, _MOST_COLUMNS) for name in ("text", "label")):
            raise _bad("the columns must be whole numbers from 0 on")
        vocabulary = _units(table["tokens"], table["vocabulary"])
        if not isinstance(table["rules"], str) or len(table["rules"]) > _MOST_RULES:
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
    if not isinstance(units, (list, tuple)) or len(units) > MOST_UNITS:
        raise _bad(f"the vocabulary must be a list of at most {MOST_UNITS:,}")
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


def inspect(source: Source, config: Any) -> tuple[TextSpec, list[str]]:
    """Look at a corpus and decide what is not given.

    Up to 16 MB are read as a whole; of more, windows all over it.

    Args:
        source: The files.
        config: Has ``split``, ``field``, ``text_column``, ``label_column``, ``encoding``,
            ``labels``, ``tokens``, ``vocabulary`` and ``max_length``.

    Returns:
        The spec, and a sentence for each choice.

    Raises:
        UsageError: What is asked for does not go with the data.
        GancliError: There is no text, a single sample, or most files are none.
    """
    members = text_files(source)
    pieces, share, broken = sample(source, members, config.encoding)
    refuse_if_most(broken, len({member.name for member, _ in pieces}) + len(broken))
    layout, sentences = _layout(pieces, config)
    batches: list[Batch] = []
    tally = Tally()
    for member, text in pieces:
        batches += parse(member, [text], layout, config, tally)
    refuse_if_bad_rows(tally)
    texts = [text for batch in batches for text in batch.texts]
    refuse_if_little(len(texts), "".join(texts[:1]), config.split, str(source.path))
    classes, counts, why = _find_classes(members, batches, layout, config)
    size = sum(member.size for member in members)
    tokens, tokens_why = choose_tokens(texts, size, config)
    vocabulary, rules, tokenizer = fit(tokens, texts, config)
    length, length_why = choose_length(texts, tokenizer, tokens, share, config)
    count = sum(map(len, texts)) if config.split == "stream" else len(texts)
    spec = TextSpec(
        tokens, vocabulary, rules, length, config.split, layout.field, layout.text_column,
        layout.label_column if classes else 0, classes,
        tuple(round(each / share) for each in counts), round(count / share),
    )
    what = "characters in one stream" if config.split == "stream" else config.split
    about = "" if share == 1.0 else "about "
    sentences = [f"Text: {about}{spec.count:,} {what}.", *sentences]
    units = f"Vocabulary: {spec.size - FIRST:,} {'words' if tokens == 'word' else 'units'}."
    return spec, [*sentences, tokens_why, units, length_why, why]


def _layout(pieces: list[tuple[Member, str]], config: Any) -> tuple[Any, list[str]]:
    """Return where the text is in JSON lines and tables, with a sentence for each choice."""
    rows: dict[str, list[str]] = {"json": [], "table": [], "plain": []}
    for member, text in pieces:
        if (shape := kind(member, config)) != "plain":
            rows[shape] += [line for line in text.split("\n") if line.strip()]
    sentences = []
    field, columns = "", Columns(0)
    if rows["json"]:
        field = choose_field(rows["json"], config.field)
        sentences.append(f"Field: {field!r} of each JSON line.")
    if rows["table"]:
        takes = config.labels in ("auto", "column") and config.split != "stream"
        label = config.label_column if takes else 0
        columns = choose_columns(rows["table"], config.text_column, label)
        labelled = f", column {columns.label} is its class" if columns.label else ""
        sentences.append(f"Table: column {columns.text} is the text{labelled}.")
    layout = SimpleNamespace(
        split=config.split, field=field, text_column=columns.text, label_column=columns.label
    )
    return layout, sentences


def _find_classes(
    members: list[Member], batches: list[Batch], layout: Any, config: Any
) -> tuple[tuple[str, ...], list[int], str]:
    """Return classes, the number of samples of each that were looked at, and why."""
    if config.split == "stream" and config.labels in ("folders", "column"):
        raise UsageError(
            "A stream has no classes.", "Choose --split lines or paragraphs, or --labels none."
        )
    counted: Counter[str]
    if layout.label_column:
        counted = Counter(label for batch in batches for label in batch.labels)
        classes = tuple(sorted(counted, key=natural_key))
        if not 2 <= len(classes) <= MOST_CLASSES:
            raise UsageError(
                f"Column {layout.label_column} holds {len(classes):,} classes.",
                f"There must be 2 to {MOST_CLASSES}: choose another --label-column, or give "
                "--labels none.",
            )
        shown = ", ".join(classes[:3]) + (", ..." if len(classes) > 3 else "")
        why = f"Classes: {len(classes)}, after column {layout.label_column} ({shown})."
        return classes, [counted[name] for name in classes], why
    if config.labels == "column":
        raise UsageError(
            "There is no column to take classes from.",
            "Give a .tsv, or say which column it is with --label-column.",
        )
    if config.split == "stream":
        return (), [], "Classes: none, since a stream has none."
    names = [member.name for member in members]
    classes, labels, why = find_labels(names, config.labels)
    if labels is None and config.labels == "auto":
        # A single file makes a class, if there are lines enough in it.
        known, found, known_why = find_labels([name for name in names for _ in range(5)], "auto")
        if found is not None:
            classes, labels, why = known, found[::5], known_why
    if labels is None:
        return (), [], why
    of_file = dict(zip(names, labels.tolist(), strict=True))
    seen: Counter[int] = Counter()
    for batch in batches:
        seen[of_file[batch.member.name]] += len(batch.texts)
    return classes, [seen[label] for label in range(len(classes))], why


def refuse_if_most(broken: list[tuple[str, str]], count: int) -> None:
    """Check that at least half of the files, and one at all, could be read.

    Raises:
        GancliError: With the first three names.
    """
    if broken and (2 * len(broken) > count or len(broken) == count):
        if count == 1:
            name, problem = broken[0]
            hint = "Give text; if it is packed, unpack it: zcat FILE | gancli train text -"
            raise GancliError(f"{name!r} cannot be taken as text: {problem}.", hint)
        raise GancliError(
            f"{len(broken):,} of {count:,} files cannot be read: {first_names(broken)}.",
            "Is this the right folder? Are they text, in the --encoding given?",
        )


def refuse_if_bad_rows(tally: Tally) -> None:
    """Check that at least half of the records hold text.

    Raises:
        GancliError: With the place of the first that does not.
    """
    if 2 * tally.bad_rows > tally.rows:
        raise GancliError(
            f"{tally.bad_rows:,} of {tally.rows:,} lines hold no such text, the first in "
            f"{tally.first_row}.",
            "JSON lines need an object with the --field each, tables the same columns.",
        )


def refuse_if_little(count: int, first: str, split: str, path: str) -> None:
    """Check that there are two samples, or a stream.

    Raises:
        GancliError: There are not.
    """
    if not count or (split == "stream" and not first.strip()):
        raise GancliError(f"There is no text in {path!r}.", "All of its lines are empty.")
    if count == 1 and split != "stream":
        what = "line" if split == "lines" else "paragraph"
        raise GancliError(
            f"There is a single {what} in {path!r}, and nothing to learn from it.",
            "Give at least two; a few hundred make a fair start. If it is one long text, give "
            "--split stream.",
        )
