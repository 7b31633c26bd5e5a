"""A seed is an address: it says what it addresses, alone and for ever."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gancli.errors import UsageError
from gancli.sampling.config import SampleConfig
from gancli.sampling.request import SampleRequest
from gancli.sampling.seeds import choose_seeds, drawn_class, normal, parse_seeds


def test_ranges_and_numbers_keep_their_order():
    assert list(parse_seeds("0-3,99, 7,2-2")) == [0, 1, 2, 3, 99, 7, 2]


@pytest.mark.parametrize(
    "text",
    ["", ",", "1,", "a", "-3", "3-", "5-2", "1.5", "1--2", "0-99999999999", "0-5000000,0-5000000",
     "٣", "4611686018427387905", "9" * 5000],
)
def test_what_is_no_list_of_seeds_is_refused(text):
    with pytest.raises(UsageError) as caught:
        parse_seeds(text)
    assert caught.value.hint


@given(st.text(alphabet="0123456789-, ", max_size=7))
@settings(deadline=None)
def test_any_text_gives_seeds_or_a_sentence(text):
    with suppress(UsageError):
        assert all(0 <= seed <= 2**62 for seed in parse_seeds(text))


def test_a_seed_counts_up_and_none_is_random():
    assert choose_seeds(SampleConfig(n=3, seed=5)) == (range(5, 8), "")
    seeds, sentence = choose_seeds(SampleConfig(seeds="8,4"))
    assert (list(seeds), sentence) == ([8, 4], "")
    first, sentence = choose_seeds(SampleConfig(n=2))
    second, _ = choose_seeds(SampleConfig(n=2))
    assert first != second and first[1] == first[0] + 1
    assert f"--seed {first[0]} -n 2 " in sentence
    (single,), sentence = choose_seeds(SampleConfig())
    assert f"--seed {single} makes" in sentence
    with pytest.raises(UsageError):
        choose_seeds(SampleConfig(seed=0, seeds="1"))


def test_noise_is_frozen():
    # These numbers are a promise: every seed that anybody wrote down depends on them.
    expected = np.array(
        [-0.504012942314148, 0.8471679091453552, -0.8139004111289978, 0.34372004866600037],
        np.float32,
    )
    assert np.array_equal(normal(123, 4), expected)
    assert normal(123, 4).dtype == np.float32
    assert np.array_equal(normal(123, 9)[:4], expected)


def test_noise_is_normal_and_differs_by_seed():
    noise = np.stack([normal(seed, 64) for seed in range(500)])
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02
    between = np.corrcoef(noise) - np.eye(500)
    assert np.abs(between).max() < 0.7


def test_truncation_redraws_the_tails_alone():
    plain, cut = normal(5, 1000), normal(5, 1000, truncation=1.0)
    inside = np.abs(plain) <= 1.0
    assert np.array_equal(plain[inside], cut[inside])
    assert np.abs(cut).max() <= 1.0
    assert 0.5 < cut.std() < 0.58  # a normal cut at one deviation has .54; clipping has .72


def test_classes_come_as_often_as_in_the_data():
    requests = [SampleRequest(seed) for seed in range(4000)]
    drawn = np.bincount([drawn_class(each, (1, 0, 3)) for each in requests], minlength=3)
    assert drawn[1] == 0
    assert abs(drawn[0] / 4000 - 0.25) < 0.03
    assert drawn_class(SampleRequest(3), (0, 0)) in (0, 1)
