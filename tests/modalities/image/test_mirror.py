"""Pictures are mirrored where their mirror images could be pictures of the set."""

from dataclasses import replace

import numpy as np
import pytest

from gancli.config import resolve
from gancli.data.dataset import Dataset
from gancli.modalities import get
from gancli.modalities.image.config import PRESETS, ImageConfig
from gancli.modalities.image.mirror import may_be_mirrored
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.image.training import settled

COUNT = 400
SPEC = ImageSpec(16, "RGB", "crop", (), (), COUNT)
OPTIONS = {"g_width": 4, "d_width": 4, "batch": 2, "g_lr": 1e-3, "d_lr": 1e-3}


def pictures(count=COUNT, seed=0, spots=6):
    """Return pictures of colored spots anywhere."""
    rng = np.random.default_rng(seed)
    places = np.arange(16)
    total = np.zeros((count, 16, 16, 3))
    for _ in range(spots):
        x, y = rng.uniform(0, 15, (2, count, 1, 1))
        spot = np.exp(-((places - x) ** 2 + (places[:, None] - y) ** 2) / 8)
        total += spot[..., None] * rng.uniform(0, 1, (count, 1, 1, 3))
    return (255 * total.clip(0, 1)).astype(np.uint8)


def to_the_left(pixels):
    """Return the pictures, those mirrored that are brighter on the right."""
    side = pixels[:, :, :8].sum((1, 2, 3), int) < pixels[:, :, 8:].sum((1, 2, 3), int)
    return np.where(side[:, None, None, None], pixels[:, :, ::-1], pixels)


def data(pixels, labels=None):
    every = np.arange(len(pixels))
    return Dataset({"pixels": pixels}, labels, every, every, "pictures")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [100, COUNT])
def test_a_set_without_a_side_is_mirrored_and_one_that_has_a_side_is_not(seed, count):
    even = pictures(count, seed)
    assert may_be_mirrored(data(even), seed)
    assert not may_be_mirrored(data(to_the_left(even)), seed)


def test_classes_that_are_mirror_images_of_each_other_are_not_mirrored():
    left = to_the_left(pictures())
    labels = np.arange(COUNT, dtype=np.int16) % 2
    facing = np.where(labels[:, None, None, None] == 1, left[:, :, ::-1], left)
    assert may_be_mirrored(data(facing), 0)
    assert not may_be_mirrored(data(facing, labels), 0)
    assert may_be_mirrored(data(pictures(), labels), 0)
    # Of so few pictures of each class nothing can be told.
    assert may_be_mirrored(data(facing, np.arange(COUNT, dtype=np.int16) // 8), 0)


def test_too_few_pictures_are_not_mirrored_and_equal_ones_may_be():
    assert not may_be_mirrored(data(pictures(99)), 0)
    one = pictures(1)
    assert not may_be_mirrored(data(to_the_left(one).repeat(COUNT, 0)), 0)
    assert may_be_mirrored(data(np.full((COUNT, 16, 16, 3), 7, np.uint8)), 0)


def test_it_is_chosen_as_training_starts_and_said_where_it_is_done():
    def chosen(dataset, **options):
        return settled(SPEC, ImageConfig(**OPTIONS, **options), dataset, lambda *_: None)

    config, sentences = chosen(data(pictures()))
    assert config.mirror is True and sentences == [
        "Mirroring: half of the pictures, since mirror images are like them (--no-mirror)."
    ]
    assert chosen(data(to_the_left(pictures()))) == (replace(config, mirror=False), [])
    for asked in (True, False):
        assert chosen(data(pictures()), mirror=asked) == (replace(config, mirror=asked), [])
    config, sentences = chosen(None)
    assert config.mirror is None and "--mirror" in sentences[0]


def test_published_recipes_do_not_mirror():
    image = get("image")
    for preset in PRESETS:
        config, _ = resolve(
            image.config_type, command_line={"preset": preset}, presets=image.presets
        )
        assert config.mirror is (None if preset == "relativistic" else False)
