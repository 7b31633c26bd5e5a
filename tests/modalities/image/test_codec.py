"""Pictures are written whole, with the names and formats that were asked for, or not at all."""

import io
import tarfile

import numpy as np
import pytest
from helpers import Recorder, write_samples
from PIL import Image

from gancli.errors import GancliError, UsageError
from gancli.modalities.image import writers
from gancli.modalities.image.codec import ImageCodec
from gancli.modalities.image.config import ImageConfig, ImageSampleConfig
from gancli.modalities.image.pixels import to_pixels
from gancli.modalities.image.spec import ImageSpec
from gancli.sampling.request import Sample, SampleRequest

SIDE = 16


def level(seed):
    """Return the byte that all pixels of a seed's picture have."""
    return (seed * 7 + 3) % 256


class Source:
    """Makes flat pictures and remembers what it was asked for."""

    def __init__(self, depth=3, fails_at=None):
        self.depth, self.fails_at = depth, fails_at
        self.asked, self.made = [], 0

    def __call__(self, requests):
        self.asked = list(requests)
        for request in requests:
            if self.made == self.fails_at:
                raise GancliError("The sky fell.", "Run.")
            self.made += 1
            shade = level(request.seed + int(100 * request.fraction))
            item = np.full((self.depth, SIDE, SIDE), shade / 127.5 - 1, np.float32)
            if self.depth == 4:
                item[3] = 1
                item[3, :, : SIDE // 2] = -1  # the left half is clear
            yield Sample(request, item, None, None)


def codec_of(size=SIDE):
    return ImageCodec(ImageSpec(size, "RGB", "crop", (), (), 2), ImageConfig(latent=4))


def run(source, seeds, reporter=None, **options):
    """Return the files written and the bytes on stdout."""
    stdout = io.BytesIO()
    options = ImageSampleConfig(**options)
    files = write_samples(codec_of(), seeds, options, source, reporter, lambda: stdout)
    return files, stdout.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data if isinstance(data, bytes) else data.read_bytes()))


# Pixels


def test_all_bytes_survive_the_way_there_and_back():
    levels = np.arange(256, dtype=np.uint8)
    items = (levels.astype(np.float32) / 127.5 - 1).reshape(1, 1, 16, 16)
    assert np.array_equal(to_pixels(items).ravel(), levels)


def test_values_round_to_the_nearest_byte_and_the_rest_is_tamed():
    # Zero, which lies at 127.5, is the only half that floating point can hit.
    values = [0.0, -1e-6, 1.4 / 127.5 - 1, 1.6 / 127.5 - 1, np.nan, np.inf, -np.inf, 7.0, -7.0]
    found = to_pixels(np.array(values, np.float32).reshape(1, 1, 1, -1)).ravel().tolist()
    assert found == [128, 127, 1, 2, 128, 255, 0, 255, 0]


