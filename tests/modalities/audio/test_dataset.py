"""What is found out about a folder of sounds, and the clips that come of it."""

import zipfile

import numpy as np
import pytest

from gancli.data.source import open_source
from gancli.errors import GancliError, UsageError
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.dataset import load
from gancli.modalities.audio.inspect import inspect
from gancli.modalities.audio.spec import AudioSpec


def both(path, heard, **options):
    config = AudioConfig(**options)
    source = open_source(str(path))
    spec, sentences = inspect(source, config)
    return spec, load(source, spec, config, heard), sentences


def test_all_is_found_from_the_data(folder, clips, heard):
    files = {**clips(8, "a/"), **clips(8, "b/", seconds=0.4)}
    spec, dataset, sentences = both(folder(files), heard)
    assert (spec.rate, spec.channels, spec.hop, spec.window) == (8000, 1, 128, 512)
    assert spec.classes == ("a", "b") and spec.class_counts == (8, 8) and spec.count == 16
    assert spec.ends and 0.43 <= spec.seconds < 0.51 and spec.frames % 4 == 0
    assert len(sentences) == 6 and "8,000 Hz" in sentences[0]
    samples, lengths = dataset.arrays["samples"], dataset.arrays["lengths"]
    assert samples.shape == (16, spec.samples, 1) and samples.dtype == np.int16
    assert dataset.labels.tolist() == [0] * 8 + [1] * 8
    for row, length in zip(samples, lengths, strict=True):
        assert np.abs(row).max() == pytest.approx(0.95 * 32767, abs=2)
        assert not row[length * 128 :].any() and row[(length - 1) * 128 :].any()
    assert AudioSpec.from_table(spec.__dict__) == spec
    assert {*dataset.train.tolist(), *dataset.held_out.tolist()} == set(range(16))


def test_a_zip_is_the_same_data(folder, clips, heard, tmp_path):
    files = clips(6)
    plain = both(folder(files), heard)[1]
    with zipfile.ZipFile(tmp_path / "sounds.zip", "w") as out:
        for name, data in files.items():
            out.writestr(name, data)
    packed = both(tmp_path / "sounds.zip", heard)[1]
    assert np.array_equal(plain.arrays["samples"], packed.arrays["samples"])
    assert plain.fingerprint == packed.fingerprint


@pytest.mark.parametrize(
    ("given", "chosen"), [(44_101, 16_000), (22_050, 22_050), (96_000, 16_000)]
)
def test_high_rates_are_brought_down(folder, clips, heard, given, chosen):
    spec, dataset, _ = both(folder(clips(4, rate=given)), heard)
    assert spec.rate == chosen
    assert 0.3 <= dataset.arrays["lengths"].max() * spec.hop / chosen < 0.4
    assert both(folder(clips(4, rate=given)), heard, rate=11_025)[0].rate == 11_025


def test_stereo_is_mixed_or_kept(folder, tone, encoded, heard):
    wave = np.stack([tone(0.3, 300), tone(0.3, 2000)], 1)
    path = folder({f"{index}.wav": encoded(wave) for index in range(3)})
    assert both(path, heard)[1].arrays["samples"].shape[2] == 1
    spec, dataset, _ = both(path, heard, channels=2)
    left, right = dataset.arrays["samples"][0].astype(float).T
    peaks = [np.abs(np.fft.rfft(each[:2048])).argmax() * 8000 / 2048 for each in (left, right)]
    assert spec.channels == 2 and peaks == pytest.approx([300, 2000], abs=8)


def test_long_recordings_are_sliced_by_halves(folder, tone, encoded, heard):
    long_ = np.tile(tone(0.5, decay=0), 16)
    spec, dataset, sentences = both(folder({f"{i}.wav": encoded(long_) for i in range(3)}), heard)
    assert not spec.ends and spec.seconds < 1.5 + 4 * 0.016
    expected = -(-(len(long_) - spec.samples) // (spec.samples // 2)) + 1
    assert len(dataset.arrays["samples"]) == 3 * expected
    assert (dataset.arrays["lengths"] == spec.frames).all()
    assert any("slice" in each for each in sentences)


def test_what_is_short_broken_or_no_sound_is_counted_and_named(folder, clips, tone, encoded, heard):
    files = {
        **clips(8), "short.wav": encoded(tone(0.03)), "broken.wav": b"RIFFxxxxWAVEjunk",
        "one.wav": encoded(np.array([0.5], "f4")), "notes.txt": b"hello",
    }
    _, dataset, _ = both(folder(files), heard)
    told = " ".join(heard.notes + heard.warnings)
    for name in ("short.wav", "broken.wav", "one.wav"):
        assert name in told
    assert "Ignored 1 files" in told
    assert len(dataset.arrays["samples"]) == 9
    with pytest.raises(GancliError, match="broken.wav"):
        both(folder(files), heard, strict=True)


def test_nothing_to_learn_from_is_refused(folder, clips, heard, tmp_path):
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "a.txt").write_text("x")
    with pytest.raises(GancliError, match="no sounds"):
        both(tmp_path / "sounds", heard)
    with pytest.raises(GancliError, match="single clip"):
        both(folder(clips(1)), heard)
    with pytest.raises(UsageError):
        both(folder(clips(4)), heard, labels="folders")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate", 0), ("rate", 8000.0), ("channels", 3), ("frames", 6), ("window", 500),
        ("bins", 400), ("ends", 1), ("mean", [0.0]), ("deviation", [0.0] * 8),
        ("mean", [float("nan")] * 8), ("classes", ["a"]),
    ],
)
def test_a_damaged_description_is_refused(audio_spec, name, value):
    table = dict(audio_spec().__dict__)
    assert AudioSpec.from_table(table) == audio_spec()
    with pytest.raises(GancliError, match="damaged"):
        AudioSpec.from_table({**table, name: value})
