"""Finding what a corpus fixes, by looking at some of it."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

from gancli.data.labels import MAX_CLASSES, find_labels, natural_key
from gancli.data.member import first_names
from gancli.data.source import Member, Source
from gancli.errors import GancliError, UsageError
from gancli.modalities.text.choose import choose_length, choose_tokens, fit
from gancli.modalities.text.corpus import Batch, Tally, kind, parse, sample, text_files
from gancli.modalities.text.rows import Columns, choose_columns, choose_field
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import (
    FIRST,
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
        if not 2 <= len(classes) <= MAX_CLASSES:
            raise UsageError(
                f"Column {layout.label_column} holds {len(classes):,} classes.",
                f"There must be 2 to {MAX_CLASSES}: choose another --label-column, or give "
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
