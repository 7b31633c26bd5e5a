"""Folders and dataset.json as classes, and folders that are no classes."""

import json
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gancli.data import labels as module
from gancli.data.labels import known_labels
from gancli.data.source import Source, open_source
from gancli.errors import UsageError

NOTHING = Source("nothing", Path("."), [])
Found = tuple[tuple[str, ...], np.ndarray | None, str]


def find_labels(names: list[str], mode: str, **values: Any) -> Found:
    return module.find_labels(NOTHING, names, mode, **values)


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


@pytest.mark.parametrize(
    "folders",
    [
        "Train Test", "TRAIN VALIDATE", "training_set test_set", "train2017 val2017 test2017",
        "trainA trainB testA testB", "seg_train seg_test seg_pred", "train-clean-100 dev-clean",
        "Training PublicTest PrivateTest", "trainset testset", "cat_train cat_test",
        "entraînement validation", "Trainingsdaten Testdaten", "обучение тест", "训练集 测试集",
        "훈련 테스트", "entrenamiento prueba", "images masks", "JPEGImages SegmentationClass",
        "hr lr", "part1 part2", "images_001 images_002", "fold1 fold10", "disc-a disc-b",
        "Ordner Ordner2", "0-999 1000-1999",
        "Testbilder Trainingsbilder", "訓練データ テストデータ", "训练数据 测试数据",
        "훈련데이터 테스트데이터",
        "обучающая_выборка тестовая_выборка", "données_d'entraînement données_de_test",
        "cv-valid-train cv-valid-test", "100CANON 101CANON", "100_PANA 101MSDCF", "2019 2020",
        "2019-05 2019-06",
        "20190512 20190513", "12.05.2019 13.05.2019", "January February",
    ],
)
def test_parts_of_the_data_are_no_classes(folders: str) -> None:
    parts = folders.split()
    classes, labels, sentence = find_labels(files(*parts), "auto")
    assert classes == () and labels is None
    assert all(part in sentence for part in parts[:2]) or len(parts) > 3
    assert sentence.endswith("; --labels folders makes them classes.")
    # What is below tells classes apart.
    below = files(*(f"{part}/{kind}" for part in parts for kind in ("cat", "dog")))
    classes, labels, sentence = find_labels(below, "auto")
    assert classes == ("cat", "dog") and "--labels none" in sentence
    assert labels is not None and labels.tolist() == ([0] * 5 + [1] * 5) * len(parts)
    assert find_labels(below, "folders")[0] == ("cat", "dog")
    # Whoever asks for folders gets those that there are.
    assert set(find_labels(files(*parts), "folders")[0]) == set(parts)


@pytest.mark.parametrize(
    "folders",
    [
        "train car plane", "test_tube test_strip", "0 1 2", "A B", "s1 s2", "class_1 class_2",
        "n01440764 n01440765", "normal pneumonia", "may rose", "real fake", "1000 1001",
        "speaker1 speaker2", "new old", "cat_train dog_test", "00000 00001", "0-9 10-19 20-29",
        "データ 犬",
    ],
)
def test_classes_that_resemble_parts(folders: str) -> None:
    assert set(find_labels(files(*folders.split()), "auto")[0]) == set(folders.split())


def test_nested_parts_are_looked_through() -> None:
    names = files("2019/01/a", "2019/02/b", "2020/01/b")
    assert find_labels(names, "auto")[0] == ("a", "b")
    assert find_labels(files("2019/01", "2019/02", "2020/03"), "auto")[1] is None
    assert find_labels(files("01", "02"), "auto")[0] == ("01", "02")
    hashes = [f"{number:02x}" for number in range(40)]
    assert find_labels(files(*hashes), "auto")[1] is None
    assert len(find_labels(files(*"abcdefghijklmnop"), "auto")[0]) == 16


def test_numbered_pieces_are_no_classes() -> None:
    stylegan = [f"{piece:05}/img{piece * 1000 + index:08}.png" for piece in range(3)
                for index in range(6)]
    ffhq = [f"{piece:05}/{piece + index:05}.png" for piece in (0, 1000, 2000)
            for index in (0, 5, 998, 999)]
    for names in (stylegan, ffhq):
        assert find_labels(names, "auto", min_files=3)[1] is None
        assert len(find_labels(names, "folders")[0]) == 3
    # The numbers of traffic signs begin again in each class.
    signs = [f"{sign:05}/{index:05}_{index:05}.ppm" for sign in range(3) for index in range(6)]
    assert find_labels(signs, "auto")[0] == ("00000", "00001", "00002")


