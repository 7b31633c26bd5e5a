"""The way between seeds."""

import numpy as np

from gancli.modalities.image.config import ImageConfig, ImageSampleConfig
from gancli.modalities.image.inputs import generator_inputs
from gancli.modalities.image.spec import ImageSpec
from gancli.sampling.interpolation import interpolated_inputs, route, slerp
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
    drawn = generator_inputs(list(range(20)), spec, config, options)["labels"]
    start = int(np.flatnonzero(drawn != drawn[0])[0])
    found = interpolated_inputs(
        route([start, 0, 1], 2, closed=True),
        lambda seeds: generator_inputs(seeds, spec, config, options),
    )
    assert found["labels"].tolist() == [drawn[start]] * 6
    assert np.array_equal(found["z"][2], normal(0, 8))
    asked = interpolated_inputs(
        route([start, 0], 2, False),
        lambda seeds: generator_inputs(seeds, spec, config, ImageSampleConfig(class_name="b")),
    )
    assert asked["labels"].tolist() == [1, 1, 1]
