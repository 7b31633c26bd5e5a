"""Durations that are typed, and how they are shown."""

import pytest

from gancli.config.durations import duration, parse_duration, parse_interval
from gancli.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("7", 7),
                         ("250ms", 0.25), ("1s500ms", 1.5), ("10 min", 600), ("2 Hours", 7200),
                         ("1h 30min 5 sec", 5405), ("1d", 86400)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "-3s", "3x", "m", "nan", "inf", "1e300", "3s4", "3mss", "0ms", "3 moons", "."]
)
def test_no_durations(text):
    with pytest.raises(UsageError):
        parse_duration(text)


def test_an_interval_is_a_time_or_a_number_of_steps():
    assert [parse_interval(text) for text in ("60s", "500", "0500", "1.5")] == [
        (60, None), (None, 500), (None, 500), (1.5, None)
    ]
    for text in ("0", "-3", "x", ""):
        with pytest.raises(UsageError) as caught:
            parse_interval(text)
        assert "10m, or a number of steps" in caught.value.hint


def test_no_time_at_all_is_a_duration_only_where_it_makes_sense():
    assert parse_duration("0", zero=True) == parse_duration("0ms", zero=True) == 0
    for text in ("-1", "", "x"):
        with pytest.raises(UsageError):
            parse_duration(text, zero=True)


@pytest.mark.parametrize(("seconds", "words", "compact"), [
    (8.6, "9 s", "9s"), (59.4, "59 s", "59s"), (60, "1 min 0 s", "1m00s"),
    (125, "2 min 5 s", "2m05s"), (3599, "59 min 59 s", "59m59s"), (3599.6, "1 h 0 min", "1h00m"),
    (3725, "1 h 2 min", "1h02m"), (90_000, "25 h 0 min", "25h00m"),
])
def test_how_a_duration_is_shown(seconds, words, compact):
    assert (duration(seconds), duration(seconds, compact=True)) == (words, compact)