def labelled(tmp_path: Path, labels: object, count: int = 6, mark: str = "") -> Source:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as zipped:
        for index in range(count):
            zipped.writestr(f"set/{index // 3:05}/img{index:08}.png", b"")
        text = mark + json.dumps({"labels": labels})
        zipped.writestr("set/dataset.json", text.encode())
    return open_source(str(tmp_path / "set.zip"))


@pytest.mark.parametrize("kind", [int, float, lambda label: [label == 0, label == 1], str])
def test_dataset_json_holds_the_labels(tmp_path: Path, kind: Any) -> None:
    values = [0, 1, 0, 1, 0, 1]
    pairs = [[f"{index // 3:05}/img{index:08}.png", kind(label)]
             for index, label in enumerate(values)]
    if kind not in (int, float, str):
        pairs = [[name, list(map(int, vector))] for name, vector in pairs]
    for labels in (pairs, dict(pairs)):
        source = labelled(tmp_path, labels, mark="\ufeff")
        names = [member.name for member in source.members if member.name.endswith(".png")]
        classes, found, sentence = module.find_labels(source, names, "auto")
        assert classes == ("0", "1")
        assert found is not None and found.tolist() == values
        assert "dataset.json" in sentence and "--labels" in sentence
        known = known_labels(source, names, classes, "auto")
        assert known is not None and known.tolist() == values
        assert module.find_labels(source, names, "folders")[0] == ("00000", "00001")
        folders = known_labels(source, names, ("00000", "00001"), "folders")
        assert folders is not None and folders.tolist() == [0, 0, 0, 1, 1, 1]
        assert module.find_labels(source, names, "none")[1] is None


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (None, "holds no labels"), ([["00000/img00000000.png", 3]], "5 of 6 files have no label"),
        ([[f"{index // 3:05}/img{index:08}.png", 1] for index in range(6)], "labels 1 classes"),
        ([["a", [0.5, 0.25]]], "cannot be read"), ("abc", "cannot be read"),
        ([[1, 2]], "cannot be read"), ([["a", ""]], "cannot be read"),
    ],
)
def test_labels_that_are_unusable(tmp_path: Path, labels: object, reason: str) -> None:
    source = labelled(tmp_path, labels)
    names = [member.name for member in source.members if member.name.endswith(".png")]
    classes, found, sentence = module.find_labels(source, names, "auto")
    assert classes == () and found is None and reason in sentence
    # Folders that look like classes stand in.
    assert module.find_labels(source, files("cat", "dog"), "auto")[0] == ("cat", "dog")


def test_one_unicode_form() -> None:
    composed, apart = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
    names = [*files(apart, count=3), *files(composed, "hiver")]
    classes, labels, _ = find_labels(names, "auto", min_files=4)
    assert classes == ("hiver", composed)
    assert labels is not None and labels.tolist() == [1] * 8 + [0] * 5
    for known in (composed, apart):  # a model that was made before classes had one form
        again = known_labels(NOTHING, names, ("hiver", known), "auto")
        assert again is not None and again.tolist() == labels.tolist()


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
    labels = known_labels(NOTHING, files("set/dog", "set/cat", count=1), ("cat", "dog"), "auto")
    assert labels is not None and labels.tolist() == [1, 0]
    only = known_labels(NOTHING, files("dog"), ("cat", "dog"), "auto")
    assert only is not None and set(only.tolist()) == {1}
    assert known_labels(NOTHING, ["a.png", "b.png"], ("cat", "dog"), "auto") is None
    with pytest.raises(UsageError, match="holds 'fox', which is not one of the classes"):
        known_labels(NOTHING, files("cat", "fox"), ("cat", "dog"), "auto")
    for stray in ("stray.png", "set/stray.png"):
        beside = [f"{stray[:-9]}{name}" for name in files("cat", "dog")]
        with pytest.raises(UsageError) as refused:
            known_labels(NOTHING, [*beside, stray], ("cat", "dog"), "auto")
        assert refused.value.message == "Some files lie outside the class folders."
        assert f"{stray!r}, into the folder of its class" in refused.value.hint
