"""Choosing the tokens and the length that suit a corpus."""

from collections.abc import Iterator

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.tokens import (
    BytePairs,
    Bytes,
    Characters,
    Tokenizer,
    fit_byte_pairs,
    fit_characters,
)
from gancli.modalities.text.words import (
    Words,
    count_chunks,
    count_words,
    find_style,
    frequent_words,
)

DEFAULT_VOCABULARY, DEFAULT_BYTE_PAIRS = 20_000, 4096

# On average, shorter lines are names or words, of which the letters are to be learned.
_MIN_SENTENCE = 20
_MIN_COVERAGE = 0.97
# In scripts without spaces, a "word" is a whole clause.
_MAX_WORD_LENGTH = 15
# Bytes of a corpus from which byte pairs pay off.
_MIN_BPE_LINES, _MIN_BPE_PROSE = 1_000_000, 5_000_000

# Words and byte pairs are fitted to about this many characters, plenty for the frequent ones.
_FIT_CHARACTERS = 8_000_000
_CHOICE_CHARACTERS = 2_000_000

MAX_AUTO_LENGTH = 512
STREAM_WINDOWS = {"char": 128, "byte": 128, "word": 64, "bpe": 64}
_LENGTH_PERCENTILE = 99.5


def subsample(texts: list[str], limit: int = _FIT_CHARACTERS) -> list[str]:
    """Return evenly spaced texts with about ``limit`` characters in total."""
    total = sum(map(len, texts))
    every = max(1, -(-total // limit))
    if len(texts) >= every:
        return texts[::every]
    return [text[: max(1, limit // len(texts))] for text in texts]


def choose_tokens(texts: list[str], size: float, config: TextConfig) -> tuple[str, str]:
    """Return the kind of tokens and a sentence on why.

    Lines of names or words are split into characters; sentences into words if few words make up
    nearly all of them, else into byte pairs from a megabyte on; prose into byte pairs from five
    megabytes on; all other text into characters.

    Args:
        texts: Samples, or pieces of a stream.
        size: Bytes of the whole corpus.
        config: ``tokens``, ``split`` and ``vocabulary`` are used.
    """
    if config.tokens != "auto":
        return config.tokens, f"Tokens: {config.tokens}."
    shown = f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
    if config.split != "lines":
        if size > _MIN_BPE_PROSE:
            return "bpe", f"Tokens: bpe (byte pairs), since this is {shown} of prose."
        return "char", f"Tokens: char, since {shown} of prose are too little for byte pairs."
    mean = sum(map(len, texts)) / len(texts)
    if mean < _MIN_SENTENCE:
        return "char", f"Tokens: char, since a line has {mean:.0f} characters on average."
    subset = subsample(texts, _CHOICE_CHARACTERS)
    chunks = count_chunks(subset)
    counts = count_words(chunks, find_style(chunks))
    total = counts.total()
    words = frequent_words(counts, config.vocabulary or DEFAULT_VOCABULARY)
    coverage = sum(counts[word] for word in words if counts[word] > 1) / total
    if coverage >= _MIN_COVERAGE and sum(map(len, subset)) / total < _MAX_WORD_LENGTH:
        why = f"since words that occur at least twice make up {coverage:.1%} of the text"
        return "word", f"Tokens: word, {why}."
    why = (
        f"since words that occur at least twice make up only {coverage:.1%} of these {shown}"
    )
    if size > _MIN_BPE_LINES:
        return "bpe", f"Tokens: bpe (byte pairs), {why}."
    return "char", f"Tokens: char, {why}."


def fit_tokenizer(
    kind: str, texts: list[str], config: TextConfig
) -> tuple[tuple[str, ...], str, Tokenizer]:
    """Fit a tokenizer to texts.

    Args:
        kind: ``char``, ``byte``, ``word`` or ``bpe``.
        texts: Samples, or pieces of a stream.
        config: ``vocabulary`` is used.

    Returns:
        The vocabulary, the rules, and the tokenizer built from them.

    Raises:
        UsageError: The vocabulary requested is too small for byte pairs.
    """
    if kind == "byte":
        return (), "", Bytes()
    if kind == "char":
        characters = fit_characters(texts, config.vocabulary or DEFAULT_VOCABULARY)
        return characters, "", Characters(characters)
    if kind == "word":
        chunks = count_chunks(subsample(texts))
        style = find_style(chunks)
        counts = count_words(chunks, style)
        words = frequent_words(counts, config.vocabulary or DEFAULT_VOCABULARY)
        return words, style, Words(words, style)
    size = config.vocabulary or DEFAULT_BYTE_PAIRS
    if size < 256:
        raise UsageError(
            f"A vocabulary of {size} is too small for byte pairs, which include all 256 bytes.",
            "Give --vocabulary 256 or more, or --tokens char.",
        )
    rules = fit_byte_pairs(list(_lines(subsample(texts))), size)
    return (), rules, BytePairs(rules)


def _lines(texts: list[str]) -> Iterator[str]:
    for text in texts:
        yield from text.splitlines(keepends=True)


def choose_length(
    texts: list[str], tokenizer: Tokenizer, kind: str, config: TextConfig
) -> tuple[int, str]:
    """Return the maximum length of a sample, or the length of a window, and a sentence on why.

    Args:
        texts: Samples, or pieces of a stream.
        tokenizer: Counts their tokens.
        kind: Kind of the tokens.
        config: ``split`` and ``max_length`` are used.
    """
    requested = config.max_length
    if config.split == "stream":
        if requested is not None:
            return requested, f"Length: windows of {requested} tokens, as requested."
        length, count = STREAM_WINDOWS[kind], 0
        for text in texts:
            count += len(tokenizer.encode(text[: 16 * length * 8]))
            if count >= 8 * length:
                break
        while length > 8 and count < 4 * length:
            length //= 2
        return length, f"Length: windows of {length} tokens."
    subset = subsample(texts)
    lengths = np.concatenate([
        tokenizer.encode_many(subset[at : at + 1000])[1] for at in range(0, len(subset), 1000)
    ])
    longest = int(lengths.max())
    if requested is not None:
        return requested, (
            f"Length: {requested} tokens, as requested; the longest sample examined has "
            f"{longest:,}."
        )
    usual = int(np.percentile(lengths, _LENGTH_PERCENTILE, method="higher"))
    length = min(max(8, -(-usual // 8) * 8), MAX_AUTO_LENGTH)
    fitting = float((lengths <= length).mean())
    if fitting == 1.0:
        return length, f"Length: {length} tokens, since the longest sample has {longest:,}."
    return length, (
        f"Length: {length} tokens, enough for {int(fitting * 1000) / 10}% of the samples; the "
        f"longest has {longest:,} (--max-length sets it)."
    )
