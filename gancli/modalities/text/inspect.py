"""Choosing the tokens, length and classes of a corpus from some of it."""

from collections import Counter
from dataclasses import dataclass

from gancli.data.labels import MAX_CLASSES, find_labels, natural_key, some_names
from gancli.data.source import Member, Source
from gancli.data.survey import refuse_if_mostly_broken, single_item
from gancli.errors import GancliError, UsageError
from gancli.modalities.text.choose import choose_length, choose_tokens, fit_tokenizer
from gancli.modalities.text.columns import choose_columns
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.corpus import Batch, Tally, samples, text_files
from gancli.modalities.text.excerpts import Excerpt, read_excerpts
from gancli.modalities.text.formats import SUFFIXES, suffix
from gancli.modalities.text.json_text import JsonFormat, choose_field, choose_label_field
from gancli.modalities.text.plain import Plain, Separated
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tables import Columns, Table
from gancli.modalities.text.tokens import FIRST


@dataclass(frozen=True)
class ChosenLayout:
    """Where the text is in the files: a :class:`gancli.modalities.text.corpus.Layout`."""

    split: str
    field: str = ""
    text_column: int = 0
    label_column: int = 0
    label_field: str = ""


def inspect(source: Source, config: TextConfig) -> tuple[TextSpec, list[str]]:
    """Examine a corpus and choose what the config leaves open.

    A corpus of up to 16 MB is read as a whole, of a larger one what is spread evenly over it.

    Returns:
        The spec, and a sentence for each choice.

    Raises:
        UsageError: The options do not fit the data.
        GancliError: There is no text, a single sample, or most files are not text.
    """
    members = text_files(source)
    excerpts, fraction, broken = read_excerpts(source, members, config)
    refuse_if_not_text(broken, len(excerpts) + len(broken))
    layout, sentences = _choose_layout(excerpts, config)
    batches: list[Batch] = []
    tally = Tally()
    for each in excerpts:
        batches += samples(each.member, each.format, each.records, layout, config, tally)
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
        layout.label_field if classes else "",
    )
    plain = all(isinstance(each.format, Plain) for each in excerpts)
    what = "characters in one stream" if config.split == "stream" else (
        config.split if plain else "samples")
    about = "" if fraction == 1.0 else "about "
    sentences = [
        f"Text: {about}{spec.count:,} {what}.", *_files(source, members), *sentences
    ]
    units = f"Vocabulary: {spec.size - FIRST:,} {'words' if tokens == 'word' else 'units'}."
    return spec, [*sentences, tokens_why, units, length_why, classes_why]


def _files(source: Source, members: list[Member]) -> list[str]:
    """Return a sentence on the files that are read, if there are texts of another kind."""
    others = Counter(suffix(member) for member in source.members if suffix(member) in SUFFIXES)
    kinds = Counter(map(suffix, members))
    others -= kinds
    if not others:
        return []
    read, left = (
        " and ".join(f"{count:,} {kind}" for kind, count in counts.items())
        for counts in (kinds, others)
    )
    return [f"Files: {read}, since they hold the most; not {left} (name a file to read it)."]


def _choose_layout(
    excerpts: list[Excerpt], config: TextConfig
) -> tuple[ChosenLayout, list[str]]:
    """Return where the text is in the files, with a sentence for each choice."""
    sentences = []
    encodings = Counter(each.encoding for each in excerpts if each.encoding != config.encoding)
    if encodings:
        names = ", ".join(encodings)
        sentences.append(f"Encoding: {names}, found by the first bytes (--encoding).")
    separated = {each.format.sentence for each in excerpts if isinstance(each.format, Separated)}
    sentences += sorted(separated)[:1]
    field, label_field, columns = "", "", Columns(0)
    labeled = config.labels in ("auto", "column") and config.split != "stream"
    formats = [each.format for each in excerpts]
    if layouts := {each.shown for each in formats if isinstance(each, JsonFormat)}:
        records = [record for each in excerpts if isinstance(each.format, JsonFormat)
                   for batch in each.records for record in batch]
        field = choose_field(
            records, config.text_column if config.field is None else config.field
        )
        if labeled and config.label_column is not None:
            label_field = choose_label_field(records, config.label_column)
        shown = " and ".join(sorted(layouts))
        label = f", {label_field!r} the class" if label_field else ""
        sentences.append(
            f"JSON: {shown}; the field {field!r} is the text{label} (--field, --label-column)."
        )
    if tables := [each for each in formats if isinstance(each, Table)]:
        rows = [row for each in excerpts if isinstance(each.format, Table)
                for batch in each.records for row in batch if row]
        heading = next((table.heading for table in tables if table.heading), ())
        columns = choose_columns(
            rows, heading, config.field if config.text_column is None else config.text_column,
            config.label_column, labeled,
        )
        sentences.append(_table_sentence(tables, heading, columns))
    layout = ChosenLayout(config.split, field, columns.text, columns.label, label_field)
    return layout, sentences


def _table_sentence(tables: list[Table], heading: tuple[str, ...], columns: Columns) -> str:
    def name(column: int) -> str:
        shown = f" ({heading[column - 1]})" if column <= len(heading) else ""
        return f"column {column}{shown}"

    separators = " and ".join(sorted({table.shown for table in tables if table.shown}))
    how = f"columns separated by {separators}" if separators else "one column"
    first = "the first row names the columns" if heading else "no row names the columns"
    label = f", {name(columns.label)} the class" if columns.label else ""
    return (
        f"Table: {how}; {first}; {name(columns.text)} is the text{label} (--text-column, "
        "--label-column, --separator)."
    )


def _find_classes(
    source: Source, members: list[Member], batches: list[Batch], layout: ChosenLayout,
    config: TextConfig,
) -> tuple[tuple[str, ...], list[int], str]:
    """Return the classes, the number of samples examined in each, and a sentence on why."""
    if config.split == "stream" and config.labels in ("folders", "column"):
        raise UsageError(
            "A stream has no classes.", "Choose --split lines or paragraphs, or --labels none."
        )
    if layout.label_column or layout.label_field:
        where = f"field {layout.label_field!r}" if layout.label_field else (
            f"column {layout.label_column}")
        counts = Counter(label for batch in batches for label in batch.labels)
        classes = tuple(sorted(counts, key=natural_key))
        if not 2 <= len(classes) <= MAX_CLASSES:
            raise UsageError(
                f"{where[0].upper()}{where[1:]} contains {len(classes):,} classes.",
                f"There must be 2 to {MAX_CLASSES}: choose another --label-column, or give "
                "--labels none.",
            )
        why = (
            f"Classes: {len(classes)} ({some_names(classes)}), from {where}; --labels none ignores "
            "them."
        )
        return classes, [counts[name] for name in classes], why
    if config.labels == "column":
        raise UsageError(
            "There is no column to take classes from.",
            "Give a table or JSON, and choose its column or field with --label-column.",
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
        hint = "Give text; if it is compressed, decompress it first, as with gunzip."
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
            f"{tally.bad_rows:,} of {tally.rows:,} records have no such text; the first is "
            f"{tally.first_row}.",
            "Each JSON object must have the --field, and each row of a table the same columns; "
            "--separator '\\n' reads a .txt as lines.",
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
