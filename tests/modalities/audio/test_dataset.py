"""The spec determined from a folder of sounds, and the clips loaded from it."""

import zipfile

import numpy as np
import pytest

from gancli.data.source import open_source
from gancli.errors import GancliError, UsageError
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.dataset import load
from gancli.modalities.audio.inspect import inspect
from gancli.modalities.audio.spec import AudioSpec


def loaded(path, reporter, **options):
    config = AudioConfig(**options)
    source = open_source(str(path))
    spec, sentences = inspect(source, config)
    return spec, load(source, spec, config, reporter), sentences


def test_everything_is_determined_from_the_data(folder, clips, reporter):
    files = {**clips(8, "a/"), **clips(8, "b/", seconds=0.4)}
    spec, dataset, sentences = loaded(folder(files), reporter)
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


def test_a_zip_is_the_same_data(folder, clips, reporter, tmp_path):
    files = clips(6)
    plain = loaded(folder(files), reporter)[1]
    with zipfile.ZipFile(tmp_path / "sounds.zip", "w") as out:
        for name, data in files.items():
            out.writestr(name, data)
    packed = loaded(tmp_path / "sounds.zip", reporter)[1]
    assert np.array_equal(plain.arrays["samples"], packed.arrays["samples"])
    assert plain.fingerprint == packed.fingerprint


@pytest.mark.parametrize(
    ("given", "chosen"), [(44_101, 16_000), (22_050, 22_050), (96_000, 16_000)]
)
def test_high_rates_are_reduced(folder, clips, reporter, given, chosen):
    spec, dataset, _ = loaded(folder(clips(4, rate=given)), reporter)
    assert spec.rate == chosen
    assert 0.3 <= dataset.arrays["lengths"].max() * spec.hop / chosen < 0.4
    assert loaded(folder(clips(4, rate=given)), reporter, rate=11_025)[0].rate == 11_025


def test_stereo_is_mixed_or_kept(folder, tone, encoded, reporter):
    wave = np.stack([tone(0.3, 300), tone(0.3, 2000)], 1)
    path = folder({f"{index}.wav": encoded(wave) for index in range(3)})
    assert loaded(path, reporter)[1].arrays["samples"].shape[2] == 1
    spec, dataset, _ = loaded(path, reporter, channels=2)
    left, right = dataset.arrays["samples"][0].astype(float).T
    peaks = [np.abs(np.fft.rfft(wave[:2048])).argmax() * 8000 / 2048 for wave in (left, right)]
    assert spec.channels == 2 and peaks == pytest.approx([300, 2000], abs=8)


def test_long_recordings_are_sliced_by_halves(folder, tone, encoded, reporter):
    long_ = np.tile(tone(0.5, decay=0), 16)
    path = folder({f"{i}.wav": encoded(long_) for i in range(3)})
    spec, dataset, sentences = loaded(path, reporter)
    assert not spec.ends and spec.seconds < 1.5 + 4 * 0.016
    expected = -(-(len(long_) - spec.samples) // (spec.samples // 2)) + 1
    assert len(dataset.arrays["samples"]) == 3 * expected
    assert (dataset.arrays["lengths"] == spec.frames).all()
    assert any("slice" in sentence for sentence in sentences)


def test_short_broken_and_other_files_are_counted_and_named(folder, clips, tone, encoded, reporter):
    files = {
        **clips(8), "short.wav": encoded(tone(0.03)), "broken.wav": b"RIFFxxxxWAVEjunk",
        "one.wav": encoded(np.array([0.5], "f4")), "notes.txt": b"hello",
    }
    _, dataset, _ = loaded(folder(files), reporter)
    messages = " ".join(reporter.notes + reporter.warnings)
    for name in ("short.wav", "broken.wav", "one.wav"):
        assert name in messages
    assert "Ignored 1 files" in messages
    assert len(dataset.arrays["samples"]) == 9
    with pytest.raises(GancliError, match="broken.wav"):
        loaded(folder(files), reporter, strict=True)


@pytest.mark.parametrize("load_first", [False, True])
def test_strict_refuses_a_truncated_file(folder, clips, reporter, load_first):
    files = clips(4)
    files["cut.wav"] = next(iter(files.values()))[:-1000]
    path = folder(files)
    if load_first:  # then it is in the cache
        loaded(path, reporter)
        assert "Used 1 of 5 sounds as far as possible: 'cut.wav'" in " ".join(reporter.warnings)
    with pytest.raises(GancliError, match=r"The file 'cut.wav' cannot be used: it is cut short"):
        loaded(path, reporter, strict=True)


def test_too_little_data_is_refused(folder, clips, reporter, tmp_path):
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "a.txt").write_text("x")
    with pytest.raises(GancliError, match="no sounds among the 1 files"):
        loaded(tmp_path / "sounds", reporter)
    with pytest.raises(GancliError, match="single clip"):
        loaded(folder(clips(1)), reporter)
    with pytest.raises(UsageError):
        loaded(folder(clips(4)), reporter, labels="folders")


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
