import numpy as np
import pytest
import torch

from gancli.sampling.guidance import effective_sample_size, pick_candidate
from gancli.sampling.seeds import normal
from gancli.training.calibration import fit_calibration


def test_candidates_are_drawn_with_their_odds():
    odds = np.log([1.0, 2.0, 5.0])
    counts = np.bincount([pick_candidate(seed, odds) for seed in range(4000)], minlength=3)
    assert np.abs(counts / 4000 - [1 / 8, 2 / 8, 5 / 8]).max() < 0.03
    assert pick_candidate(3, np.array([-1e4, 1e4, 0.0])) == 1  # no overflow


def test_resampling_turns_one_distribution_into_another():
    # Candidates from N(0, 1), odds of N(1, 1) against it: log p/q = x - 1/2.
    rng = np.random.default_rng(0)
    tries = rng.standard_normal((4000, 32))
    chosen = np.array([row[pick_candidate(seed, row - 0.5)] for seed, row in enumerate(tries)])
    assert abs(chosen.mean() - 1) < 0.08 and abs(chosen.std() - 1) < 0.08


def test_effective_candidates():
    assert effective_sample_size(np.zeros((1, 4)))[0] == pytest.approx(4)
    assert effective_sample_size(np.array([[0.0, 50.0, 0.0]]))[0] == pytest.approx(1)


def test_a_candidate_has_its_own_noise_and_number_0_is_the_seed():
    assert np.array_equal(normal(7, 5), normal(7, 5, candidate=0))
    drawn = {normal(7, 5, candidate=k).tobytes() for k in range(20)}
    assert len(drawn) == 20


def test_the_fit_finds_the_odds():
    # Logits of N(1, 1) against N(-1, 1): the log-odds are twice the logit.
    torch.manual_seed(0)
    real, fake = torch.randn(20_000) + 1, torch.randn(20_000) - 1
    calibration = fit_calibration(real, fake)
    assert calibration.scale == pytest.approx(2, abs=0.1)
    assert calibration.shift == pytest.approx(0, abs=0.05)
    assert calibration.accuracy == pytest.approx(0.8413, abs=0.01)
    # One that is ten times too sure of itself comes down to the same.
    assert fit_calibration(10 * real + 3, 10 * fake + 3).scale == pytest.approx(0.2, abs=0.01)


def test_a_discriminator_that_knows_nothing_or_the_reverse_does_not_guide():
    torch.manual_seed(0)
    real, fake = torch.randn(5000), torch.randn(5000)
    assert fit_calibration(real, fake).scale < 0.05
    assert fit_calibration(real - 1, fake + 1).scale == 0
    assert fit_calibration(torch.zeros(10), torch.zeros(10)).scale == 0