def test_channels_go_last():
    items = np.linspace(-1, 1, 2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert to_pixels(items).shape == (2, 4, 5, 3)
    assert to_pixels(items).dtype == np.uint8
    assert to_pixels(items)[1, 2, 3, 1] == np.rint((items[1, 1, 2, 3] + 1) * 127.5)


# One picture


@pytest.mark.parametrize(("depth", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("output", [None, "-"])
def test_one_picture_on_stdout_is_a_png_that_knows_its_seed(depth, mode, output):
    files, data = run(Source(depth), [42], output=output)
    image = opened(data)
    assert files == []
    assert (image.format, image.mode, image.size) == ("PNG", mode, (SIDE, SIDE))
    assert image.text == {"seed": "42", "model": "tiny"}
    corner = image.getpixel((SIDE - 1, 0))
    assert (corner if depth == 1 else corner[0]) == level(42)


@pytest.mark.parametrize(
    ("name", "form"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.jpeg", "JPEG"), ("a.webp", "WEBP")]
)
@pytest.mark.parametrize("depth", [1, 3, 4])
def test_the_suffix_is_the_format(tmp_path, name, form, depth):
    target = tmp_path / "new" / name
    files, data = run(Source(depth), [5], output=str(target))
    assert (files, data) == ([target], b"")
    image = opened(target)
    assert image.format == form
    assert [path.name for path in target.parent.iterdir()] == [name]
    if form != "PNG":
        assert image.getexif()[0x010E] == "seed 5; model tiny"
    right = np.atleast_1d(image.getpixel((SIDE - 1, 8)))[0]
    assert abs(int(right) - level(5)) <= (2 if form == "JPEG" else 0)
    if depth == 4 and form == "JPEG":
        assert min(image.getpixel((0, 8))) > 250  # clear becomes white
    if depth == 4 and form != "JPEG":
        assert image.getpixel((0, 8)) == (level(5),) * 3 + (0,)  # clear, its color kept


def test_format_counts_where_no_name_does():
    _, data = run(Source(), [1], format="webp")
    assert opened(data).format == "WEBP"
    with pytest.raises(UsageError):
        run(Source(), [1], format="webp", output="a.png")


# Many pictures


@pytest.mark.parametrize("name", ["faces", "faces/", "there.d"])
def test_a_directory_gets_a_file_for_each_seed(tmp_path, name):
    (tmp_path / "there.d").mkdir()
    files, _ = run(Source(), [3, 1234567, 3], output=f"{tmp_path}/{name}", format="jpeg")
    folder = tmp_path / name
    assert [path.name for path in files] == ["seed-000003.jpg", "seed-1234567.jpg"]
    assert sorted(folder.iterdir()) == sorted(files)
    assert abs(opened(files[1]).getpixel((0, 0))[0] - level(1234567)) <= 2


def test_a_grid_is_near_square_and_in_order(tmp_path):
    source, ear = Source(), Recorder()
    run(source, list(range(7)), ear, output=str(tmp_path / "a.png"))
    image = opened(tmp_path / "a.png")
    assert image.size == (3 * SIDE, 3 * SIDE)
    cells = [image.getpixel((x * SIDE, y * SIDE))[0] for y in range(3) for x in range(3)]
    assert cells == [*map(level, range(7)), 255, 255]
    assert image.text == {"seeds": "0-6", "model": "tiny"}
    assert "grid" in ear.notes[0]


def test_a_grid_that_was_asked_for_is_not_explained_and_has_clear_cells():
    ear = Recorder()
    _, data = run(Source(4), [9, 2, 3], ear, grid="plain")
    image = opened(data)
    assert (image.size, image.mode) == ((2 * SIDE, 2 * SIDE), "RGBA")
    assert image.getpixel((2 * SIDE - 1, 2 * SIDE - 1)) == (0, 0, 0, 0)
    assert image.text == {"seeds": "9,2-3", "model": "tiny"}
    assert ear.notes == []


@pytest.mark.parametrize("to_file", [True, False])
def test_a_tar_holds_named_pictures_and_is_the_same_every_time(tmp_path, to_file):
    found = []
    for attempt in range(2):
        name = str(tmp_path / f"{attempt}.tar") if to_file else "-"
        files, data = run(Source(1), [0, 5, 5], output=name, tar=not to_file)
        found.append(files[0].read_bytes() if to_file else data)
    assert found[0] == found[1]
    with tarfile.open(fileobj=io.BytesIO(found[0])) as tar:
        members = tar.getmembers()
        assert [member.name for member in members] == ["seed-000000.png", "seed-000005.png"]
        assert {(member.mtime, member.uid, member.mode) for member in members} == {(0, 0, 0o644)}
        image = opened(tar.extractfile(members[1]).read())
    assert image.getpixel((0, 0)) == level(5) and image.text["seed"] == "5"


@pytest.mark.parametrize("options", [{"output": "DIR/"}, {"output": "DIR/a.tar"}, {"tar": True}])
def test_pictures_are_encoded_while_they_are_made(tmp_path, monkeypatch, options):
    source, ahead = Source(), []
    done = iter(range(10**6))
    real = writers.encode
    monkeypatch.setattr(
        writers, "encode", lambda *rest: (ahead.append(source.made - next(done)), real(*rest))[1]
    )
    options = {name: value.replace("DIR", str(tmp_path)) if isinstance(value, str) else value
               for name, value in options.items()}
    run(source, list(range(50)), **options)
    assert ahead == [1] * 50


def test_more_than_one_on_stdout_needs_a_form():
    source = Source()
    with pytest.raises(UsageError) as caught:
        run(source, [1, 2])
    assert "--grid" in caught.value.hint and "--tar" in caught.value.hint
    assert source.made == 0


@pytest.mark.parametrize(
    "options",
    [
        {"grid": "plain", "tar": True}, {"grid": "plain", "interpolate": 4}, {"tar": True,
        "interpolate": 4}, {"grid": "plain", "output": "a.tar"},
        {"grid": "plain", "output": "dir/"}, {"grid": "classes"},
        {"tar": True, "output": "a.png"}, {"output": "a.bmp"}, {"output": ""},
        {"output": "a.gif"}, {"format": "gif", "grid": "plain"}, {"interpolate": 4, "output": "a/"},
        {"interpolate": 4, "output": "a.tar"}, {"tar": True, "output": "dir/"},
    ],
)
def test_options_that_clash_are_refused_before_the_work(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    source = Source()
    with pytest.raises(UsageError) as caught:
        run(source, [1, 2], **options)
    assert caught.value.hint
    assert source.made == 0 and list(tmp_path.iterdir()) == []


def test_a_grid_beyond_reason_is_refused_at_once(tmp_path, monkeypatch):
    source = Source()
    with pytest.raises(UsageError):
        run(source, range(400_000), output=str(tmp_path / "a.png"))
    assert source.made == 0
    with pytest.raises(UsageError):  # a JPEG has at most 65,535 pixels in a row
        run(source, list(range(2)), interpolate=1000 * 5, format="jpeg")
    monkeypatch.setattr(writers, "MAX_PIXELS", 8 * SIDE * SIDE)
    with pytest.raises(UsageError):
        run(source, list(range(9)), grid="plain")
    assert source.made == 0 and list(tmp_path.iterdir()) == []


# What is there already, and what goes wrong


@pytest.mark.parametrize("name", ["a.png", "a.tar", "dir/"])
def test_nothing_is_replaced_unasked(tmp_path, name):
    first, second = Source(), Source()
    files, _ = run(first, [1, 2], output=f"{tmp_path}/{name}")
    files[-1].write_bytes(b"mine")
    with pytest.raises(GancliError) as caught:
        run(second, [7, 2], output=f"{tmp_path}/{name}")
    assert "--force" in caught.value.hint and second.made == 0
    assert files[-1].read_bytes() == b"mine"
    run(second, [7, 2], output=f"{tmp_path}/{name}", force=True)
    assert files[-1].read_bytes() != b"mine"


def test_a_directory_in_the_way_and_a_file_in_the_way_are_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "dir" / "seed-000001.png").mkdir(parents=True)
    for output in ("file", "file/", "file/a.png", "dir/"):
        source = Source()
        with pytest.raises(GancliError):
            run(source, [1], output=f"{tmp_path}/{output}", force=True)
        assert (tmp_path / "file").read_bytes() == b""
        assert source.made == 0


@pytest.mark.parametrize("name", ["a.png", "a.tar", None])
def test_an_error_leaves_the_old_file_and_not_a_byte_on_stdout(tmp_path, name):
    options = {"output": str(tmp_path / name), "force": True} if name else {"tar": True}
    if name:
        (tmp_path / name).write_bytes(b"old")
    stdout = io.BytesIO()
    with pytest.raises(GancliError, match="sky"):
        write_samples(
            codec_of(), range(40), ImageSampleConfig(**options), Source(fails_at=30),
            stdout=lambda: stdout,
        )
    assert stdout.getvalue() == b""
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([b"old"] if name else [])


def test_an_unwritable_place_is_a_sentence():
    with pytest.raises(GancliError) as caught:
        run(Source(), [1, 2], output="/proc/nowhere/a.tar")
    assert caught.value.hint


# Between seeds


@pytest.mark.parametrize("form", ["gif", "webp"])
@pytest.mark.parametrize("depth", [1, 3, 4])
def test_an_animation_closes_its_loop(tmp_path, form, depth):
    source = Source(depth)
    files, _ = run(source, [0, 10, 20], interpolate=4, output=str(tmp_path / f"a.{form}"))
    image = opened(files[0])
    assert image.n_frames == 12
    assert image.info["loop"] == 0
    assert [(each.seed, each.toward) for each in source.asked[::4]] == [(0, 10), (10, 20), (20, 0)]
    image.seek(5)
    wanted = level(10 + 25)
    assert abs(int(image.convert("RGB").getpixel((255, 0))[0]) - wanted) <= 1
    assert image.info["duration"] == 50


def test_a_strip_goes_from_the_first_to_the_last():
    source = Source()
    _, data = run(source, [3, 50], interpolate=4)
    image = opened(data)
    assert (image.format, image.size) == ("PNG", (5 * SIDE, SIDE))
    assert [request.fraction for request in source.asked] == [0, 0.25, 0.5, 0.75, 0]
    shades = [image.getpixel((cell * SIDE, 0))[0] for cell in (0, 4)]
    assert shades == [level(3), level(50)]


def test_one_seed_leads_nowhere():
    with pytest.raises(UsageError):
        run(Source(), [3], interpolate=4)


# Previews


@pytest.mark.parametrize(("side", "shown"), [(16, 32), (64, 64)])
def test_a_preview_enlarges_small_pictures(tmp_path, side, shown):
    items = np.linspace(-1, 1, 5)[:, None, None, None] * np.ones((5, 3, side, side))
    samples = [
        Sample(SampleRequest(seed), item.astype(np.float32), None, None)
        for seed, item in enumerate(items)
    ]
    codec_of(side).preview(samples, tmp_path / "step-1.5")
    image = opened(tmp_path / "step-1.5.png")
    assert image.size == (3 * shown, 2 * shown)
    assert [image.getpixel((x * shown, 0))[0] for x in range(3)] == [0, 64, 128]
    assert image.text == {"software": "gancli", "seeds": "0-4"}
