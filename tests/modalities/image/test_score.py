"""The monitor's score orders known cases and leaves the global random state alone."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from gancli.metrics.memorization import NEAR_TRAINING
from gancli.modalities.image.score import ImageScorer

_CLASSES = 6
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def _draw(rng: np.random.Generator, shape: int, size: int, channels: int) -> np.ndarray:
    """Return a picture (size, size, channels) of a shape, drawn large and averaged down."""
    big = 4 * size
    back = (0, 0, 0, 0) if channels == 4 else tuple(rng.integers(0, 60, channels).tolist())
    ink = (*rng.integers(120, 256, min(channels, 3)).tolist(), 255)[:channels]
    picture = Image.new(_MODES[channels], (big, big), back if channels > 1 else back[0])
    pen = ImageDraw.Draw(picture)
    fill = ink if channels > 1 else ink[0]
    x, y = rng.uniform(0.1, 0.25, 2) * big
    side = rng.uniform(0.5, 0.65) * big
    box = (x, y, x + side, y + side)
    if shape == 0:
        pen.rectangle(box, fill=fill)
    elif shape == 1:
        pen.ellipse(box, fill=fill)
    elif shape == 2:
        pen.polygon([(x, y + side), (x + side / 2, y), (x + side, y + side)], fill=fill)
    elif shape == 3:
        pen.ellipse(box, outline=fill, width=size // 4)
    elif shape == 4:
        for part in range(3):
            top = y + part * side / 3
            pen.rectangle((x, top, x + side, top + side / 6), fill=fill)
    else:
        pen.line((x, y, x + side, y + side), fill=fill, width=size // 2)
        pen.line((x + side, y, x, y + side), fill=fill, width=size // 2)
    pixels = np.asarray(picture.resize((size, size), Image.Resampling.BOX))
    return pixels.reshape(size, size, channels)


def _pictures(seed: int, count: int, size: int, channels: int, classes: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([_draw(rng, i % classes, size, channels) for i in range(count)])


def _tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).float() / 127.5 - 1


def _blurred(pixels: np.ndarray) -> np.ndarray:
    """Return the pictures mixed with a [1 2 1]/4 blur (sigma 0.7 pixels), half of it at 32."""
    fraction = pixels.shape[1] / 64  # a pixel is a larger part of a small picture
    x = pixels.astype(np.float64)
    for axis in (1, 2):
        x = (np.roll(x, 1, axis) + 2 * x + np.roll(x, -1, axis)) / 4
    return (fraction * x + (1 - fraction) * pixels).round().astype(np.uint8)


@pytest.fixture(autouse=True)
def _one_thread() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (32, 1), (16, 3), (32, 3), (32, 4)])
def test_orders_known_cases(size: int, channels: int) -> None:
    pictures = _pictures(0, 1800, size, channels, _CLASSES)
    scorer = ImageScorer(pictures[:600], pictures[600:1200], seed=0, samples=600)
    other = pictures[1200:]
    noise = np.random.default_rng(1).integers(0, 256, other.shape, dtype=np.uint8)
    cases = {
        "real": other,
        "blurred": _blurred(other),
        "a class missing": _pictures(2, 600, size, channels, _CLASSES - 1),
        "one repeated": other[:1].repeat(600, axis=0),
        "noise": noise,
    }
    scores = {name: scorer.score(_tensor(pixels)) for name, pixels in cases.items()}
    assert list(scores) == sorted(scores, key=scores.__getitem__), scores
    assert scores["real"] < 1.5 * scorer.floor
    # What is shown counts, not only how it looks: by looks alone it is less than 3 times at 32 px.
    assert scores["a class missing"] > (3.5 if size == 32 else 1.5) * scores["real"]
    assert 80 < scores["one repeated"] < 400
    spreads = {name: scorer.diversity(_tensor(pixels)) for name, pixels in cases.items()}
    assert spreads["real"] == pytest.approx(1, abs=0.05)
    assert spreads["one repeated"] == pytest.approx(0, abs=1e-3)


def test_the_order_of_the_images_does_not_matter() -> None:
    pictures = _pictures(0, 900, 16, 1, _CLASSES)
    scorer = ImageScorer(pictures[:300], pictures[300:600], seed=0)
    items = _tensor(pictures[600:])
    shuffled = items[torch.randperm(300, generator=torch.Generator().manual_seed(0))]
    assert scorer.score(shuffled) == pytest.approx(scorer.score(items), rel=1e-4)


def test_the_global_random_state_is_not_touched() -> None:
    pictures = _pictures(0, 60, 16, 1, _CLASSES)
    torch.manual_seed(5)
    np.random.seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1]
    scorer = ImageScorer(pictures[:30], pictures[30:], seed=3)
    result = scorer.score(_tensor(pictures)), scorer.diversity(_tensor(pictures))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    torch.manual_seed(6)  # the features do not depend on the global seed, either
    again = ImageScorer(pictures[:30], pictures[30:], seed=3)
    assert (again.score(_tensor(pictures)), again.diversity(_tensor(pictures))) == result
    assert again.floor == scorer.floor


def test_eight_images_are_enough() -> None:
    pictures = _pictures(0, 8, 16, 3, _CLASSES)
    scorer = ImageScorer(pictures[:7], pictures[7:], seed=0)
    repeated = scorer.score(_tensor(pictures[:1].repeat(8, axis=0)))
    noise = np.random.default_rng(0).integers(0, 256, pictures.shape, dtype=np.uint8)
    assert 0 <= scorer.floor < repeated < scorer.score(_tensor(noise)) < np.inf
    assert scorer.score(_tensor(pictures)) < repeated


@pytest.mark.parametrize("count", [1, 2, 20])
def test_identical_images_give_finite_numbers(count: int) -> None:
    pictures = np.full((count, 16, 16, 1), 77, dtype=np.uint8)
    scorer = ImageScorer(pictures, pictures[:1], seed=0)
    for items in (_tensor(pictures), torch.zeros(1, 1, 16, 16), torch.rand(5, 1, 16, 16)):
        assert np.isfinite([scorer.floor, scorer.score(items), scorer.diversity(items)]).all()
    assert scorer.score(_tensor(pictures)) == pytest.approx(0, abs=1e-3)


def test_broken_images_are_infinitely_far() -> None:
    pictures = _pictures(0, 24, 16, 1, _CLASSES)
    scorer = ImageScorer(pictures[:12], pictures[12:], seed=0)
    for broken in (float("nan"), float("inf")):
        items = _tensor(pictures)
        items[3, 0, 2, 2] = broken
        assert scorer.score(items) == float("inf")
        assert scorer.diversity(items) == 0


def test_colors_under_full_transparency_do_not_count() -> None:
    pictures = _pictures(0, 120, 16, 4, _CLASSES)
    scorer = ImageScorer(pictures[:60], pictures[60:], seed=0)
    hidden = pictures.copy()
    hidden[..., :3][hidden[..., 3] == 0] = 200
    assert scorer.score(_tensor(hidden)) == pytest.approx(scorer.score(_tensor(pictures)))


@pytest.mark.parametrize("size", [20, 28, 100, 256])
def test_any_size_that_is_a_multiple_of_four(size: int) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (24, size, size, 1), dtype=np.uint8)
    scorer = ImageScorer(pictures[:12], pictures[12:], seed=0)
    assert np.isfinite(scorer.score(_tensor(pictures)))


def test_mirrored_copies_are_found_where_mirror_images_are_trained_on() -> None:
    pictures = _pictures(0, 400, 16, 1, _CLASSES)
    copies = _tensor(pictures[:200, :, ::-1])
    shares = [
        ImageScorer(
            pictures[:200], pictures[200:], 0, 200, all_there=True, mirrored=mirrored
        ).notes(copies)[NEAR_TRAINING]
        for mirrored in (True, False)
    ]
    assert shares[0] == 1 and shares[1] < 0.5
