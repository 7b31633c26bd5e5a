"""One scale of numbers for a whole set of pictures."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Recorder
from PIL import Image

from gancli.data.source import open_source
from gancli.errors import UsageError
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.dataset import load
from gancli.modalities.image.inspect import inspect
from gancli.modalities.image.levels import Levels, find_ranges, nominal, parse_range, to_uint8
from gancli.modalities.image.spec import Ranges

RAMP = np.linspace(0, 1, 256).reshape(16, 16)
Number = type[np.uint8] | type[np.uint16] | type[np.int32] | type[np.float32]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))


def write(folder: Path, arrays: list[np.ndarray]) -> str:
    folder.mkdir()
    for index, array in enumerate(arrays):
        out = io.BytesIO()
        Image.fromarray(array).save(out, "TIFF")
        (folder / f"{index:02}.tif").write_bytes(out.getvalue())
    return str(folder)


def run(path: str, **values: Any) -> tuple[np.ndarray, str, Recorder]:
    source, reporter, config = open_source(path), Recorder(), ImageConfig(**values)
    spec, why = inspect(source, config)
    dataset = load(source, spec, config, reporter)
    sentence = next((each for each in why if each.startswith("Range")), "")
    return dataset.arrays["pixels"][..., 0].astype(int), sentence, reporter


def ramps(number: Number, low: float, high: float, count: int = 20) -> list[np.ndarray]:
    """Return pictures that are all of them ramps from one number to the other."""
    ramp = low + RAMP * (high - low)
    ramp = ramp if number is np.float32 else np.rint(ramp)
    return [np.roll(ramp, index, 0).astype(number) for index in range(count)]


@pytest.mark.parametrize(
    ("number", "low", "high", "said"),
    [
        (np.uint16, 0, 4095, "0..4,095"), (np.uint16, 0, 65535, "0..65,535"),
        (np.uint16, 0, 1023, "0..1,023"), (np.uint16, 0, 255, "0..255"),
        (np.int32, 0, 255, "0..255"), (np.int32, -1024, 3071, "-1,024..3,071"),
        (np.int32, 0, 2**31 - 1, "0..2,147,483,647"), (np.uint16, 30000, 31000, "30,000..31,000"),
        (np.float32, 0, 1.004, "0..1"), (np.float32, -1, 1, "-1..1"),
        (np.float32, 0, 255, "0..255"), (np.float32, 0, 65535, "0..65,535"),
        (np.float32, -1e-9, 1, "0..1"),
        (np.float32, 250, 310, "250..310"), (np.float32, 0, 0.25, "0..0.25"),
    ],
)
def test_a_set_is_scaled_from_black_to_white(
    tmp_path: Path, number: Number, low: float, high: float, said: str
) -> None:
    pixels, sentence, reporter = run(write(tmp_path / "x", ramps(number, low, high)))
    assert f"Range: {said} from black to white" in sentence and "--range" in sentence
    assert np.abs(pixels[0] - np.arange(256).reshape(16, 16)).max() <= 2
    assert reporter.warnings == []


def test_pictures_of_one_set_keep_their_proportions(tmp_path: Path) -> None:
    arrays = ramps(np.uint16, 0, 4095)
    arrays[7] = arrays[7] // 4  # on its own it would look like 10 bits
    pixels, _, _ = run(write(tmp_path / "x", arrays))
    assert pixels[7].max() == 64 and pixels[6].max() == 255


@pytest.mark.parametrize(("number", "high"), [(np.uint16, 4095), (np.float32, 1)])
def test_one_odd_picture_does_not_decide(tmp_path: Path, number: Number, high: float) -> None:
    arrays = ramps(number, 0, high)
    arrays[7][0, 0] = 60000
    pixels, sentence, reporter = run(write(tmp_path / "x", arrays))
    assert f"Range: 0..{high:,}" in sentence and "most of the 20" in sentence
    assert pixels[6].max() == pixels[7, 0, 0] == 255 and pixels[7, 8:, :].mean() > 60
    (warning,) = reporter.warnings
    assert "beyond the range are clipped in 1 picture: '07.tif' (--range)" in warning


def test_pictures_on_another_scale_than_most_are_named(tmp_path: Path) -> None:
    arrays = ramps(np.float32, 0, 255, 12) + ramps(np.float32, 0, 1, 8)
    _, sentence, reporter = run(write(tmp_path / "x", arrays))
    assert "0..255" in sentence
    (warning,) = reporter.warnings
    assert "8 pictures: '12.tif', '13.tif', '14.tif', ..." in warning and "sixteenth" in warning


def test_numbers_that_are_none_are_told(tmp_path: Path) -> None:
    arrays = ramps(np.float32, 0, 1)
    arrays[3][5, 5] = np.nan
    pixels, _, reporter = run(write(tmp_path / "x", arrays))
    assert len(pixels) == 20 and pixels[3, 5, 5] == 0 and pixels[3, 5, 6] > 0
    assert any("not finite are black in 1 picture: '03.tif'" in note for note in reporter.notes)


def test_the_range_as_requested(tmp_path: Path) -> None:
    path = write(tmp_path / "x", ramps(np.uint16, 0, 4095))
    pixels, sentence, _ = run(path, range="0:8190")
    assert "Range: 0..8,190, as requested." in sentence and pixels.max() == 128
    pixels, _, reporter = run(path, range="1000:2000")
    assert pixels.min() == 0 and pixels.max() == 255 and reporter.warnings == []
    assert any("clipped in 20 pictures" in note for note in reporter.notes)
    for wrong in ("4095", "5:5", "9:1", "a:b", "0:nan", "0:1e99", "", "0:1:2"):
        with pytest.raises(UsageError, match="range cannot be"):
            run(path, range=wrong)


def test_eight_bits_are_stretched_only_on_request(tmp_path: Path) -> None:
    path = write(tmp_path / "x", ramps(np.uint8, 0, 15))
    pixels, sentence, reporter = run(path)
    assert pixels.max() == 15 and sentence == ""
    (warning,) = reporter.warnings
    assert "little of the range 0..255" in warning and "--range 0:15 would" in warning
    pixels, _, reporter = run(path, range="0:15")
    assert pixels.max() == 255 and reporter.warnings == []


def test_hot_pixels_of_every_picture_are_told(tmp_path: Path) -> None:
    arrays = [np.kron(array, np.ones((4, 4), np.uint16)) for array in ramps(np.uint16, 0, 4095)]
    for array in arrays:
        array[0, 0] = 65535
    _, sentence, reporter = run(write(tmp_path / "x", arrays))
    assert "0..65,535" in sentence and "--range 0:4095 would" in reporter.warnings[0]


def test_a_request_among_pictures_of_eight_bits_is_for_the_others() -> None:
    eight, deep = Levels("eight_bit", 0, 255, True), Levels("integer", 0, 4095, True)
    ranges, sentences = find_ranges([eight, deep], (0, 4095))
    assert ranges == Ranges((0, 255), (0, 4095), (0, 4095)) and "8 bits keep 0..255" in sentences[0]
    assert find_ranges([eight], (0, 15))[0].eight_bit == (0, 15)
    assert find_ranges([eight] * 9 + [deep], (0, 15))[0] == Ranges((0, 15), (0, 15), (0, 15))
    assert find_ranges([eight], None) == (Ranges(), [])
    assert find_ranges([eight, deep], None)[0] == Ranges(integer=(0, 4095))


def test_nominal_ranges() -> None:
    assert nominal([0], [4100], True) == (0, 4095)  # overshoot
    assert nominal([0], [4200], True) == (0, 8191)
    assert nominal([0], [1], True) == (0, 1)
    assert nominal([5, 3], [3, 9], True) == (0, 15)
    assert nominal([7], [7], True) == (0, 7)
    assert nominal([0], [300], False) == (0, 300)
    assert nominal([-0.5], [0.9], False) == (-1, 1)
    assert nominal([0], [1.03], False) == (0, 1.03)
    assert nominal([-0.5], [255.5], False) == (0, 255)
    assert nominal([-40], [400], True) == (-40, 400)
    assert nominal([-40], [4000], True) == (0, 4095)
    assert nominal([-40], [-40], True) == (-40, -39)


def test_parse_range() -> None:
    assert parse_range("auto") is None
    assert parse_range("0:4095") == (0, 4095)
    assert parse_range(" -1024 : 3071.5") == (-1024, 3071.5)
    assert parse_range("0..1e-3") == (0, 0.001)
    assert parse_range("-1,1") == (-1, 1)


def test_scaling_in_blocks_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    monkeypatch.setattr("gancli.modalities.image.levels._BLOCK", 1000)
    assert np.array_equal(to_uint8(values, 0, 65535), np.rint(values / 257).astype(np.uint8))
