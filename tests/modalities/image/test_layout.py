"""How pictures are laid out and enlarged, and what their files say of where they come from."""

import io
import os
import tarfile
import types

import numpy as np
import pytest
from helpers import Recorder, sample_files, tiny_model, write_samples
from PIL import Image, ImageFont

from gancli.errors import UsageError
from gancli.modalities.image import labels, writers
from gancli.modalities.image.codec import ImageCodec
from gancli.modalities.image.config import ImageConfig, ImageSampleConfig
from gancli.modalities.image.labels import beside, drawable
from gancli.modalities.image.pixels import to_pixels
from gancli.modalities.image.spec import ImageSpec
from gancli.sampling.request import Sample, SampleRequest

SIDE = 16
CLASSES = ("cat", "dog", "bird")


class Noise:
    """Makes noise that follows from the request, and remembers what it was asked for."""

    def __init__(self, channels="RGB"):
        self.depth, self.asked = {"L": 1, "RGB": 3, "RGBA": 4}[channels], []

    def item(self, request):
        place = [request.seed, round(100 * request.fraction), request.label or 0]
        noise = np.random.default_rng(place).uniform(-1, 1, (self.depth, SIDE, SIDE))
        return noise.astype(np.float32)

    def __call__(self, requests):
        self.asked = list(requests)
        for request in requests:
            label = request.seed % 3 if request.label is None else request.label
            yield Sample(request, self.item(request), label, None)


def codec_of(channels="RGB", classes=CLASSES):
    return ImageCodec(
        ImageSpec(SIDE, channels, "crop", classes, (1,) * len(classes), 3), ImageConfig(latent=4)
    )


def run(source, seeds, reporter=None, channels="RGB", classes=CLASSES, **options):
    """Return the picture on stdout, or that in the first file."""
    stdout, options = io.BytesIO(), ImageSampleConfig(**options)
    codec = codec_of(channels, classes)
    files = write_samples(codec, seeds, options, source, reporter, lambda: stdout)
    return Image.open(io.BytesIO(files[0].read_bytes() if files else stdout.getvalue()))


def pixels(image):
    array = np.asarray(image)
    return array if array.ndim == 3 else array[:, :, None]


# Scale


