"""From folders and archives to a spec and a dataset."""

import dataclasses
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Recorder
from PIL import Image

from gancli.data import cache
from gancli.data.dataset import Dataset
from gancli.data.source import open_source
from gancli.errors import GancliError, UsageError
from gancli.modalities.image import dataset as image_data
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.dataset import load
from gancli.modalities.image.inspect import inspect
from gancli.modalities.image.spec import ImageSpec, Ranges


@pytest.fixture(autouse=True)
def decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Use a cache for this test alone and count the calls of decode."""
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    calls: list[int] = []
    decode = image_data.decode

    def counting(*args: Any) -> Any:
        calls.append(1)
        return decode(*args)

    monkeypatch.setattr(image_data, "decode", counting)
    return calls


def png(value: int, shape: tuple[int, ...] = (20, 20)) -> bytes:
    """Return a picture of one value, but for its last rows, which are black and white."""
    pixels = np.full(shape, value, np.uint8)
    pixels[-2], pixels[-1] = 0, 255
    return _png_of(pixels)


def write(folder: Path, files: dict[str, bytes]) -> str:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return str(folder)


def greys(count: int, folder: str = "") -> dict[str, bytes]:
    return {f"{folder}{index:03}.png": png(index) for index in range(count)}


def run(path: str, **values: Any) -> tuple[ImageSpec, Dataset, Recorder]:
    source, reporter = open_source(path), Recorder()
    spec, _ = inspect(source, ImageConfig(**values))
    return spec, load(source, spec, ImageConfig(**values), reporter), reporter


def test_spec_of_grey_pictures_in_classes(tmp_path: Path) -> None:
    path = write(tmp_path / "x", {**greys(7, "set/b2/"), **greys(5, "set/b10/")})
    spec, why = inspect(open_source(path), ImageConfig())
    assert spec == ImageSpec(20, "L", "crop", ("b2", "b10"), (7, 5), 12)
    assert spec.depth == 1
    assert len(why) == 3 and "all 12 pictures" in why[1] and "20" in why[0]


def test_channels_are_found(tmp_path: Path) -> None:
    equal = {"a.png": png(7, (20, 20, 3))}
    color = {"b.png": _png_of(np.eye(20, dtype=np.uint8)[..., None] * [9, 5, 1])}
    clear = {"c.png": _png_of(np.full((20, 20, 4), 100, np.uint8))}
    modes = []
    for number, files in enumerate((equal, equal | color, equal | color | clear)):
        path = write(tmp_path / str(number), files)
        modes.append(inspect(open_source(path), ImageConfig())[0].channels)
    assert modes == ["L", "RGB", "RGBA"]
    assert inspect(open_source(path), ImageConfig(channels="L"))[0].channels == "L"


def test_a_few_odd_pictures_do_not_decide_the_channels(tmp_path: Path) -> None:
    color = _png_of(np.arange(400).reshape(20, 20, 1) % 256 * [1, 0.5, 0])
    clear = _png_of(np.full((20, 20, 4), [90, 50, 10, 100]))
    mostly_color = {f"{index:02}.png": color for index in range(18)}
    mostly_grey = {f"{index:02}.png": png(index) for index in range(18)}
    odd = {"x.png": clear, "y.png": clear}
    for files, channels in ((mostly_color, "RGB"), (mostly_grey, "L")):
        path = write(tmp_path / channels, {**files, **odd})
        _, why = inspect(open_source(path), ImageConfig())
        spec, _, reporter = run(path)
        assert spec.channels == channels
        assert "2 ('x.png', 'y.png') have transparent pixels" in why[1]
        assert "--channels RGBA" in why[1]
        assert any(
            "Transparent pixels are white in 2 pictures: 'x.png', 'y.png'" in note
            for note in reporter.notes
        )
    assert "2 ('x.png', 'y.png') are in color and will be gray (--channels RGB keeps it)" in why[1]
    assert any("Color is lost in 2 pictures" in note for note in reporter.notes)
    # As many as one in nine are no oddity.
    (tmp_path / "L" / "00.png").unlink()
    (tmp_path / "L" / "01.png").unlink()
    spec, _, reporter = run(path)
    assert spec.channels == "RGBA" and not any("white" in note for note in reporter.notes)
    # Who asks for channels knows what becomes of the others.
    assert not any("lost" in note for note in run(path, channels="L")[2].notes)


def _png_of(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("side", "size"), [(5, 16), (28, 28), (30, 32), (33, 32), (64, 64), (300, 64)]
)
def test_size_is_found(tmp_path: Path, side: int, size: int) -> None:
    path = write(tmp_path / "x", {"a.png": png(1, (side, side + 9)), "b.png": png(2, (side, 400))})
    spec, why = inspect(open_source(path), ImageConfig())
    assert spec.size == size
    assert ("slow" in why[0]) == (side > 66)


def test_size_as_requested(tmp_path: Path) -> None:
    path = write(tmp_path / "x", greys(2))
    assert inspect(open_source(path), ImageConfig(size=48))[0].size == 48
    for size in (18, 12, 260):
        with pytest.raises(UsageError, match="size"):
            inspect(open_source(path), ImageConfig(size=size))


@pytest.mark.parametrize(("options", "words"), [
    ({"d_norm": "batch"}, "--r1 0 --r2 0, or use --d-norm layer"),
    ({"d_norm": "batch", "r1": 0.0, "r2": 0.0, "gp": 10.0}, "--gp 0, or use --d-norm layer"),
    ({"d_norm": "batch", "r1": 0.0, "r2": 0.0}, None),
    ({"d_norm": "layer"}, None),
])
def test_penalties_beside_batch_norm_are_told(pictures, options, words):
    _, sentences = inspect(open_source(str(pictures)), ImageConfig(**options))
    told = [text for text in sentences if text.startswith("Penalties")]
    assert [words in text for text in told] == ([True] if words else [])


def test_pixels_labels_and_split(tmp_path: Path) -> None:
    path = write(tmp_path / "x", {**greys(30, "a/"), **greys(20, "b/")})
    spec, dataset, reporter = run(path, holdout=0.2)
    assert dataset.arrays["pixels"].shape == (50, 20, 20, 1)
    assert dataset.arrays["pixels"][:, 0, 0, 0].tolist() == [*range(30), *range(20)]
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [0] * 30 + [1] * 20
    assert len(dataset.held_out) == 10
    assert sorted([*dataset.train, *dataset.held_out]) == list(range(50))
    assert reporter.warnings == [] and [done for _, done, _ in reporter.progressed] == [50]


def test_packing_changes_nothing(tmp_path: Path) -> None:
    files = {**greys(8, "a/"), **greys(8, "b/"), "b/broken.png": b"no"}
    folder = write(tmp_path / "folder", files)
    backwards = sorted(files, reverse=True)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as zipped:
        for name in backwards:
            zipped.writestr(name, files[name])
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as tar:
        for name in backwards:
            tar.add(tmp_path / "folder" / name, name)
    _, expected, _ = run(folder)
    for path in ("x.zip", "x.tgz"):
        _, dataset, _ = run(str(tmp_path / path))
        assert np.array_equal(dataset.arrays["pixels"], expected.arrays["pixels"])
        assert dataset.fingerprint == expected.fingerprint


def test_the_fingerprint_changes_with_pixels_and_names(tmp_path: Path) -> None:
    prints = {run(write(tmp_path / "a", greys(3)))[1].fingerprint}
    prints.add(run(write(tmp_path / "b", {**greys(3), "002.png": png(9)}))[1].fingerprint)
    prints.add(run(write(tmp_path / "c", {**greys(2), "x.png": png(2)}))[1].fingerprint)
    assert len(prints) == 3


def test_the_second_load_decodes_nothing(tmp_path: Path, decoded: list[int]) -> None:
    path = write(tmp_path / "x", {**greys(30), "000b.png": b"broken", "README.txt": b"hi"})
    _, first, reporter = run(path)
    assert len(decoded) == 31
    _, second, again = run(path)
    assert len(decoded) == 31
    assert np.array_equal(first.arrays["pixels"], second.arrays["pixels"])
    assert first.fingerprint == second.fingerprint
    assert reporter.warnings == again.warnings and len(again.warnings) == 1
    with pytest.raises(GancliError, match="000b"):
        run(path, strict=True)
    # Another size is another entry; so is a file that was written again.
    run(path, size=32)
    assert len(decoded) == 62
    os.utime(tmp_path / "x" / "001.png", (1, 1))
    run(path)
    assert len(decoded) == 93


def test_a_zip_packed_again_with_the_same_dates_is_decoded_again(
    tmp_path: Path, decoded: list[int]
) -> None:
    path = tmp_path / "x.zip"
    for number, value in enumerate((1, 2)):
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("a.bmp", "b.bmp"):
                picture = io.BytesIO()  # of the same length for every value
                Image.new("L", (20, 20), value).save(picture, "BMP")
                archive.writestr(zipfile.ZipInfo(name), picture.getvalue())
        os.utime(path, (number, number))
        _, dataset, _ = run(str(path))
        assert (dataset.arrays["pixels"] == value).all()


def test_a_corrupt_cache_is_rebuilt(tmp_path: Path, decoded: list[int]) -> None:
    path = write(tmp_path / "x", greys(5))
    _, first, _ = run(path)
    (pixels,) = (tmp_path / "cache").glob("*/items.bin")
    pixels.write_bytes(b"\xee" * pixels.stat().st_size)
    _, second, _ = run(path)
    assert np.array_equal(first.arrays["pixels"], second.arrays["pixels"]) and len(decoded) == 10
    run(path)
    assert len(decoded) == 10


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"in the way")
    _, dataset, reporter = run(write(tmp_path / "x", greys(5)))
    assert dataset.arrays["pixels"].shape == (5, 20, 20, 1)
    assert len(reporter.warnings) == 1 and "cache" in reporter.warnings[0]


def test_data_larger_than_memory_is_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x", {**greys(30), "0.png": b"broken"})
    _, expected, _ = run(path)
    monkeypatch.setattr(cache, "memory_limit", lambda: 100)
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache2"))
    for _ in range(2):
        _, dataset, _ = run(path)
        assert isinstance(dataset.arrays["pixels"], np.memmap)
        assert dataset.fingerprint == expected.fingerprint


def test_broken_files_are_skipped_and_named(tmp_path: Path) -> None:
    broken = {"a/bad\n.png": b"", "a/cut.png": png(1)[:40], "a/text.jpg": b"hello"}
    files = {**greys(9, "a/"), **greys(9, "b/"), **broken}
    _, dataset, reporter = run(write(tmp_path / "x", files))
    assert len(dataset.arrays["pixels"]) == 18
    assert dataset.labels is not None and dataset.labels.tolist() == [0] * 9 + [1] * 9
    (warning,) = reporter.warnings
    assert "3 of 21" in warning and "'a/bad\\n.png'" in warning and "\n" not in warning
    with pytest.raises(GancliError, match="cannot be used"):
        run(str(tmp_path / "x"), strict=True)


def test_more_than_half_bad(tmp_path: Path) -> None:
    path = write(tmp_path / "x", {**greys(3), **{f"bad{index}.png": b"x" for index in range(4)}})
    with pytest.raises(GancliError, match="4 of 7.*bad0.*bad1.*bad2"):
        inspect(open_source(path), ImageConfig())
    spec = ImageSpec(20, "L", "crop", (), (), 7)
    with pytest.raises(GancliError, match="4 of 7"):
        load(open_source(path), spec, ImageConfig(), Recorder())
    assert not list((tmp_path / "cache").glob("*"))
    (tmp_path / "x" / "bad0.png").unlink()
    assert len(run(path)[1].train) == 3


def test_no_pictures_one_and_identical_ones(tmp_path: Path) -> None:
    with pytest.raises(GancliError, match="no pictures") as caught:
        run(write(tmp_path / "none", {"README.txt": b"x", "odd": b"y"}))
    assert ".png" in caught.value.hint
    (tmp_path / "empty").mkdir()
    with pytest.raises(GancliError, match="no pictures"):
        run(str(tmp_path / "empty"))
    with pytest.raises(GancliError, match="single picture"):
        run(write(tmp_path / "one", greys(1)))
    _, dataset, reporter = run(write(tmp_path / "same", {f"{i}.png": png(3) for i in range(4)}))
    assert len(dataset.train) == 4 and "identical" in reporter.warnings[0]


def test_other_files_are_counted(tmp_path: Path) -> None:
    other = {"README.txt": b"x", "meta.json": b"{}", "sound.wav": b"x", "data.bin": b"x"}
    files = {**greys(3), **other, "no-suffix": png(100), "photo.jpg_large": png(101)}
    _, dataset, reporter = run(write(tmp_path / "x", files))
    assert dataset.arrays["pixels"][:, 0, 0, 0].tolist() == [0, 1, 2, 100, 101]
    assert any("4 files" in note for note in reporter.notes)


def test_few_pictures_hold_nothing_out(tmp_path: Path) -> None:
    _, dataset, reporter = run(write(tmp_path / "x", greys(19)))
    assert dataset.train.tolist() == dataset.held_out.tolist() == list(range(19))
    assert any("held out" in note for note in reporter.notes)


def test_classes_of_a_model_on_other_data(tmp_path: Path) -> None:
    spec = ImageSpec(20, "L", "crop", ("a", "b"), (9, 9), 18)
    flat, reporter = write(tmp_path / "flat", greys(3)), Recorder()
    assert load(open_source(flat), spec, ImageConfig(), reporter).labels is None
    assert "class" in reporter.warnings[0]
    one_class = open_source(write(tmp_path / "partial", greys(3, "b/")))
    partial = load(one_class, spec, ImageConfig(), Recorder())
    assert partial.labels is not None and partial.labels.tolist() == [1, 1, 1]
    with pytest.raises(UsageError, match="'c'"):
        other = write(tmp_path / "other", {**greys(3, "b/"), **greys(3, "c/")})
        load(open_source(other), spec, ImageConfig(), Recorder())


def test_spec_from_table() -> None:
    ranges = Ranges(integer=(-1024, 3071), floating=(-1, 1))
    spec = ImageSpec(32, "RGB", "pad", ("a", "b"), (1, 2), 3, ranges)
    table = json.loads(json.dumps(dataclasses.asdict(spec)))
    assert ImageSpec.from_table(table) == spec
    bad: list[dict[str, Any]] = [
        {"size": 30}, {"size": 12}, {"size": 260}, {"size": 32.0}, {"size": True}, {"size": "32"},
        {"channels": "CMYK"}, {"channels": ["L"]}, {"channels": None}, {"fit": "zoom"},
        {"fit": []}, {"classes": "ab"}, {"classes": ["a", "a"]}, {"classes": ["a", 1]},
        {"classes": ["a", "b" * 256]}, {"classes": ["a", ""]},
        {"classes": [str(i) for i in range(1001)], "class_counts": [0] * 1001},
        {"class_counts": [1]}, {"class_counts": [1, -1]}, {"class_counts": [1, 2.5]},
        {"class_counts": [1, True]}, {"count": 10**13}, {"count": None}, {"extra": 1},
        {"ranges": None}, {"ranges": {}}, {"ranges": {**table["ranges"], "extra": [0, 1]}},
    ]
    bad += [
        {"ranges": {**table["ranges"], "integer": pair}}
        for pair in ([1], [1, 1], [0, "1"], [False, 1], [0, float("nan")], [0, 1e39], None)
    ]
    for change in bad:
        with pytest.raises(GancliError, match="damaged"):
            ImageSpec.from_table({**table, **change})
    for name in table:
        rest = {key: value for key, value in table.items() if key != name}
        if name == "ranges":  # of an older model or run
            assert ImageSpec.from_table(rest).ranges == Ranges((0, 255), (0, 65535), (0, 1))
            continue
        with pytest.raises(GancliError):
            ImageSpec.from_table(rest)
