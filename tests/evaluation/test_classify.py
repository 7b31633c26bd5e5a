"""What a class is taken for: a classifier that is fitted to real items."""

import numpy as np
import pytest

from gancli.evaluation.classify import confusion

CLASSES = ("cat", "dog", "owl")
CENTERS = 6 * np.eye(3, 5)


def drawn(of, labels, seed):
    """Return items like those of some classes, as if they were of others."""
    noise = np.random.default_rng(seed).standard_normal((len(of), 5))
    return CENTERS[of] + noise, np.array(labels)


def test_a_class_that_looks_like_another_is_read_as_that():
    labels = np.arange(300) % 3
    cats_dogs = np.repeat([0, 1], 60)
    looks = np.where(cats_dogs == 1, 2, cats_dogs)  # the dogs are owls
    looks[90:120] = 1  # but for half of them
    found = confusion(
        CLASSES, drawn(labels, labels, 0), drawn(labels, labels, 1), drawn(looks, cats_dogs, 2), 0
    )
    assert found.classes == CLASSES
    assert np.array(found.real) == pytest.approx(np.eye(3), abs=0.03)
    assert np.array(found.samples) == pytest.approx(
        np.array([[1, 0, 0], [0, 0.5, 0.5], [0, 0, 0]]), abs=0.03  # there are no owls
    )


def test_a_classifier_that_cannot_tell_them_says_so_of_real_items():
    labels = np.arange(300) % 3
    same = np.zeros(300, int)
    found = confusion(
        CLASSES, drawn(same, labels, 0), drawn(same, labels, 1), drawn(same, labels, 2), 0
    )
    assert np.diag(found.real) == pytest.approx(1 / 3, abs=0.15)
