"""Mirror images of what was trained on are copies where training showed them."""

from dataclasses import replace

import numpy as np

from gancli.data.dataset import Dataset
from gancli.evaluation.evaluate import evaluate
from gancli.evaluation.subjects import Given
from gancli.metrics.memorization import NEAR_TRAINING
from gancli.modalities import get
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.reporting import SILENT

TRAINED, COUNT = 120, 180
SPEC = ImageSpec(16, "L", "crop", (), (), COUNT)


def data():
    """Return the data set of random pictures, each of 4x4 tiles."""
    tiles = np.random.default_rng(0).integers(0, 256, (COUNT, 4, 4, 1), np.uint8)
    pixels = tiles.repeat(4, 1).repeat(4, 2)
    return Dataset(
        {"pixels": pixels}, None, np.arange(TRAINED), np.arange(TRAINED, COUNT), "pictures"
    )


def test_mirrored_copies_are_found_where_mirror_images_were_trained_on():
    trainable, dataset = get("image").trainable(), data()
    mirrored = replace(dataset, arrays={"pixels": dataset.arrays["pixels"][:, :, ::-1]})
    subject = Given("copies", mirrored, SPEC, trainable, dataset.train)
    shares = {}
    for mirror in (True, False):
        found = evaluate(
            subject, dataset, SPEC, ImageConfig(mirror=mirror), trainable, None, SILENT
        )
        (share,) = (each.value for each in found.figures if each.name == NEAR_TRAINING)
        shares[mirror] = share
        if mirror:
            assert [each.sample for each in found.nearest] == [
                each.item for each in found.nearest
            ]
            assert found.nearest[-1].distance < 1e-3
    assert shares[True] == 1 and shares[False] < 0.5
