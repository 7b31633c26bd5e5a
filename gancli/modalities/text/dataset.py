"""Text, encoded once into one flat array of token ids."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gancli.data import cache
from gancli.data.dataset import Dataset
from gancli.data.labels import known_labels
from gancli.data.member import first_names
from gancli.data.source import Source
from gancli.data.split import by_length, split_groups
from gancli.errors import GancliError
from gancli.modalities.text.corpus import Batch, Tally, kind, read, text_files
from gancli.modalities.text.decode import BadBytes
from gancli.modalities.text.inspect import (
    refuse_if_bad_rows,
    refuse_if_little,
    refuse_if_most,
)
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import END, UNKNOWN, code_points
from gancli.reporting import Reporter

# A batch's width is a multiple of this, so that few shapes occur.
_ROUND = 4
_MAX_WINDOWS = 10_000
# A word or byte pair of more characters than this is rare enough: cut lines are counted as such.
_WIDEST = 64


@dataclass(frozen=True)
class TextDataset(Dataset):
    """Samples of text as token ids.

    ``arrays`` holds ``tokens`` alone: the ids of all samples one after the other, uint8, uint16
    or int32. Of a stream, ``train`` are windows that overlap by a half, and ``held_out`` windows
    of its tail.

    Args:
        starts: Where each sample begins in ``tokens``, int64, shape (items,).
        lengths: Its number of tokens, int32, shape (items,), the end not counted.
        window: Tokens of each item of a stream, which has no end to learn; 0 otherwise.
    """

    starts: np.ndarray
    lengths: np.ndarray
    window: int

    def take(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Return the samples at the indices.

        Returns:
            ``tokens``, int64, shape (n, width), 0 after each sample, of which at least one if it
            is no stream; ``lengths``, int64, shape (n,); ``labels`` if there are classes.
        """
        flat = self.arrays["tokens"]
        lengths = self.lengths[indices].astype(np.int64)
        width = self.window
        if not width:
            longest = int(lengths.max()) if len(lengths) else 0
            width = -(-(longest + 1) // _ROUND) * _ROUND
        places = self.starts[indices][:, None] + np.arange(width)
        inside = np.arange(width) < lengths[:, None]
        tokens = flat[np.minimum(places, len(flat) - 1)].astype(np.int64)
        batch = {"tokens": np.where(inside, tokens, END), "lengths": lengths}
        if self.labels is not None:
            batch["labels"] = self.labels[indices]
        return batch

    def batch(self, seed: int, step: int, count: int) -> np.ndarray:
        """Return the items of a step, which are of like length; see split.by_length."""
        if self.window:
            return super().batch(seed, step, count)
        chosen = by_length(self._train_lengths, len(self.train), seed, step, count)
        indices: np.ndarray = self.train[chosen]
        return indices

    def _train_lengths(self, places: np.ndarray) -> np.ndarray:
        lengths: np.ndarray = self.lengths[self.train[places]]
        return lengths


def load(source: Source, spec: TextSpec, config: Any, reporter: Reporter) -> TextDataset:
    """Encode a corpus, or read it from the cache.

    Args:
        source: The files.
        spec: Tokens, length and classes.
        config: Has ``encoding``, ``field``, ``text_column``, ``label_column``, ``holdout``
            (share kept for measuring) and ``strict``.
        reporter: Hears what was skipped, cut or replaced, and how far it has come.

    Returns:
        The samples in the order in which they lie. Equal ones are all trained on, or all held
        out. The fingerprint depends on ids and labels alone.

    Raises:
        GancliError: There are fewer than two samples, or most files or records are none, or with
            ``strict`` any.
    """
    members = text_files(source)
    if len(members) < len(source.members):
        reporter.note(f"Ignored {len(source.members) - len(members):,} files that are no text.")
    listing = [(member.name, member.size, member.mtime) for member in members]
    fixed = {name: value for name, value in asdict(spec).items()
             if name not in ("count", "class_counts")}
    entry = cache.key(
        "text", source.stamp, listing, fixed, config.encoding, config.field, config.text_column,
        config.label_column,
    )
    # What was wrong has to be met again to be refused.
    found = cache.find(entry)
    if found is None or (config.strict and found[1]["wrong"]):
        found = _encode(entry, source, spec, config, reporter)
    stored, extra = found
    _say(extra, spec, reporter)
    ids, keys, lengths, labels = _parts(stored, extra)
    if spec.classes and labels is None:
        reporter.warn("The data has no such classes, so it is taken without them.")
    if spec.split == "stream":
        return _stream(ids, spec, config, reporter)
    if (keys == keys[0]).all():
        reporter.warn(f"All {len(keys):,} {spec.split} are identical.")
    train, held_out = split_groups(keys, config.holdout)
    if len(held_out) == len(keys):
        reporter.note(f"Nothing is held out: measured against the same {len(keys):,} samples.")
    starts = np.zeros(len(lengths), np.int64)
    np.cumsum(lengths[:-1], out=starts[1:])
    print_of = [cache.checksum(each.view(np.uint8)) for each in (ids, lengths)]
    if labels is not None:
        print_of.append(cache.checksum(labels.view(np.uint8)))
    fingerprint = cache.key("text", print_of)
    return TextDataset(
        {"tokens": ids}, labels, train, held_out, fingerprint, starts, lengths, 0
    )


def _stream(
    ids: np.ndarray, spec: TextSpec, config: Any, reporter: Reporter
) -> TextDataset:
    """Cut a stream into windows."""
    length, count = spec.length, len(ids)
    if count < 2 * length:
        raise GancliError(
            f"The text has {count:,} tokens, too few for windows of {length}.",
            "Give more text, or a smaller --max-length.",
        )
    held = min(round(count * config.holdout), _MAX_WINDOWS * length)
    held = max(held, length) if config.holdout > 0 and count >= 4 * length else 0
    train = np.arange(0, count - held - length + 1, max(1, length // 2), dtype=np.int64)
    tail = np.arange(count - held, count - length + 1, length, dtype=np.int64)
    starts = np.concatenate([train, tail])
    places = np.arange(len(starts), dtype=np.int64)
    trained = places[: len(train)]
    held_out = places[len(train) :] if held else trained
    if not held:
        reporter.note(f"Nothing is held out: measured against the same {len(train):,} windows.")
    lengths = np.full(len(starts), length, np.int32)
    fingerprint = cache.key("stream", cache.checksum(ids.view(np.uint8)), length)
    return TextDataset(
        {"tokens": ids}, None, trained, held_out, fingerprint, starts, lengths, length
    )


def _dtype(size: int) -> np.dtype[Any]:
    """Return the smallest type that holds all ids."""
    return np.dtype(np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.int32)


def _parts(
    stored: np.ndarray, extra: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Return ids, keys, lengths and labels: what :func:`_encode` wrote one after the other."""
    dtype, items = np.dtype(extra["dtype"]), int(extra["items"])
    end = int(extra["tokens"]) * dtype.itemsize
    found = [stored[:end].view(dtype)]
    end = -(-end // 8) * 8
    for kind_ in (np.uint64, np.int32, np.int16):
        size = items * np.dtype(kind_).itemsize
        found.append(stored[end : end + size].view(kind_))
        end += size
    ids, keys, lengths, labels = found
    return ids, keys, lengths, labels.astype(np.int64) if extra["labelled"] else None


def _encode(
    entry: str, source: Source, spec: TextSpec, config: Any, reporter: Reporter
) -> tuple[np.ndarray, Any]:
    """Encode a corpus into a file, block by block."""
    tally = Tally()
    tokenizer, dtype = spec.tokenizer(), _dtype(spec.size)
    label_of = _labeller(source, spec, config)
    whole = spec.split == "stream"
    clip = None if whole else (spec.length + 1) * (
        1 if spec.tokens in ("char", "byte") else _WIDEST
    )
    count = tokens = unknown = cut = 0
    first = ""
    columns: list[list[np.ndarray]] = [[], [], []]
    with cache.Appender(entry, reporter) as out:
        for batch in read(source, spec, config, tally):
            texts, labels = label_of(batch, tally) if label_of else (batch.texts, None)
            if not texts:
                continue
            first = first if first.strip() else texts[0][:1000]
            if spec.tokens == "word" and not whole:
                texts = [text.lstrip() for text in texts]  # lest nothing else is left
            texts = [text[:clip] for text in texts]
            ids, lengths = tokenizer.encode_many(texts)
            if not whole:
                columns[0].append(_keys(texts))
                long = lengths > spec.length
                if long.any():
                    cut += int(long.sum())
                    ids = ids[_position(lengths) < spec.length]
                    lengths = np.minimum(lengths, spec.length)
                columns[1].append(lengths.astype(np.int32))
                columns[2] += [] if labels is None else [labels]
            out.append(ids.astype(dtype))
            tokens += len(ids)
            unknown += int((ids == UNKNOWN).sum())
            count += len(texts)
            done = tokens if whole else count
            reporter.progress("encoding", done, max(spec.count, done + 1))
        refuse_if_most(tally.broken, len(text_files(source)))
        refuse_if_bad_rows(tally)
        refuse_if_little(count, first, spec.split, str(source.path))
        reporter.progress("encoding", count, count)
        out.append(np.zeros(-tokens * dtype.itemsize % 8, np.uint8))
        for part in (each for column in columns for each in column):
            out.append(part)
        extra = {
            "dtype": dtype.str, "tokens": tokens, "items": 0 if whole else count,
            "labelled": label_of is not None and not whole, "cut": cut, "unknown": unknown,
            "tally": asdict(tally),
            "wrong": bool(tally.bad.count or tally.bad_rows or tally.broken),
        }
        return out.finish(extra), extra


def _labeller(
    source: Source, spec: TextSpec, config: Any
) -> Callable[[Batch, Tally], tuple[list[str], np.ndarray]] | None:
    """Return what gives the samples of a batch that have a class, and these; None without.

    Raises:
        UsageError: A folder is none of the classes.
    """
    if not spec.classes:
        return None
    members = text_files(source)
    if spec.label_column:
        if not any(kind(member, config) == "table" for member in members):
            return None
        index = {name: label for label, name in enumerate(spec.classes)}

        def by_column(batch: Batch, tally: Tally) -> tuple[list[str], np.ndarray]:
            pairs = [(text, index[label]) for text, label
                     in zip(batch.texts, batch.labels, strict=False) if label in index]
            if missing := len(batch.texts) - len(pairs):
                tally.bad_rows += missing
                tally.first_row = tally.first_row or f"{batch.member.name!r}, an unknown class"
            return [text for text, _ in pairs], np.array([each for _, each in pairs], np.int16)

        return by_column
    known = known_labels([member.name for member in members], spec.classes)
    if known is None:
        return None
    of_file = {member.name: label for member, label in zip(members, known.tolist(), strict=True)}

    def by_folder(batch: Batch, tally: Tally) -> tuple[list[str], np.ndarray]:
        return batch.texts, np.full(len(batch.texts), of_file[batch.member.name], np.int16)

    return by_folder


def _position(lengths: np.ndarray) -> np.ndarray:
    """Return the place of each token in its sample."""
    ends = np.cumsum(lengths)
    places: np.ndarray = np.arange(int(ends[-1])) - np.repeat(ends - lengths, lengths)
    return places


def _keys(texts: list[str]) -> np.ndarray:
    """Return a hash of each text, uint64: the sum of its characters, each mixed with its place.

    It does not depend on the vocabulary, so more data moves few samples to the other side.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    codes = code_points("".join(texts)).astype(np.uint64)
    sums = np.cumsum(_mix(codes + (_position(lengths).astype(np.uint64) << np.uint64(24))))
    # The sums wrap, and so do their differences.
    ends = sums[np.cumsum(lengths) - 1]
    return _mix(np.diff(ends, prepend=np.uint64(0)) + lengths.astype(np.uint64))


def _mix(values: np.ndarray) -> np.ndarray:
    """Return the finaliser of SplitMix64."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = values ^ (values >> np.uint64(31))
    return mixed


def _say(extra: Any, spec: TextSpec, reporter: Reporter) -> None:
    """Tell what was skipped, cut or replaced."""
    tally = Tally(**{**extra["tally"], "bad": BadBytes(**extra["tally"]["bad"])})
    if tally.broken:
        broken = [(name, problem) for name, problem in tally.broken]
        reporter.warn(f"Skipped {len(broken):,} files: {first_names(broken)}.")
    if tally.bad.count:
        reporter.warn(
            f"{tally.bad.count:,} bytes are not valid in this encoding and became U+FFFD; the "
            f"first: {tally.bad.first}."
        )
    if tally.bad_rows:
        reporter.warn(
            f"Skipped {tally.bad_rows:,} of {tally.rows:,} lines that hold no such text; the "
            f"first: {tally.first_row}."
        )
    if tally.empty:
        reporter.note(f"Skipped {tally.empty:,} empty lines.")
    if extra["cut"]:
        reporter.note(
            f"Cut {extra['cut']:,} of {extra['items']:,} {spec.split} to {spec.length} tokens."
        )
    if extra["unknown"]:
        share = extra["unknown"] / extra["tokens"]
        reporter.note(
            f"{extra['unknown']:,} of {extra['tokens']:,} tokens ({share:.2%}) are not in the "
            "vocabulary and count as unknown."
        )