@pytest.mark.parametrize("channels", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize(
    ("seeds", "options"),
    [([7], {}), ([1, 2, 3], {"grid": "plain"}), ([1, 2], {"interpolate": 3}),
     ([1, 2, 3], {"grid": "plain", "format": "webp"})],
)
def test_each_pixel_becomes_a_square(channels, seeds, options):
    small = pixels(run(Noise(channels), seeds, channels=channels, **options))
    large = pixels(run(Noise(channels), seeds, channels=channels, scale=3, **options))
    assert large.shape == (3 * small.shape[0], 3 * small.shape[1], small.shape[2])
    assert np.array_equal(large, np.kron(small, np.ones((3, 3, 1), np.uint8)))


@pytest.mark.parametrize("name", ["out/", "out.tar"])
def test_files_of_their_own_are_enlarged_too(tmp_path, name):
    write_samples(
        codec_of(), [4, 5], ImageSampleConfig(output=f"{tmp_path}/{name}", scale=4), Noise()
    )
    if name.endswith("/"):
        found = [path.read_bytes() for path in sorted((tmp_path / name).iterdir())]
    else:
        with tarfile.open(tmp_path / name) as tar:
            found = [tar.extractfile(member).read() for member in tar]
    assert [Image.open(io.BytesIO(data)).size for data in found] == [(4 * SIDE, 4 * SIDE)] * 2


@pytest.mark.parametrize("form", ["gif", "webp"])
def test_an_animation_has_a_useful_size_and_says_so(tmp_path, form):
    ear = Recorder()
    image = run(Noise(), [1, 2], ear, interpolate=2, output=f"{tmp_path}/a.{form}")
    assert (image.size, image.n_frames) == ((256, 256), 4)
    assert ear.notes == [
        "The animation is enlarged 16 times, to 256 x 256 pixels; --scale changes it."
    ]
    first = pixels(image.convert("RGB"))[::16, ::16].astype(int)
    wanted = to_pixels(Noise().item(SampleRequest(1))[None])[0]
    assert np.abs(first - wanted).max() <= (0 if form == "webp" else 40)  # a GIF has 256 colors
    again = Recorder()
    image = run(Noise(), [1, 2], again, interpolate=2, output=f"{tmp_path}/b.{form}", scale=2)
    assert image.size == (32, 32) and again.notes == []


def test_a_long_animation_is_enlarged_less(tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "MAX_PIXELS", 4 * (5 * SIDE) ** 2)
    image = run(Noise(), [1, 2], interpolate=2, output=f"{tmp_path}/a.gif")
    assert image.size == (5 * SIDE, 5 * SIDE)
    assert writers.moving_scale(300, 10) == 1


@pytest.mark.parametrize(
    ("options", "size"),
    [({"scale": 64, "format": "webp", "grid": "plain"}, "17,408 x 17,408"),
     ({"scale": 64, "interpolate": 100}, "103,424 x 1,024")],
)
def test_what_is_enlarged_too_much_is_refused_before_the_work(options, size):
    source = Noise()
    with pytest.raises(UsageError, match=size) as caught:
        run(source, list(range(17**2 if "grid" in options else 2)), **options)
    assert caught.value.hint == "Give a --scale below 64." and source.asked == []


@pytest.mark.parametrize(
    ("seeds", "options", "sentence"),
    [
        ([1], {}, "OUT is 16 pixels wide; --scale 32 enlarges it."),
        (range(4), {"grid": "plain"}, "A picture in OUT is 16 pixels wide; --scale 16 enlarges "
         "it."),
        ([1, 2], {"interpolate": 9}, "A picture in OUT is 16 pixels wide; --scale 10 enlarges it."),
        ([1], {"scale": 1}, None),
        (range(256), {"grid": "plain"}, None),
    ],
)
def test_a_postage_stamp_is_said_with_what_enlarges_it(tmp_path, seeds, options, sentence):
    ear, path = Recorder(), str(tmp_path / "a.png")
    run(Noise(), list(seeds), ear, output=path, **options)
    assert ear.notes == ([] if sentence is None else [sentence.replace("OUT", path)])


# Classes


def test_a_grid_of_classes_has_a_row_of_the_same_seeds_for_each():
    source, ear = Noise(), Recorder()
    image = run(source, [4, 9], ear, grid="classes", scale=2)
    assert [(each.seed, each.label) for each in source.asked] == [
        (4, 0), (9, 0), (4, 1), (9, 1), (4, 2), (9, 2)
    ]
    found, side = pixels(image), 2 * SIDE
    assert found.shape[0] == 3 * side and found.shape[1] > 2 * side
    for place, request in enumerate(source.asked):
        row, column = divmod(place, 2)
        right = found.shape[1] - (2 - column) * side
        cell = found[row * side : (row + 1) * side, right : right + side]
        assert np.array_equal(cell[::2, ::2], to_pixels(source.item(request)[None])[0])
    assert image.text == {"seeds": "4,9", "classes": "cat, dog, bird", "model": "tiny"}
    assert ear.notes == [
        "The grid has 3 rows, one for each class, with the same 2 seeds in each."
    ]


def test_one_class_is_one_row_and_its_name_is_that_of_the_class():
    source = Noise()
    image = run(source, [4, 9], grid="classes", class_name="dog")
    assert [each.label for each in source.asked] == [1, 1]
    assert image.height == SIDE and image.text["class"] == "dog"
    whole = run(Noise(), [4, 9], grid="classes")
    assert np.array_equal(
        pixels(image)[:, -2 * SIDE :], pixels(whole)[SIDE : 2 * SIDE, -2 * SIDE :]
    )


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_names_stand_beside_their_rows(depth):
    rows = np.random.default_rng(0).integers(0, 256, (90, 20, depth), np.uint8)
    found = beside(["I", "MMMM", "I"], rows)
    width = found.shape[1] - 20
    assert np.array_equal(found[:, width:], rows)
    column = found[:, :width]
    if depth == 4:
        assert (column[..., 3] == 255).all()
    ink = (column[..., 0] < 128).reshape(3, 30, width)
    assert ink.sum((1, 2))[1] > 2 * ink.sum((1, 2))[0] > 0  # the wide name is in the middle
    assert np.array_equal(ink[0], ink[2])
    assert not ink[:, :5].any() and not ink[:, -5:].any()  # and none is cut
    assert np.flatnonzero(ink[1].any(1)).mean() == pytest.approx(15, abs=3)


def test_a_long_name_is_shortened_and_a_strange_one_becomes_a_number(monkeypatch):
    assert beside(["x" * 500], np.zeros((20, 20, 1), np.uint8)).shape[1] < 500
    assert drawable("ankle-boot, left (2)")
    monkeypatch.setattr(labels, "_FONTS", ())
    assert not drawable("кошка") and not drawable("\U0010fffd")
    ear = Recorder()
    image = run(Noise(), [1, 2], ear, classes=("cat", "кошка", "猫"), grid="classes", scale=2)
    named = run(Noise(), [1, 2], classes=("cat", "1", "2"), grid="classes", scale=2)
    assert np.array_equal(pixels(image), pixels(named))
    assert image.text["classes"] == "cat, кошка, 猫"
    assert ear.notes[1] == (
        "No font here has all letters of 2 of the names; numbers stand for them, which --class "
        "takes, too."
    )


def test_another_font_is_taken_for_letters_that_the_first_lacks(monkeypatch):
    full = ImageFont.load_default(16)

    class Partial:
        def getmask(self, text):
            return b"box" if text == "z" or not text.isascii() else full.getmask(text)

    def truetype(file, size):
        if file == "missing.ttf":
            raise OSError("cannot open resource")
        return full

    partial = Partial()
    fonts = types.SimpleNamespace(load_default=lambda size: partial, truetype=truetype)
    monkeypatch.setattr(labels, "ImageFont", fonts)
    monkeypatch.setattr(labels, "_FONTS", ("missing.ttf", "full.ttf"))
    assert labels._font("a b", 16) is partial
    assert labels._font("a z", 16) is full
    assert labels._font("猫", 16) is None


def test_a_model_without_classes_has_no_grid_of_them():
    with pytest.raises(UsageError, match="no classes"):
        run(Noise(), [1], classes=(), grid="classes")
    with pytest.raises(UsageError, match="cow"):
        run(Noise(), [1], grid="classes", class_name="cow")


def test_a_class_of_a_row_is_the_class_that_the_option_draws():
    """Through a model: the request's class reaches the generator."""
    model = tiny_model(size=16, classes=("a", "b", "c"))
    data, _ = sample_files(model, seed=3, n=2, grid="classes")
    grid = pixels(Image.open(io.BytesIO(data)))
    for row, name in enumerate("abc"):
        data, _ = sample_files(model, seed=3, n=2, grid="plain", class_name=name)
        wanted = pixels(Image.open(io.BytesIO(data)))
        assert np.array_equal(grid[row * 16 : (row + 1) * 16, -32:], wanted)


# Origin


def comment(image):
    """Return what a picture says of itself, as one text."""
    if image.format == "PNG":
        return "; ".join(f"{name} {value}" for name, value in image.text.items())
    if image.format == "GIF":
        return image.info["comment"].decode()
    return image.getexif()[0x010E].encode("latin-1").decode()  # Pillow's guess at the bytes


@pytest.mark.parametrize("form", ["png", "jpg", "webp"])
def test_one_picture_says_its_seed_class_and_model(tmp_path, form):
    image = run(Noise(), [5], output=f"{tmp_path}/a.{form}", classes=("a", "b", "дом\n\udcff"))
    assert comment(image) == "seed 5; class дом\ufffd\ufffd; model tiny"


@pytest.mark.parametrize("form", ["png", "jpg", "webp"])
def test_a_grid_says_the_class_of_each_seed(tmp_path, form):
    image = run(Noise(), [5, 6, 7, 9], output=f"{tmp_path}/a.{form}")
    assert comment(image) == "seeds 5-7,9; classes bird, cat, dog, cat; model tiny"


@pytest.mark.parametrize("form", ["png", "gif", "webp"])
def test_a_way_between_seeds_says_how_it_was_gone(tmp_path, form):
    options = {"interpolate": 4, "truncation": 0.7, "class_name": "dog"}
    image = run(
        lambda requests: (Sample(each, Noise().item(each), 1, None) for each in requests),
        [3, 8], output=f"{tmp_path}/a.{form}", **options,
    )
    assert getattr(image, "n_frames", 1) == (1 if form == "png" else 8)
    assert comment(image) == (
        "seeds 3,8; class dog; model tiny; options --truncation 0.7 --interpolate 4"
    )


@pytest.mark.parametrize("form", ["png", "jpg", "webp"])
def test_a_long_list_of_seeds_is_cut(tmp_path, form):
    seeds = list(range(0, 8_000_000, 2000))
    image = run(
        lambda requests: (Sample(r, np.zeros((3, 16, 16), "f4"), 0, None) for r in requests),
        seeds, output=f"{tmp_path}/a.{form}", classes=("a",),
    )
    found = comment(image)
    assert found.startswith("seeds 0,2000,4000,") and found.endswith(" ...; class a; model tiny")
    assert len(found) < 8100


def test_what_a_file_says_makes_it_again():
    model = tiny_model(size=16, classes=("a", "b", "c"))
    data, _ = sample_files(model, seed=8, truncation=0.5)
    said = Image.open(io.BytesIO(data)).text
    flag, truncation = said["options"].split()
    assert flag == "--truncation"
    seed = int(said["seed"])
    options = {"class_name": said["class"], "truncation": float(truncation)}
    assert sample_files(model, seed=seed, **options)[0] == data
    assert sample_files(model, seed=seed, class_name=said["class"])[0] != data


# The terminal


def test_what_a_terminal_shows_fits_its_width():
    source, options = Noise(), ImageSampleConfig(show=True, scale=3)
    writer = codec_of().writer(range(6), options, Recorder(), lambda: pytest.fail("stdout"), "m")
    with writer:
        samples = list(source(writer.requests))
        for sample in samples:
            writer.write(sample)
    assert writer.files == [] and len(samples) == 6
    for width, columns in ((1000, 3), (2 * SIDE + 5, 2), (3, 1)):
        (picture,) = codec_of().pictures(samples, options, width)
        assert picture.pixels.shape == (-(-6 // columns) * SIDE, columns * SIDE, 3)
        assert (picture.caption, picture.scale) == ("", 3)
        last = picture.pixels[-SIDE:, -SIDE:]
        assert np.array_equal(last, to_pixels(samples[5].data[None])[0])


def test_a_terminal_shows_classes_below_their_names():
    source, options = Noise(), ImageSampleConfig(show=True, grid="classes")
    writer = codec_of().writer([4, 9], options, Recorder(), lambda: pytest.fail("stdout"), "m")
    shown = codec_of().pictures(list(source(writer.requests)), options, 1000)
    assert [picture.caption for picture in shown] == list(CLASSES)
    assert [picture.pixels.shape for picture in shown] == [(SIDE, 2 * SIDE, 3)] * 3


def test_a_terminal_shows_the_way_between_seeds():
    options = ImageSampleConfig(show=True, interpolate=4)
    writer = codec_of().writer([4, 9], options, Recorder(), lambda: pytest.fail("stdout"), "m")
    assert [each.fraction for each in writer.requests] == [0, 0.25, 0.5, 0.75, 0]


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"tar": True}, "--tar is about what is written"), ({"format": "gif"}, "--format is about"),
     ({"grid": "plain", "interpolate": 4}, "Only one of"), ({"interpolate": 4}, "two seeds"),
     ({"grid": "classes", "class_name": "cow"}, "no class 'cow'")],
)
def test_what_does_not_go_with_showing_alone_is_refused(options, problem):
    with pytest.raises(UsageError, match=problem):
        run(Noise(), [4], show=True, **options)


def test_the_terminal_and_a_file_may_have_both(tmp_path):
    options = ImageSampleConfig(show=True, output=f"{tmp_path}/a.png")
    assert write_samples(codec_of(), [1, 2], options, Noise()) == [tmp_path / "a.png"]
    assert os.listdir(tmp_path) == ["a.png"]
