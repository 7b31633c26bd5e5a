"""What files say of where their samples come from."""

import pytest

from gancli.modalities.audio.config import AudioSampleConfig
from gancli.modalities.image.config import ImageSampleConfig
from gancli.sampling.classes import choose_labels
from gancli.sampling.origin import Origin, as_text, ranges, title
from gancli.sampling.request import SampleRequest


def test_seeds_are_written_as_the_option_takes_them():
    assert ranges([0, 1, 2, 9, 4, 5]) == "0-2,9,4-5"
    assert ranges([3, 3]) == "3,3"


@pytest.mark.parametrize(
    ("seeds", "labels", "facts"),
    [
        ([5], [1], {"seed": "5", "class": "b", "model": "m"}),
        ([5], [None], {"seed": "5", "model": "m"}),
        ([5, 6], [1, 1], {"seeds": "5-6", "class": "b", "model": "m"}),
        ([5, 6, 8], [1, 0, 1], {"seeds": "5-6,8", "classes": "b, a, b", "model": "m"}),
    ],
)
def test_facts(seeds, labels, facts):
    assert Origin("m", ("a", "b")).facts(seeds, labels) == facts


def test_facts_are_one_line_of_valid_text_and_not_endless():
    facts = Origin("m\x1b\n\ud800", ("a\u2028",)).facts(range(0, 100, 2), [0], limit=20)
    assert as_text(facts) == "seeds 0,2,4,6,8,10,12, ...; class a\ufffd; model m\ufffd\ufffd\ufffd"


def test_options_that_shape_samples_are_named_and_others_not():
    options = ImageSampleConfig(
        n=3, seed=4, class_name="b", guided=4, truncation=0.5, output="x y.png", batch=3,
        grid="plain", scale=4,
    )
    assert Origin.of("m", (), options).settings == "--guided 4 --truncation 0.5"
    assert Origin.of("m", (), AudioSampleConfig(length=0.5)).settings == "--length 0.5"
    assert Origin.of("m", (), ImageSampleConfig()).settings == ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fashion-mnist", "fashion-mnist"), ("runs/cats/", "cats"), ("runs/cats/model", "cats"),
        ("runs/dogs/model", "model"), (".", "here"), ("/a/b.c", "b.c"),
    ],
)
def test_a_model_is_called_by_its_own_name(tmp_path, monkeypatch, name, expected):
    here = tmp_path / "here"
    (here / "runs" / "cats" / "model").mkdir(parents=True)
    (here / "runs" / "cats" / "config.toml").touch()
    monkeypatch.chdir(here)
    assert title(name) == expected


def test_a_request_may_name_its_class():
    requests = [SampleRequest(seed, label=label) for seed, label in ((0, 2), (1, None), (1, 0))]
    drawn = choose_labels([SampleRequest(1)], None, ("a", "b", "c"), (1, 1, 1))
    found = choose_labels(requests, None, ("a", "b", "c"), (1, 1, 1))
    assert found.tolist() == [2, *drawn.tolist(), 0]
