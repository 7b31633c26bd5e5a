"""Features from patches: the convolutions give what the definition says."""

import pytest
import torch

from gancli.metrics.patches import PatchFeatures


def images(count, channels, side, seed=0):
    return torch.rand((count, channels, side, side), generator=torch.manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize(("channels", "side"), [(1, 16), (3, 28), (4, 32)])
def test_features_are_thresholded_responses_of_normalized_patches(channels, side):
    features = PatchFeatures(images(20, channels, side))
    new = images(3, channels, side, seed=1)
    found = features(new)
    part, stride = side // 4, max(1, round(side / 16))
    patches = new.unfold(2, part, stride).unfold(3, part, stride)  # n, c, rows, columns, h, w
    patches = patches.permute(0, 2, 3, 1, 4, 5).flatten(3)
    patches = patches - patches.mean(3, keepdim=True)
    patches = patches / (patches.var(3, keepdim=True) + (10 / 127.5) ** 2).sqrt()
    responses = patches @ features._kernels.flatten(1).T - features._offset
    maps = torch.cat([responses, -responses], 3).sub(0.5).clamp_min(0).permute(0, 3, 1, 2)
    expected = torch.nn.functional.adaptive_avg_pool2d(maps, 2).flatten(1)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=2e-4)


def test_patches_are_white_to_the_filters():
    # Neighboring pixels are alike; a filter must not answer to that.
    smooth = torch.nn.functional.avg_pool2d(images(400, 1, 18), 3, 1)
    kernels = PatchFeatures(smooth)._kernels.flatten(1)
    patches = smooth.unfold(2, 4, 4).unfold(3, 4, 4).flatten(0, 3).flatten(1)
    raw = torch.linalg.eigvalsh(torch.cov(patches.T))
    energy = (kernels @ torch.cov(patches.T) * kernels).sum(1)
    assert raw[-1] / raw[-4] > 2  # the patches themselves are not white
    assert energy.max() / energy.min() < 4


def test_contrast_and_brightness_hardly_count():
    given = images(30, 1, 16)
    features = PatchFeatures(given)
    assert torch.allclose(features(given), features(given * 0.5 + 0.3), atol=0.05)


def test_images_without_any_patch_are_no_problem():
    flat = torch.full((2, 3, 16, 16), 0.4)
    assert bool(PatchFeatures(flat)(flat).isfinite().all())
