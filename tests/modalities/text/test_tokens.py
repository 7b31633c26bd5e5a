"""Converting text to ids and back, in every script."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gancli.errors import GancliError, UsageError
from gancli.modalities.text.tokens import (
    FIRST,
    UNKNOWN,
    BytePairs,
    Bytes,
    Characters,
    Tokenizer,
    fit_byte_pairs,
    fit_characters,
)
from gancli.modalities.text.words import (
    JOINER,
    Words,
    count_chunks,
    count_words,
    find_style,
    frequent_words,
    split_words,
)

SCRIPTS = [
    "The quick brown fox; it's late.",
    "Съешь же ещё этих мягких булок, да выпей чаю.",
    "天地玄黃,宇宙洪荒。",
    "السلام عليكم، كيف حالك؟",
    "हिन्दी में लिखिए।",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467 and \u2764\ufe0f \U0001f44d\U0001f3fd!",
    "a\tb  c\nd e\u0301 \u2028 \x00 \u200b",
]
RULES = fit_byte_pairs(SCRIPTS * 3, 300)


def words_of(texts: list[str], style: str | None = None) -> Words:
    chunks = count_chunks(texts)
    style = style or find_style(chunks)
    return Words(frequent_words(count_words(chunks, style), 10_000), style)


def tokenizers() -> list[Tokenizer]:
    return [Bytes(), Characters(fit_characters(SCRIPTS, 1000)), BytePairs(RULES)]


@pytest.mark.parametrize("tokenizer", tokenizers(), ids=["byte", "char", "bpe"])
def test_every_script_decodes_to_itself(tokenizer: Tokenizer) -> None:
    for text in SCRIPTS:
        ids = tokenizer.encode(text)
        assert ids.dtype == np.int32 and ids.min() >= FIRST and ids.max() < tokenizer.size
        assert tokenizer.decode(ids) == text
        assert b"".join(tokenizer.pieces()[index] for index in ids).decode() == text
    flat, lengths = tokenizer.encode_many(SCRIPTS)
    assert lengths.tolist() == [len(tokenizer.encode(text)) for text in SCRIPTS]
    assert np.array_equal(flat, np.concatenate([tokenizer.encode(text) for text in SCRIPTS]))
    assert len(tokenizer.pieces()) == tokenizer.size


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_bytes_and_pairs_encode_any_text(text: str) -> None:
    for tokenizer in (Bytes(), BytePairs(RULES)):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_characters_outside_the_vocabulary_are_unknown() -> None:
    tokenizer = Characters(fit_characters(["banana", "band"], 100))
    assert tokenizer.vocabulary == ("a", "b", "d", "n")
    ids = tokenizer.encode("ban!\U0001f600")
    assert ids.tolist() == [3, 2, 5, UNKNOWN, UNKNOWN]
    assert tokenizer.decode(np.array([3, 2, 0, 1])) == "ba\ufffd"
    assert fit_characters(["aab", "abc"], 2) == ("a", "b")
    with pytest.raises(UsageError, match="'z'"):
        tokenizer.encode_prompt("baz")


def test_bytes_that_are_not_text_are_replaced() -> None:
    assert Bytes().decode(np.array([0xFF + FIRST, ord("a") + FIRST, 0])) == "\ufffda"


@pytest.mark.parametrize(
    "text",
    [
        'It\'s a "big" dog (brown), isn\'t it?', "it 's a dog .", "a close-up of 3.5 m -- no!",
        "the dogs' tails: 'tis so", "\u00abOui\u00bb, dit-il\u2026", 'he said: "no."',
        "$5 and 10% of x_1", "wow!!! \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f's",
        "हिन्दी में लिखिए।", "¿Qué? ¡Sí!", "(a) [b] {c}",
    ],
)
def test_words_come_out_as_the_corpus_writes_them(text: str) -> None:
    for style in ("marks", "spaces"):
        tokenizer = words_of([text, text], style)
        ids = tokenizer.encode(text)
        assert UNKNOWN not in ids and tokenizer.decode(ids) == text


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("ab .,'\"()-\u2019\u200d\ufe0f\U0001f600\n\u0301"), max_size=20))
def test_words_lose_nothing_but_spaces(text: str) -> None:
    tokenizer = words_of([text, text], "marks")
    lines = [" ".join(line.split()) for line in text.split("\n")]
    assert tokenizer.decode(tokenizer.encode(text)) == "\n".join(lines)


def test_a_word_is_the_same_wherever_it_stands() -> None:
    assert split_words('Dogs, "dogs" and dogs.', "marks") == [
        "Dogs", f"{JOINER},", f'"{JOINER}', "dogs", f'{JOINER}"', "and", "dogs", f"{JOINER}.",
    ]
    assert split_words("don't stop-it", "marks") == ["don't", "stop", f"{JOINER}-{JOINER}", "it"]
    assert split_words(f"a{JOINER}b", "marks") == ["a", f"{JOINER}\ufffd{JOINER}", "b"]


def test_style_follows_the_corpus() -> None:
    assert find_style(count_chunks(["it 's a dog .", "a cat , too ."])) == "spaces"
    assert find_style(count_chunks(["It's a dog.", "A cat, too."])) == "marks"
    assert find_style(count_chunks(["red blue green", "one two"])) == "spaces"


def test_rare_words_are_unknown_and_never_in_the_vocabulary() -> None:
    tokenizer = words_of(["the cat sat", "the cat ran"])
    assert tokenizer.vocabulary == ("cat", "the")
    assert tokenizer.encode("the dog").tolist() == [3, UNKNOWN]
    flat, lengths = tokenizer.encode_many(["the cat", "", "a the"])
    assert flat.tolist() == [3, 2, 1, 3] and lengths.tolist() == [2, 0, 2]
    assert frequent_words(count_words(count_chunks(["x y"]), "spaces"), 9) == ("x", "y")


def test_word_prompts() -> None:
    tokenizer = words_of(["(a kitchen) table.", "(a kitchen) table."])
    ids, rest = tokenizer.encode_prompt("(a kitchen")
    assert tokenizer.decode(ids) == "(a kitchen" and rest == ""
    assert tokenizer.decode(tokenizer.encode_prompt("(")[0]) == "("
    with pytest.raises(UsageError, match="'kitchn'") as caught:
        tokenizer.encode_prompt("a kitchn")
    assert "'kitchen'" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        tokenizer.encode_prompt("Table")
    assert "'table'" in caught.value.hint
    assert tokenizer.encode_prompt("")[0].tolist() == []


@pytest.mark.parametrize("prompt", ["the qu", "the ", "", "天地", "\U0001f468\u200d"])
def test_pair_prompts_leave_the_last_token_open(prompt: str) -> None:
    tokenizer = BytePairs(RULES)
    ids, rest = tokenizer.encode_prompt(prompt)
    assert tokenizer.decode(ids) + rest == prompt
    assert len(ids) < max(1, len(tokenizer.encode(prompt)))


def test_prompts_that_are_not_text() -> None:
    for tokenizer in (Bytes(), BytePairs(RULES), Characters(("a",))):
        with pytest.raises(UsageError):
            tokenizer.encode_prompt("a\udcff")


def test_damaged_rules_are_refused() -> None:
    good = json.loads(RULES)
    vocabulary, merges = good["model"]["vocab"], good["model"]["merges"]
    gap = {**vocabulary, max(vocabulary, key=vocabulary.__getitem__): len(vocabulary)}
    bad: list[dict[str, object]] = [
        {"vocab": {}, "merges": []}, {"vocab": [], "merges": []}, {"vocab": gap, "merges": merges},
        {"vocab": {**vocabulary, "\u4e00": len(vocabulary)}, "merges": merges},
        {"vocab": vocabulary, "merges": [["a", "\u4e00"]]},
        {"vocab": vocabulary, "merges": [["a"]]}, {"vocab": vocabulary, "merges": [[1, 2]]},
        {"vocab": {**vocabulary, "": len(vocabulary)}, "merges": merges},
        {"vocab": vocabulary, "merges": 3}, {"vocab": vocabulary},
    ]
    texts = [json.dumps({"model": model}) for model in bad]
    for text in [*texts, "", "{", "[]", '{"model": 1}', "[" * 100_000]:
        with pytest.raises(GancliError):
            BytePairs(text)
    # Only the vocabulary and merges of the JSON are used.
    good["normalizer"] = {"type": "Lowercase"}
    text = "The Fox"
    tokenizer = BytePairs(json.dumps(good))
    assert tokenizer.decode(tokenizer.encode(text)) == text
