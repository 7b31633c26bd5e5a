"""What files of sounds say of where they come from, and what a terminal shows of sounds."""

import io

import numpy as np
import pytest
import soundfile
import torch
from helpers import Recorder, write_samples
from PIL import Image

from gancli.errors import GancliError, UsageError
from gancli.modalities.audio import writers
from gancli.modalities.audio.codec import AudioCodec
from gancli.modalities.audio.config import AudioConfig, AudioSampleConfig
from gancli.modalities.audio.encode import encode
from gancli.modalities.audio.mel import to_items
from gancli.sampling.request import Sample

CLASSES = ("zero", "one")


@pytest.fixture
def codec(audio_spec):
    return AudioCodec(audio_spec(bins=16, classes=CLASSES, class_counts=(1, 1)), AudioConfig())


@pytest.fixture
def make(codec, tone):
    """Return a source of tones whose class is the seed's last bit."""
    wave = np.zeros((1, 16 * 128, 1), np.int16)
    wave[0, :1500, 0] = tone(1500 / 8000) * 30_000
    item = to_items(torch.from_numpy(wave), torch.tensor([12]), codec.spec)[0].numpy()
    return lambda requests: (Sample(each, item, each.seed % 2, None) for each in requests)


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tone):
    """Turn samples into sound at once, since only what the files say matters here."""
    sound = tone(1500 / 8000)[:, None]
    monkeypatch.setattr(writers, "clip_of", lambda sample, spec, frames: sound)


def comments(codec, make, seeds, **options):
    """Return what each file says; its sound is whole."""
    stdout = io.BytesIO()
    files = write_samples(
        codec, seeds, AudioSampleConfig(**options), make, stdout=lambda: stdout
    )
    found = []
    for data in [path.read_bytes() for path in files] or [stdout.getvalue()]:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            found.append(sound.comment)
            assert len(sound.read()) == sound.frames >= 1500
    return found


@pytest.mark.parametrize("form", ["wav", "flac", "ogg"])
def test_sounds_say_their_seeds_class_and_model(codec, make, tmp_path, form):
    def said(seeds, **options):
        return comments(codec, make, seeds, format=form, **options)

    assert said([5]) == ["seed 5; class one; model tiny"]
    assert said([4, 5, 6], gap=0.0) == ["seeds 4-6; classes zero, one, zero; model tiny"]
    assert said([4, 5], output=f"{tmp_path}/d/") == [
        "seed 4; class zero; model tiny", "seed 5; class one; model tiny"
    ]
    assert said([4, 6], interpolate=2, length=0.1) == [
        "seeds 4,6; class zero; model tiny; options --length 0.1 --interpolate 2"
    ]


@pytest.mark.parametrize("form", ["wav", "flac", "ogg"])
def test_a_long_list_is_cut_so_that_it_can_be_read_back(codec, make, form):
    seeds = range(10**17, 10**17 + 80 * 3, 3)
    (found,) = comments(codec, make, seeds, format=form, gap=0.0)
    assert found.startswith(f"seeds {seeds[0]},{seeds[1]},")
    assert " ...; classes " in found and found.endswith("; model tiny")


def test_a_comment_leaves_the_sound_as_it_is():
    wave = np.linspace(-1, 1, 500, dtype=np.float32)[:, None].repeat(2, 1)
    for form in ("wav", "flac"):
        plain, said = (encode(wave, 8000, form, comment) for comment in ("a", "seed 1; ж"))
        for data in (plain, said):
            read, rate = soundfile.read(io.BytesIO(data), dtype="int16")
            assert rate == 8000 and np.array_equal(read, np.rint(wave * 32767))
    assert encode(wave, 8000, "raw", "seed 1") == np.rint(wave * 32767).astype("<i2").tobytes()


@pytest.mark.parametrize("form", ["wav", "flac", "ogg"])
def test_the_same_sound_is_the_same_bytes(tone, form):
    wave = np.stack([tone(3.0, decay=0), tone(3.0, 2000, decay=0)], 1)
    data = encode(wave, 8000, form, "seed 1")
    assert data == encode(wave, 8000, form, "seed 1")
    read, _ = soundfile.read(io.BytesIO(data))  # which skips pages of Ogg with a wrong checksum
    assert read.shape == wave.shape and np.abs(read - wave).max() < 0.1


def test_a_picture_of_spectrograms_says_whose_they_are(codec, make, tmp_path):
    options = {"output": f"{tmp_path}/a.wav", "spectrogram": f"{tmp_path}/a.png"}
    write_samples(codec, [4, 5], AudioSampleConfig(**options), make)
    with Image.open(tmp_path / "a.png") as image:
        assert image.text == {"seeds": "4-5", "classes": "zero, one", "model": "tiny"}


def test_a_terminal_shows_spectrograms_that_fit_its_width(codec, make):
    options = AudioSampleConfig(show=True)
    writer = codec.writer([4, 5, 6], options, Recorder(), lambda: pytest.fail("stdout"), "m")
    with writer:
        samples = list(make(writer.requests))
        for sample in samples:
            writer.write(sample)
    assert writer.files == []
    for width, columns in ((1000, 2), (2 * 18 + 2, 2), (2 * 18 + 1, 1), (3, 1)):
        (picture,) = codec.pictures(samples, options, width)
        rows = -(-3 // columns)
        assert picture.pixels.shape == (rows * 18 + 2, columns * 18 + 2, 3)
        tile = picture.pixels[2:18, 2:18]
        assert (tile.max(), picture.caption, picture.scale) == (255, "", None)
        assert np.array_equal(picture.pixels[-18:-2, 2:18], tile)  # the last row's first


@pytest.mark.parametrize("options", [{"raw": True}, {"format": "ogg"}, {"gap": 0.0}])
def test_what_does_not_go_with_showing_alone_is_refused(codec, make, options):
    with pytest.raises(UsageError, match="is about what is written, but --show without -o"):
        write_samples(codec, [4, 5], AudioSampleConfig(show=True, **options), make)


def test_what_is_only_shown_may_still_write_its_picture_and_makes_no_sound(
    codec, make, tmp_path, monkeypatch
):
    monkeypatch.setattr(writers, "clip_of", lambda *rest: pytest.fail("sound"))
    ear, options = Recorder(), {"show": True, "spectrogram": f"{tmp_path}/a.png"}
    files = write_samples(codec, [4], AudioSampleConfig(**options), make, ear)
    assert files == [tmp_path / "a.png"] and files[0].exists() and ear.figures == {}
    with pytest.raises(GancliError, match="already"):
        write_samples(codec, [4], AudioSampleConfig(**options), make)
