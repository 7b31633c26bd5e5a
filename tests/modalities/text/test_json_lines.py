"""Objects of ``--jsonl`` hold what is known of a text, and are a line to every program."""

import json

import pytest
from text_samples import Source, codec, run, sample_of

from gancli.modalities.text.config import TextSampleConfig
from gancli.sampling.classes import choose_labels
from gancli.sampling.request import SampleRequest
from gancli.sampling.seeds import drawn_class


def test_objects_hold_what_is_known():
    _, data = run(Source({7: 'say "é"\n\\'}), [7, 8], jsonl=True)
    assert data.count(b"\n") == 2 and "é".encode() in data
    first, second = map(json.loads, data.splitlines())
    assert first == {
        "seed": 7, "text": 'say "é"\n\\', "tokens": 9, "log_likelihood": -1.5, "score": 0.25,
        "model": "tiny",
    }
    assert list(second) == ["seed", "text", "tokens", "log_likelihood", "score", "model"]


def test_objects_hold_the_class():
    classes, counts = ("cat", "dog"), (1, 1)
    of, requests = codec(*classes), [SampleRequest(seed) for seed in range(20)]
    for options in ({}, {"class_name": "dog"}, {"class_name": "1"}):
        labels = of.inputs(requests, TextSampleConfig(**options)).labels.tolist()
        assert labels == [1 if options else drawn_class(each, counts) for each in requests]
        source = Source(labels=dict(enumerate(labels)))
        _, data = run(source, list(range(20)), of=of, jsonl=True, **options)
        found = [json.loads(line)["class"] for line in data.splitlines()]
        assert found == [classes[label] for label in labels]
        assert set(found) == ({"dog"} if options else {"cat", "dog"})
    assert choose_labels([SampleRequest(3)], None, (), ()) is None
    tries = [SampleRequest(seed, candidate=2) for seed in range(9)]  # are of their seed's class
    drawn = choose_labels(tries, None, classes, counts)
    assert drawn.tolist() == choose_labels(requests[:9], None, classes, counts).tolist()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None])
def test_what_is_no_number_is_null(value):
    def samples(requests):
        yield sample_of("x", log_odds=value, likelihood=-0.5 if value is None else value)

    table = json.loads(run(samples, [0], jsonl=True)[1], parse_constant=pytest.fail)
    assert table["score"] is None
    assert table["log_likelihood"] == (-0.5 if value is None else None)


def test_objects_are_a_line_to_every_program():
    text = "a\x0b\x0c\x1c\x85\u2028\u2029b"
    _, data = run(Source({0: text}), [0], jsonl=True)
    assert len(data.decode().splitlines()) == 1
    assert json.loads(data)["text"] == text


@pytest.mark.parametrize("name", ["a.txt", "new/a", "a.jsonl", "A.JSONL", "a.ndjson"])
def test_the_suffix_says_whether_objects_are_written(tmp_path, name):
    target = tmp_path / name
    files, data = run(Source({1: "a\nb"}), [1, 2], output=str(target))
    assert (files, data) == ([target], b"")
    first, second = target.read_text().splitlines()
    if "json" in name.lower():
        assert (json.loads(first)["text"], json.loads(second)["seed"]) == ("a\nb", 2)
    else:
        assert (first, second) == ("a\\nb", "text 2")
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_objects_need_scores():
    assert not TextSampleConfig().scored
    assert TextSampleConfig(jsonl=True).scored
    assert TextSampleConfig(output="a.jsonl").scored
    assert TextSampleConfig(guided=2).scored


def test_objects_hold_the_score_of_their_sample():
    def samples(requests):
        for request, log_odds in zip(requests, (0.5, None, -1.0), strict=True):
            yield sample_of("x", request, log_odds=log_odds)

    _, data = run(samples, [3, 4, 5], jsonl=True)
    assert [json.loads(line)["score"] for line in data.splitlines()] == [0.5, None, -1.0]
