"""N-grams with Witten-Bell smoothing, and longest common runs."""

from math import log

import numpy as np
import pytest

from gancli.modalities.text.ngrams import NgramModel, longest_runs


def ids(*texts):
    return [np.array(text, np.int32) for text in texts]


def test_unigrams_by_hand() -> None:
    # Of 4 tokens 3 are 5 and 1 is 6, two kinds: p(5) = (3 + 2/10) / (4 + 2), others 2/10 / 6.
    model = NgramModel(ids([5, 5, 5, 6]), vocabulary=10, order=1)
    assert model.loss(ids([5]))[0] == pytest.approx(-log(3.2 / 6))
    assert model.loss(ids([9]))[0] == pytest.approx(-log(0.2 / 6))
    assert model.loss(ids([5, 9]))[0] == pytest.approx(-(log(3.2 / 6) + log(0.2 / 6)) / 2)


def test_a_context_is_mixed_with_the_shorter_one() -> None:
    model = NgramModel(ids([5, 6], [5, 7]), vocabulary=10, order=2)
    unigram = {5: (2 + 3 / 10) / (4 + 3), 6: (1 + 3 / 10) / 7, 9: (3 / 10) / 7}
    # After 5 came 6 and 7, once each; a text begins with 5 both times.
    begins = (2 + 1 * unigram[5]) / (2 + 1)
    follows = (1 + 2 * unigram[6]) / (2 + 2)
    assert model.loss(ids([5, 6]))[0] == pytest.approx(-(log(begins) + log(follows)) / 2)
    # Nothing ever came after 9.
    begins_9 = (0 + 1 * unigram[9]) / (2 + 1)
    assert model.loss(ids([9, 5]))[0] == pytest.approx(-(log(begins_9) + log(unigram[5])) / 2)


def test_probabilities_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    model = NgramModel([rng.integers(0, 6, 9) for _ in range(30)], vocabulary=6, order=4)
    prefix = [3, 1, 2]
    each = [model.loss(ids([*prefix, token]))[0] * 4 for token in range(6)]
    before = model.loss(ids(prefix))[0] * 3
    assert np.exp(before - np.array(each)).sum() == pytest.approx(1)


def test_longest_runs() -> None:
    others = ids([1, 2, 3, 4, 5], [7, 8])
    # A run may not go on from one text into the next.
    runs = longest_runs(ids([9, 2, 3, 4, 9], [4, 5, 7, 8], [9], [7, 8]), others)
    assert runs.tolist() == [3, 2, 0, 2]
