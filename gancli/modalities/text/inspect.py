"""Choosing the tokens, length and classes of a corpus from some of it."""

from collections import Counter
from dataclasses import dataclass

from gancli.data.labels import MAX_CLASSES, find_labels, natural_key
from gancli.data.source import Member, Source
from gancli.data.survey import refuse_if_mostly_broken, single_item
from gancli.errors import GancliError, UsageError
from gancli.modalities.text.choose import choose_length, choose_tokens, fit_tokenizer
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.corpus import (
    Batch,
    Tally,
    file_format,
    parse,
    read_excerpts,
    text_files,
)
from gancli.modalities.text.rows import Columns, choose_columns, choose_field
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import FIRST


@dataclass(frozen=True)
class ChosenLayout:
    """Where the text is in the files: a :class:`gancli.modalities.text.corpus.Layout`."""

    split: str
    field: str = ""
    text_column: int = 0
    label_column: int = 0


def inspect(source: Source, config: TextConfig) -> tuple[TextSpec, list[str]]:
    """Examine a corpus and choose what the config leaves open.

    A corpus of up to 16 MB is read as a whole, a larger one in windows spread over it.

    Returns:
        The spec, and a sentence for each choice.

    Raises:
        UsageError: The options do not fit the data.
        GancliError: There is no text, a single sample, or most files are not text.
    """
    members = text_files(source)
    excerpts, fraction, broken = read_excerpts(source, members, config.encoding)
    refuse_if_not_text(broken, len({member.name for member, _ in excerpts}) + len(broken))
    layout, sentences = _choose_layout(excerpts, config)
    batches: list[Batch] = []
    tally = Tally()
    for member, text in excerpts:
        batches += parse(member, [text], layout, config, tally)
    refuse_if_bad_rows(tally)
    texts = [text for batch in batches for text in batch.texts]
    refuse_if_little(len(texts), "".join(texts[:1]), config.split, str(source.path))
    classes, counts, classes_why = _find_classes(source, members, batches, layout, config)
    size = sum(member.size for member in members)
    tokens, tokens_why = choose_tokens(texts, size, config)
    vocabulary, rules, tokenizer = fit_tokenizer(tokens, texts, config)
    length, length_why = choose_length(texts, tokenizer, tokens, config)
    count = sum(map(len, texts)) if config.split == "stream" else len(texts)
    spec = TextSpec(
        tokens, vocabulary, rules, length, config.split, layout.field, layout.text_column,
        layout.label_column if classes else 0, classes,
        tuple(round(number / fraction) for number in counts), round(count / fraction),
    )
    what = "characters in one stream" if config.split == "stream" else config.split
    about = "" if fraction == 1.0 else "about "
    sentences = [f"Text: {about}{spec.count:,} {what}.", *sentences]
    units = f"Vocabulary: {spec.size - FIRST:,} {'words' if tokens == 'word' else 'units'}."
    return spec, [*sentences, tokens_why, units, length_why, classes_why]


def _choose_layout(
    excerpts: list[tuple[Member, str]], config: TextConfig
) -> tuple[ChosenLayout, list[str]]:
    """Return where the text is in JSON lines and tables, with a sentence for each choice."""
    rows: dict[str, list[str]] = {"json": [], "table": []}
    for member, text in excerpts:
        if (kind := file_format(member, config)) != "plain":
            rows[kind] += [line for line in text.split("\n") if line.strip()]
    sentences = []
    field, columns = "", Columns(0)
    if rows["json"]:
        field = choose_field(rows["json"], config.field)
        sentences.append(f"Field: {field!r} of each JSON line.")
    if rows["table"]:
        labeled = config.labels in ("auto", "column") and config.split != "stream"
        label = config.label_column if labeled else 0
        columns = choose_columns(rows["table"], config.text_column, label)
        label_why = f", column {columns.label} is its class" if columns.label else ""
        sentences.append(f"Table: column {columns.text} is the text{label_why}.")
    return ChosenLayout(config.split, field, columns.text, columns.label), sentences


def _find_classes(
    source: Source, members: list[Member], batches: list[Batch], layout: ChosenLayout,
    config: TextConfig,
) -> tuple[tuple[str, ...], list[int], str]:
    """Return the classes, the number of samples examined in each, and a sentence on why."""
    if config.split == "stream" and config.labels in ("folders", "column"):
        raise UsageError(
            "A stream has no classes.", "Choose --split lines or paragraphs, or --labels none."
        )
    if layout.label_column:
        counts = Counter(label for batch in batches for label in batch.labels)
        classes = tuple(sorted(counts, key=natural_key))
        if not 2 <= len(classes) <= MAX_CLASSES:
            raise UsageError(
                f"Column {layout.label_column} contains {len(classes):,} classes.",
                f"There must be 2 to {MAX_CLASSES}: choose another --label-column, or give "
                "--labels none.",
            )
        shown = ", ".join(classes[:3]) + (", ..." if len(classes) > 3 else "")
        why = f"Classes: {len(classes)}, from column {layout.label_column} ({shown})."
        return classes, [counts[name] for name in classes], why
    if config.labels == "column":
        raise UsageError(
            "There is no column to take classes from.",
            "Give a .tsv file, or choose the column with --label-column.",
        )
    if config.split == "stream":
        return (), [], "Classes: none, since a stream has none."
    names = [member.name for member in members]
    # A file holds many samples, so that folders with a single one are classes as well.
    classes, labels, why = find_labels(source, names, config.labels, min_files=1)
    if labels is None:
        return (), [], why
    label_of = dict(zip(names, labels.tolist(), strict=True))
    samples: Counter[int] = Counter()
    for batch in batches:
        samples[label_of[batch.member.name]] += len(batch.texts)
    return classes, [samples[label] for label in range(len(classes))], why


def refuse_if_not_text(broken: list[tuple[str, str]], count: int) -> None:
    """Check that at least half of the files could be read.

    Raises:
        GancliError: With the first three names.
    """
    if broken and count == 1:
        name, problem = broken[0]
        hint = "Give text; if it is compressed, decompress it: zcat FILE | gancli train text -"
        raise GancliError(f"{name!r} cannot be read as text: {problem}.", hint)
    hint = "Is this the right folder? Are they text in the given --encoding?"
    refuse_if_mostly_broken(broken, count, "files", hint)


def refuse_if_bad_rows(tally: Tally) -> None:
    """Check that at least half of the records have text.

    Raises:
        GancliError: With the location of the first that has none.
    """
    if 2 * tally.bad_rows > tally.rows:
        raise GancliError(
            f"{tally.bad_rows:,} of {tally.rows:,} lines have no such text; the first is in "
            f"{tally.first_row}.",
            "Each JSON line must be an object with the --field; each line of a table must have "
            "the same columns.",
        )


def refuse_if_little(count: int, first: str, split: str, path: str) -> None:
    """Check that there are two samples, or a stream.

    Raises:
        GancliError: There are not.
    """
    if not count or (split == "stream" and not first.strip()):
        raise GancliError(f"There is no text in {path!r}.", "All of its lines are empty.")
    if count == 1 and split != "stream":
        noun = "line" if split == "lines" else "paragraph"
        raise single_item(noun, path, " If it is one long text, give --split stream.")
