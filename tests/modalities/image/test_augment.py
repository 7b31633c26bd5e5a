"""Augmentations: bounded, differentiable, random by their generator alone."""

import numpy as np
import pytest
import torch
from helpers import whole

from gancli.data.dataset import Dataset
from gancli.errors import UsageError
from gancli.modalities.image.augment import Augment, color, cutout, translation
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.image.training import Prepare, augmentations, phases
from gancli.phases.base import Batch


@pytest.mark.parametrize("change", [color, translation, cutout])
@pytest.mark.parametrize("depth", [1, 3, 4])
def test_shape_gradient_and_randomness(change, depth):
    x = torch.rand(6, depth, 16, 16).requires_grad_()
    y = change(x, whole(6))
    assert y.shape == x.shape and not torch.equal(y, x)
    y.sum().backward()
    assert x.grad.abs().sum() > 0
    assert torch.equal(change(x, whole(6)), y) and not torch.equal(change(x, whole(6, 1)), y)


def test_translation_moves_by_at_most_an_eighth_and_repeats_the_edge():
    x = torch.zeros(200, 1, 16, 16)
    x[:, :, 8, 8] = 1
    y = translation(x, whole(200))
    places = y.nonzero()
    assert len(places) == 200 and (y.sum((1, 2, 3)) == 1).all()
    moves = places[:, 2:] - 8
    assert moves.min() == -2 and moves.max() == 2
    edge = torch.zeros(200, 1, 16, 16)
    edge[:, :, 0] = 1
    rows = translation(edge, whole(200))[:, 0, :, 0].sum(1)
    assert rows.min() == 0 and rows.max() == 3
    ones = torch.ones(200, 1, 16, 16)
    assert torch.equal(translation(ones, whole(200)), ones)


@pytest.mark.parametrize(("side", "most"), [(24, 2), (28, 2), (32, 4), (64, 8)])
def test_most_shifts_keep_odd_and_even_pixels_apart(side, most):
    x = torch.zeros(4000, 1, side, side)
    x[:, :, side // 2, side // 2] = 1
    moves = translation(x, whole(4000)).nonzero()[:, 2:] - side // 2
    assert moves.min() == -most and moves.max() == most <= side / 8
    assert (moves % 2 == 1).float().mean(0).tolist() == pytest.approx([0.25, 0.25], abs=0.03)
    assert moves.float().mean(0).tolist() == pytest.approx([0, 0], abs=0.2)


def test_cutout_zeroes_a_square_of_half_the_side_or_what_is_left_of_it():
    y = cutout(torch.ones(300, 2, 16, 16), whole(300))
    holes = (y[:, 0] == 0).sum((1, 2))
    assert holes.max() == 81 and holes.min() < 40  # 9 x 9 with its center
    assert torch.equal(y[:, 0], y[:, 1])


def test_color_keeps_the_picture():
    x = torch.rand(8, 3, 16, 16)
    y = color(x, whole(8))
    for a, b in zip(x.flatten(1), y.flatten(1), strict=True):
        assert torch.corrcoef(torch.stack([a, b]))[0, 1] > 0.5


def test_auto_always_shifts_in_color_and_does_the_rest_where_overfitting_can_be_seen():
    def chosen(choice, in_color=True, guarded=True):
        return augmentations(choice, in_color=in_color, guarded=guarded)

    everything = ["color", "translation", "cutout"]
    assert chosen("auto") == (["translation"], ["color", "cutout"])
    assert chosen("auto", in_color=False) == ([], everything)
    assert chosen("auto", guarded=False) == (everything, []) == chosen("all")
    assert chosen("none") == ([], [])
    assert chosen("translation,color", in_color=False) == (["translation", "color"], [])
    with pytest.raises(UsageError, match="colour"):
        ImageConfig(augment="translation,colour")
    assert Augment([])(torch.ones(1), whole(1)).item() == 1


def test_prepare_scales_and_mirrors_half():
    pixels = torch.zeros(400, 4, 4, 1, dtype=torch.uint8)
    pixels[:, :, 0] = 255
    plain = Prepare(False)(Batch({"pixels": pixels}, None), whole(400))
    assert plain.shape == (400, 1, 4, 4) and plain[0, 0, 0].tolist() == [1, -1, -1, -1]
    mirrored = Prepare(True)(Batch({"pixels": pixels}, None), whole(400))
    share = (mirrored[:, 0, 0, 0] == -1).float().mean().item()
    assert 0.4 < share < 0.6


@pytest.mark.parametrize(("channels", "depth"), [("L", 1), ("RGB", 3)])
def test_a_phase_shifts_color_pictures_alone(channels, depth):
    spec = ImageSpec(16, channels, "crop", (), (), 40)
    dataset = Dataset({}, None, np.arange(30), np.arange(30, 40), "pictures")
    phase = phases(spec, ImageConfig(g_width=4, d_width=4, g_lr=1e-3, d_lr=1e-3), dataset)[0]
    x = torch.rand(8, depth, 16, 16)
    assert torch.equal(phase.augment(x, whole(8)), x) == (channels == "L")
    assert not torch.equal(phase.augment_more(x, whole(8)), x)
