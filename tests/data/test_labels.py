"""Folders as classes."""

import numpy as np
import pytest

from gancli.data.labels import find_labels, known_labels
from gancli.errors import UsageError


def files(*folders: str, count: int = 5) -> list[str]:
    return [f"{folder}/{index}.png" for folder in folders for index in range(count)]


def test_folders_become_classes_in_natural_order() -> None:
    names = files("10", "2", "a1")
    classes, labels, sentence = find_labels(names, "auto")
    assert classes == ("2", "10", "a1")
    assert labels is not None and labels.dtype == np.int64
    assert labels.tolist() == [1] * 5 + [0] * 5 + [2] * 5
    assert "3" in sentence


def test_wrapping_folders_are_looked_through() -> None:
    assert find_labels(files("set/v1/cat", "set/v1/dog"), "auto")[0] == ("cat", "dog")
    assert find_labels(files("emoji"), "auto")[:2] == ((), None)


def test_parts_of_the_data_are_no_classes() -> None:
    names = files("train/cat", "train/dog", "test/cat", "test/dog")
    classes, labels, _ = find_labels(names, "auto")
    assert classes == ("cat", "dog")
    assert labels is not None and labels.tolist() == ([0] * 5 + [1] * 5) * 2
    assert find_labels(files("train", "test"), "auto")[1] is None


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (["a.png", "b.png"], "tell them apart"),
        (files("cat", "dog") + ["stray.png"], "outside"),
        (files("cat", "dog") + ["fox/1.png"], "only one file"),
        (files("cat", "dog", count=4), "average"),
        (files(*map(str, range(1001))), "too many"),
    ],
)
def test_what_does_not_look_like_classes(names: list[str], word: str) -> None:
    classes, labels, sentence = find_labels(names, "auto")
    assert classes == () and labels is None and word in sentence


def test_forced_and_forbidden_folders() -> None:
    assert find_labels(["a/1.png", "b/1.png"], "auto")[1] is None
    assert find_labels(["a/1.png", "b/1.png"], "folders")[0] == ("a", "b")
    assert find_labels(files("cat", "dog"), "none")[:2] == ((), None)
    for names in (["a.png"], files("cat"), files("cat", "dog") + ["stray.png"]):
        with pytest.raises(UsageError):
            find_labels(names, "folders")


def test_odd_class_names_sort() -> None:
    odd = ["\udcff", "9" * 200, "a\nb", "\u0663", "-1", "007", "7"]
    classes = find_labels(files(*odd), "auto")[0]
    assert set(classes) == set(odd)
    assert classes.index("007") < classes.index("9" * 200)


def test_labels_in_classes_fixed_before() -> None:
    labels = known_labels(files("set/dog", "set/cat", count=1), ("cat", "dog"))
    assert labels is not None and labels.tolist() == [1, 0]
    only = known_labels(files("dog"), ("cat", "dog"))
    assert only is not None and set(only.tolist()) == {1}
    assert known_labels(["a.png", "b.png"], ("cat", "dog")) is None
    with pytest.raises(UsageError, match="fox"):
        known_labels(files("cat", "fox"), ("cat", "dog"))
