"""Text, encoded once into a flat array of token ids."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gancli.config.unicode import normalized
from gancli.data import cache, cache_writing
from gancli.data.dataset import Dataset, Items
from gancli.data.groups import at_least, split_groups
from gancli.data.indices import AllBut, Indices
from gancli.data.labels import known_labels
from gancli.data.member import first_names
from gancli.data.mixing import mix
from gancli.data.source import Member, Source
from gancli.data.split import by_length
from gancli.errors import GancliError
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.corpus import Batch, Tally, has_labels, read, text_files
from gancli.modalities.text.decode import BadBytes
from gancli.modalities.text.inspect import (
    refuse_if_bad_rows,
    refuse_if_little,
    refuse_if_not_text,
)
from gancli.modalities.text.places import Lines, Windows
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import END, UNKNOWN, code_points
from gancli.reporting import Reporter

# Entries of the cache of earlier versions, which read some formats as lines, are not used.
_VERSION = 3
_TOGETHER = 1_000  # texts that are looked at together
# A batch's width is a multiple of this, so that few shapes occur.
_WIDTH_STEP = 4
_MAX_WINDOWS = 10_000
_MAX_WIDENED = 1 << 24
# Words and byte pairs longer than this are too rare to matter where lines are cut before encoding.
_MAX_TOKEN_CHARACTERS = 64


@dataclass(frozen=True)
class TextDataset(Dataset):
    """Samples of text as token ids.

    ``arrays`` holds only ``tokens``: the concatenated ids of all samples, uint8, uint16 or int32.
    Of a stream, ``train`` are windows that overlap by half, and ``held_out`` windows of its tail.

    Args:
        places: Where the samples are in ``tokens``.
    """

    places: Lines | Windows

    def take(self, indices: np.ndarray) -> Items:
        """Return the samples at the indices.

        Returns:
            ``tokens``, int64, shape (n, width), 0 after each sample, of which at least one if it
            is not a stream; ``lengths``, int64, shape (n,).
        """
        flat = self.arrays["tokens"]
        lengths = self.places.lengths(indices)
        width = self.places.window
        if not width:
            longest = int(lengths.max()) if len(lengths) else 0
            width = -(-(longest + 1) // _WIDTH_STEP) * _WIDTH_STEP
        places = self.places.starts(indices)[:, None] + np.arange(width)
        inside = np.arange(width) < lengths[:, None]
        tokens = flat[np.minimum(places, len(flat) - 1)].astype(np.int64)
        return Items(
            {"tokens": np.where(inside, tokens, END), "lengths": lengths}, self.labels_of(indices)
        )

    def drawable(self, indices: Indices) -> np.ndarray:
        """Return those without an unknown token.

        Only real texts hold such tokens, so whatever tells by them learns nothing that helps.
        """
        parts = [indices[start : start + _TOGETHER] for start in range(0, len(indices), _TOGETHER)]
        known = [part[(self.take(part).arrays["tokens"] != UNKNOWN).all(1)] for part in parts]
        return np.concatenate([np.zeros(0, np.int64), *known])

    def batch(self, seed: int, step: int, count: int) -> np.ndarray:
        """Return the items of a step, which have similar lengths; see split.by_length."""
        if self.places.window:
            return super().batch(seed, step, count)
        order = by_length(self._train_lengths, len(self.train), seed, step, count)
        indices: np.ndarray = self.train[order]
        return indices

    def _train_lengths(self, order: np.ndarray) -> np.ndarray:
        return self.places.lengths(self.train[order])


def load(source: Source, spec: TextSpec, config: TextConfig, reporter: Reporter) -> TextDataset:
    """Encode a corpus, or read it from the cache.

    Args:
        source: The files.
        spec: Tokens, length and classes.
        config: Encoding, field and columns, ``holdout`` and ``strict`` are used.
        reporter: Receives the progress and what was skipped, cut or replaced.

    Returns:
        The samples in the order of the source. Copies of a text are all trained on or all held
        out, except of very frequent ones: see :func:`gancli.data.groups.split_groups`. The
        fingerprint depends on ids and labels alone.

    Raises:
        GancliError: There are fewer than two samples, or most files or records are not text, or
            with ``strict`` any.
    """
    members = text_files(source)
    if len(members) < len(source.members):
        reporter.note(f"Ignored {len(source.members) - len(members):,} files that are not text.")
    listing = [(member.name, member.size, member.mtime) for member in members]
    fields = {name: value for name, value in asdict(spec).items()
              if name not in ("count", "class_counts")}
    label_of = _folder_labels(source, members, spec, config)
    entry = cache.key(
        "text", _VERSION, source.stamp, listing, fields, config.encoding, config.field,
        config.text_column, config.label_column, config.separator,
        label_of and list(label_of.values()),
    )
    cached = cache.find(entry)
    # With --strict, problems have to occur again to be refused.
    if cached is None or (config.strict and cached[1]["wrong"]):
        cached = _encode(entry, source, spec, config, label_of, reporter)
    arrays, extra = cached
    _report(extra, len(members), spec, reporter)
    ids, keys = arrays["tokens"], arrays.get("keys")
    labels = arrays.get("labels")
    if spec.classes and labels is None:
        reporter.warn("The data does not have the model's classes, so it is used without classes.")
    if keys is None:
        return _stream(ids, spec, config, reporter)
    if not at_least(keys, 2):
        reporter.warn(f"All {len(keys):,} {spec.split} are identical.")
    train, held_out = split_groups(keys, config.holdout)
    if len(held_out) == len(keys):
        reporter.note(f"No samples are held out: scores compare with all {len(keys):,} of them.")
    columns = [ids, arrays["lengths"]]
    if labels is not None:
        # Runs of earlier versions know them as int64, which would take much memory for many.
        columns.append(labels.astype(np.int64) if len(labels) <= _MAX_WIDENED else labels)
    fingerprint = cache.key("text", [cache.checksum(array.view(np.uint8)) for array in columns])
    return TextDataset(
        {"tokens": ids}, labels, train, held_out, fingerprint, Lines(arrays["lengths"])
    )


def _stream(
    ids: np.ndarray, spec: TextSpec, config: TextConfig, reporter: Reporter
) -> TextDataset:
    """Cut a stream into windows."""
    length, count = spec.length, len(ids)
    if count < 2 * length:
        raise GancliError(
            f"The text has {count:,} tokens, too few for windows of {length}.",
            "Give more text, or a smaller --max-length.",
        )
    tail = min(round(count * config.holdout), _MAX_WINDOWS * length)
    tail = max(tail, length) if config.holdout > 0 and count >= 4 * length else 0
    places = Windows(length, max(1, length // 2), count, tail)
    held_out = np.arange(places.overlapping, len(places), dtype=np.int64)
    train = AllBut(len(places), held_out)
    if not tail:
        reporter.note(f"No windows are held out: scores compare with all {len(train):,} of them.")
    fingerprint = cache.key("stream", cache.checksum(ids.view(np.uint8)), length)
    return TextDataset(
        {"tokens": ids}, None, train, held_out if tail else train, fingerprint, places
    )


def _dtype(size: int) -> np.dtype[Any]:
    """Return the smallest type for this number of ids."""
    return np.dtype(np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.int32)


def _encode(
    entry: str, source: Source, spec: TextSpec, config: TextConfig,
    label_of: dict[str, int] | None, reporter: Reporter,
) -> tuple[dict[str, np.ndarray], Any]:
    """Encode a corpus block by block into a cache entry; return it and what describes it.

    Beside ``tokens`` it has the ``keys``, ``lengths`` and, with classes, ``labels`` of samples.
    """
    tally = Tally()
    tokenizer, dtype = spec.tokenizer(), _dtype(spec.size)
    assign_labels = _label_function(source, spec, config, label_of)
    stream = spec.split == "stream"
    limit = None if stream else (spec.length + 1) * (
        1 if spec.tokens in ("char", "byte") else _MAX_TOKEN_CHARACTERS
    )
    count = tokens = unknown = cut = 0
    first_text = ""
    with cache_writing.Appender(entry, reporter) as out:
        for batch in read(source, spec, config, tally):
            texts, labels = assign_labels(batch, tally) if assign_labels else (batch.texts, None)
            if not texts:
                continue
            first_text = first_text if first_text.strip() else texts[0][:1000]
            if spec.tokens == "word" and not stream:
                texts = [text.lstrip() for text in texts]  # cutting must leave more than spaces
            texts = [text[:limit] for text in texts]
            ids, lengths = tokenizer.encode_many(texts)
            if not stream:
                keys = _keys(texts)
                too_long = lengths > spec.length
                if too_long.any():
                    cut += int(too_long.sum())
                    ids = ids[_positions(lengths) < spec.length]
                    lengths = np.minimum(lengths, spec.length)
                    # What is cut off tells no two samples apart.
                    keys[too_long] = _hashes(
                        ids[np.repeat(too_long, lengths)], lengths[too_long]
                    )
                out.append("keys", keys)
                out.append("lengths", lengths.astype(np.int32))
                if labels is not None:
                    out.append("labels", labels)
            out.append("tokens", ids.astype(dtype))
            tokens += len(ids)
            unknown += int((ids == UNKNOWN).sum())
            count += len(texts)
            done = tokens if stream else count
            reporter.progress("encoding", done, max(spec.count, done + 1))
        refuse_if_not_text(tally.broken, len(text_files(source)))
        refuse_if_bad_rows(tally)
        refuse_if_little(count, first_text, spec.split, str(source.path))
        reporter.progress("encoding", count, count)
        extra = {
            "tokens": tokens, "items": count, "cut": cut, "unknown": unknown,
            "tally": asdict(tally),
            "wrong": bool(tally.bad.count or tally.bad_rows or tally.broken),
        }
        return out.finish(extra), extra


def _folder_labels(
    source: Source, members: list[Member], spec: TextSpec, config: TextConfig
) -> dict[str, int] | None:
    """Return the label of each file by its name, or None if files have no classes.

    Raises:
        UsageError: A folder is not one of the classes.
    """
    if not spec.classes or spec.label_column or spec.label_field:
        return None
    names = [member.name for member in members]
    labels = known_labels(source, names, spec.classes, config.labels)
    return None if labels is None else dict(zip(names, labels.tolist(), strict=True))


def _label_function(
    source: Source, spec: TextSpec, config: TextConfig, label_of: dict[str, int] | None
) -> Callable[[Batch, Tally], tuple[list[str], np.ndarray]] | None:
    """Return a function from a batch to its samples that have a class, and their labels.

    Returns:
        The function, or None if the data or the spec has no classes.
    """
    if label_of is not None:
        return lambda batch, _: (
            batch.texts, np.full(len(batch.texts), label_of[batch.member.name], np.int16)
        )
    if not spec.classes or not has_labels(source, spec, config):
        return None
    index = {normalized(name): label for label, name in enumerate(spec.classes)}

    def by_column(batch: Batch, tally: Tally) -> tuple[list[str], np.ndarray]:
        pairs = [(text, index[label]) for text, label
                 in zip(batch.texts, batch.labels, strict=False) if label in index]
        if missing := len(batch.texts) - len(pairs):
            tally.bad_rows += missing
            tally.first_row = tally.first_row or f"{batch.member.name!r}, an unknown class"
        return [text for text, _ in pairs], np.array([label for _, label in pairs], np.int16)

    return by_column


def _positions(lengths: np.ndarray) -> np.ndarray:
    """Return the position of each token or character in its sample."""
    ends = np.cumsum(lengths)
    positions: np.ndarray = np.arange(int(ends[-1])) - np.repeat(ends - lengths, lengths)
    return positions


def _keys(texts: list[str]) -> np.ndarray:
    """Return a hash of each text, uint64.

    It does not depend on the vocabulary, so that adding data moves few samples to the other side
    of the split.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return _hashes(code_points("".join(texts)), lengths)


