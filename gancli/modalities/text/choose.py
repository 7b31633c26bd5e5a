"""Which tokens and which length suit a corpus."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.text.tokens import (
    BytePairs,
    Bytes,
    Characters,
    Tokenizer,
    fit_byte_pairs,
    fit_characters,
)
from gancli.modalities.text.words import Words, count_chunks, count_words, find_style, frequent

VOCABULARY, PAIRS = 20_000, 4096

# A line shorter than this is a name or a word, whose letters are what there is to learn.
_SHORT = 20
_COVERED = 0.97
# Scripts without spaces make one "word" of a clause.
_LONGEST_WORD = 15
_MANY_LINES, _MUCH_PROSE = 1_000_000, 5_000_000

# Words and byte pairs are fitted to about this much, which is plenty for the frequent ones.
_FIT_CHARACTERS = 8_000_000
_LOOK_CHARACTERS = 2_000_000

MAX_AUTO, STREAM = 512, {"char": 128, "byte": 128, "word": 64, "bpe": 64}
_LINE_SHARE = 99.5


def thin(texts: list[str], most: int = _FIT_CHARACTERS) -> list[str]:
    """Return evenly spaced texts of about ``most`` characters together."""
    total = sum(map(len, texts))
    every = max(1, -(-total // most))
    if len(texts) >= every:
        return texts[::every]
    return [text[: max(1, most // len(texts))] for text in texts]


def choose_tokens(texts: list[str], size: float, config: Any) -> tuple[str, str]:
    """Return the kind of tokens and a sentence on why.

    Lines of names or words are learnt by character; sentences by word, if few words make up
    nearly all of them, else by byte pair from a megabyte on; prose by byte pair from five
    megabytes on; the rest by character.

    Args:
        texts: Samples, or for a stream pieces of it.
        size: Bytes of the whole corpus.
        config: Has ``tokens``, ``split`` and ``vocabulary``.
    """
    if config.tokens != "auto":
        return config.tokens, f"Tokens: {config.tokens}, as asked."
    shown = f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
    if config.split != "lines":
        if size > _MUCH_PROSE:
            return "bpe", f"Tokens: bpe (byte pairs), since this is prose of {shown}."
        return "char", f"Tokens: char, since this is prose of no more than {shown}."
    mean = sum(map(len, texts)) / len(texts)
    if mean < _SHORT:
        return "char", f"Tokens: char, since a line has {mean:.0f} characters on average."
    some = thin(texts, _LOOK_CHARACTERS)
    chunks = count_chunks(some)
    counts = count_words(chunks, find_style(chunks))
    total = counts.total()
    covered = sum(counts[word] for word in frequent(counts, config.vocabulary or VOCABULARY)
                  if counts[word] > 1) / total
    if covered >= _COVERED and sum(map(len, some)) / total < _LONGEST_WORD:
        why = f"since words seen twice or more are {covered:.1%} of the text"
        return "word", f"Tokens: word, {why}."
    why = f"since words seen twice or more are but {covered:.1%} of the text, and it has {shown}"
    if size > _MANY_LINES:
        return "bpe", f"Tokens: bpe (byte pairs), {why}."
    return "char", f"Tokens: char, {why}."


def fit(kind: str, texts: list[str], config: Any) -> tuple[tuple[str, ...], str, Tokenizer]:
    """Fit tokens to texts.

    Args:
        kind: ``char``, ``byte``, ``word`` or ``bpe``.
        texts: Samples, or pieces of a stream.
        config: Has ``split`` and ``vocabulary``.

    Returns:
        The vocabulary, the rules, and the tokenizer that they make.

    Raises:
        UsageError: The vocabulary asked for is too small for byte pairs.
    """
    if kind == "byte":
        return (), "", Bytes()
    if kind == "char":
        characters = fit_characters(texts, config.vocabulary or VOCABULARY)
        return characters, "", Characters(characters)
    if kind == "word":
        chunks = count_chunks(thin(texts))
        style = find_style(chunks)
        counts = count_words(chunks, style)
        words = frequent(counts, config.vocabulary or VOCABULARY)
        return words, style, Words(words, style)
    size = config.vocabulary or PAIRS
    if size < 256:
        raise UsageError(
            f"{size} byte pairs are too few: the 256 single bytes are among them.",
            "Give --vocabulary 256 or more, or --tokens char.",
        )
    rules = fit_byte_pairs(list(_fed(thin(texts))), size)
    return (), rules, BytePairs(rules)


def _fed(texts: list[str]) -> Iterator[str]:
    for text in texts:
        yield from text.splitlines(keepends=True)


def choose_length(
    texts: list[str], tokenizer: Tokenizer, kind: str, share: float, config: Any
) -> tuple[int, str]:
    """Return the most tokens of a sample, or the tokens of a window, and a sentence on why.

    Args:
        texts: Samples, or pieces of a stream.
        tokenizer: Counts their tokens.
        kind: Of the tokens.
        share: Part of the corpus that the texts are.
        config: Has ``split`` and ``max_length``.
    """
    given = config.max_length
    if config.split == "stream":
        if given is not None:
            return given, f"Length: windows of {given} tokens, as asked."
        length, most = STREAM[kind], 0
        for text in texts:
            most += len(tokenizer.encode(text[: 16 * length * 8]))
            if most >= 8 * length:
                break
        while length > 8 and most < 4 * length:
            length //= 2
        return length, f"Length: windows of {length} tokens."
    some = thin(texts)
    lengths = np.concatenate([
        tokenizer.encode_many(some[at : at + 1000])[1] for at in range(0, len(some), 1000)
    ])
    longest = int(lengths.max())
    if given is not None:
        return given, f"Length: {given} tokens, as asked; the longest looked at has {longest:,}."
    usual = int(np.percentile(lengths, _LINE_SHARE, method="higher"))
    length = min(max(8, -(-usual // 8) * 8), MAX_AUTO)
    fits = float((lengths <= length).mean())
    if fits == 1.0:
        return length, f"Length: {length} tokens, since the longest has {longest:,}."
    return length, (
        f"Length: {length} tokens, which {int(fits * 1000) / 10}% of the samples fit into; the "
        f"longest has {longest:,} (--max-length sets it)."
    )
