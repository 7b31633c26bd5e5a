"""The way between seeds."""

import numpy as np

from gancli.modalities.image.config import ImageConfig, ImageSampleConfig
from gancli.modalities.image.inputs import generator_inputs
from gancli.modalities.image.spec import ImageSpec
from gancli.sampling.interpolation import latent_noise, route, slerp
from gancli.sampling.request import SampleRequest
from gancli.sampling.seeds import normal


def test_the_ends_of_a_way_are_the_seeds_and_the_middle_keeps_its_length():
    a, b = normal(1, 64), normal(2, 64)
    assert np.array_equal(slerp(a, b, 0.0), a) and np.array_equal(slerp(a, b, 1.0), b)
    middle = np.linalg.norm(slerp(a, b, 0.5))
    assert middle > 0.9 * min(np.linalg.norm(a), np.linalg.norm(b))
    assert np.linalg.norm((a + b) / 2) < 0.8 * middle  # what a straight line would give
    one = np.ones(3, np.float32)
    for other in (one, -one, np.zeros(3, np.float32)):
        assert np.isfinite(slerp(one, other, 0.3)).all()


def test_the_class_stays_that_of_the_first_seed():
    spec = ImageSpec(16, "L", "crop", ("a", "b"), (1, 1), 2)
    config, options = ImageConfig(latent=8), ImageSampleConfig()
    requests = [SampleRequest(seed) for seed in range(20)]
    drawn = generator_inputs(requests, spec, config, options).labels
    start = int(np.flatnonzero(drawn != drawn[0])[0])
    loop = generator_inputs(route([start, 0, 1], 2, closed=True), spec, config, options)
    assert loop.labels.tolist() == [drawn[start]] * 6
    z = loop.arrays["z"]
    assert np.array_equal(z[2], normal(0, 8))
    assert np.array_equal(z[3], slerp(normal(0, 8), normal(1, 8), 0.5))
    options = ImageSampleConfig(class_name="b")
    asked = generator_inputs(route([start, 0], 2, closed=False), spec, config, options)
    assert asked.labels.tolist() == [1, 1, 1]
    assert np.array_equal(asked.arrays["z"][2], normal(0, 8))


def test_truncation_counts_at_both_ends_of_a_way():
    a, b = normal(1, 64, truncation=0.5), normal(2, 64, truncation=0.5)
    between = latent_noise(SampleRequest(1, toward=2, fraction=0.25), 64, 0.5)
    assert np.array_equal(between, slerp(a, b, 0.25))
    assert np.array_equal(latent_noise(SampleRequest(1), 64, 0.5), a)