def _hashes(numbers: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return a hash of each run of numbers, uint64: their sum, each mixed with its position.

    Args:
        numbers: The runs, one after the other; each below 2**24.
        lengths: How many numbers each run has, at least one, int64.
    """
    positions = _positions(lengths).astype(np.uint64)
    sums = np.cumsum(mix(numbers.astype(np.uint64) + (positions << np.uint64(24))))
    # The sums wrap around, and so do their differences.
    ends = sums[np.cumsum(lengths) - 1]
    return mix(np.diff(ends, prepend=np.uint64(0)) + lengths.astype(np.uint64))


def _report(extra: Any, count: int, spec: TextSpec, reporter: Reporter) -> None:
    """Report what was skipped, cut or replaced."""
    tally = Tally(**{**extra["tally"], "bad": BadBytes(**extra["tally"]["bad"])})
    if tally.broken:
        broken = [(name, problem) for name, problem in tally.broken]
        reporter.warn(f"Skipped {len(broken):,} of {count:,} files: {first_names(broken)}.")
    if tally.bad.count:
        reporter.warn(
            f"Replaced {tally.bad.count:,} bytes that are invalid in this encoding by U+FFFD; the "
            f"first: {tally.bad.first}."
        )
    if tally.bad_rows:
        reporter.warn(
            f"Skipped {tally.bad_rows:,} of {tally.rows:,} records that have no such text; the "
            f"first: {tally.first_row}."
        )
    if tally.empty:
        reporter.note(f"Skipped {tally.empty:,} empty lines or records.")
    if extra["cut"]:
        reporter.note(
            f"Cut {extra['cut']:,} of {extra['items']:,} {spec.split} to {spec.length} tokens."
        )
    if extra["unknown"]:
        fraction = extra["unknown"] / extra["tokens"]
        reporter.note(
            f"{extra['unknown']:,} of {extra['tokens']:,} tokens ({fraction:.2%}) are not in the "
            "vocabulary and count as unknown."
        )
