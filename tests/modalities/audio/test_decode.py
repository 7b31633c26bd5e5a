"""Decoding of sound files, valid and damaged."""

import io
import os
import struct
import tarfile
import zipfile

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from gancli.data.member import BadMember, Member
from gancli.data.source import open_source
from gancli.modalities.audio import decode, reader
from gancli.modalities.audio.decode import scan
from gancli.modalities.audio.reader import BadSound, is_sound, read_header


def member(data: bytes) -> Member:
    return Member("a.wav", len(data), 0, lambda: io.BytesIO(data))


def decoded(data: bytes, rate=8000, channels=1, trim=False, **options):
    """Return the recording in these bytes, and its samples."""
    recording = scan(member(data), rate, channels, trim, **options)
    return recording, np.concatenate(list(recording.pieces()))


@pytest.mark.parametrize(
    ("form", "subtype", "error"),
    [
        ("WAV", "PCM_U8", 0.02), ("WAV", "PCM_16", 1e-3), ("WAV", "PCM_24", 1e-3),
        ("WAV", "PCM_32", 1e-3), ("WAV", "FLOAT", 1e-3), ("WAV", "DOUBLE", 1e-3),
        ("WAV", "ULAW", 0.1), ("FLAC", "PCM_16", 1e-3), ("FLAC", "PCM_24", 1e-3),
        ("OGG", "VORBIS", 0.2), ("OGG", "OPUS", 0.3), ("MP3", None, 0.2), ("AIFF", None, 1e-3),
        ("AU", None, 1e-3), ("CAF", None, 1e-3), ("W64", None, 1e-3),
    ],
)
def test_every_format_gives_back_what_was_written(form, subtype, error, tone, encoded):
    wave = tone(0.5, 500)
    data = encoded(wave, form=form, subtype=subtype)
    assert is_sound(data[:16])
    assert read_header(member(data)) == (8000, 1)
    recording, samples = decoded(data)
    assert recording.remark == ""
    assert samples.dtype == np.float32 and samples.shape[1] == 1
    assert np.abs(samples).max() == pytest.approx(1)
    # MP3 adds some samples at both ends.
    assert len(samples) == len(wave) or (form == "MP3" and len(wave) < len(samples) < 8000)
    wanted = (wave - wave.mean()) / np.abs(wave - wave.mean()).max()
    assert np.abs(samples[: len(wave), 0] - wanted).max() < error


@pytest.mark.parametrize("rate", [4000, 11_025, 44_100, 44_101, 96_000, 192_000])
def test_any_rate_is_resampled_to_the_same_tone(rate, tone, encoded):
    _, samples = decoded(encoded(tone(0.5, 500, rate, decay=0), rate))
    assert abs(len(samples) - 4000) <= 1
    spectrum = np.abs(np.fft.rfft(samples[:4000, 0] * np.hanning(len(samples[:4000]))))
    assert np.argmax(spectrum) * 8000 / 4000 == pytest.approx(500, abs=4)
    assert spectrum[:200].max() < 0.01 * spectrum.max()


def test_channels_are_mixed_kept_or_duplicated(tone, encoded):
    left, right = tone(pitch=300, level=0.6), tone(pitch=700, level=0.2)
    stereo = encoded(np.stack([left, right], 1))
    _, both = decoded(stereo, channels=2)
    assert np.abs(both[:, 0]).max() == pytest.approx(1)
    assert np.abs(both[:, 1]).max() == pytest.approx(1 / 3, abs=0.01)
    _, mixed = decoded(stereo)
    wanted = (left + right) / 2
    assert mixed[:, 0] == pytest.approx(wanted / np.abs(wanted).max(), abs=0.01)
    _, mono = decoded(encoded(left), channels=2)
    assert mono.shape[1] == 2 and np.array_equal(mono[:, 0], mono[:, 1])
    _, first_two = decoded(encoded(np.stack([left, right, left], 1)), channels=2)
    assert first_two == pytest.approx(both)


def test_silence_at_both_ends_is_trimmed_with_a_margin(tone, encoded):
    hiss = 1e-3 * np.random.default_rng(0).normal(size=4000)
    wave = hiss.copy()
    wave[1600:2400] += tone(0.1, decay=0)
    recording, _ = decoded(encoded(wave), trim=True)
    assert (recording.start, recording.stop) == (1600 - 160, 2400 + 160)
    assert recording.length == recording.stop - recording.start == len(recording.samples)
    recording, samples = decoded(encoded(wave))
    assert len(samples) == recording.length == 4000


def test_a_constant_offset_is_removed_first(tone, encoded):
    wave = np.concatenate([np.zeros(1600), tone(0.1, decay=0), np.zeros(1600)])
    moved = encoded(0.4 + wave, 16_000)
    recording, samples = decoded(moved, trim=True)
    # Neither the constant nor a click at its start is sound; the resampler rings for a block.
    assert 800 - 240 <= recording.start <= 800 - 160
    assert abs(samples.mean()) < 0.01


def test_values_beyond_one_are_scaled_and_nonfinite_ones_refused(tone, encoded):
    wave = tone()
    _, wanted = decoded(encoded(wave, subtype="FLOAT"))
    _, loud = decoded(encoded(1e6 * wave, subtype="FLOAT"))
    assert loud == pytest.approx(wanted, abs=1e-5)
    for bad in (np.nan, np.inf, -np.inf):
        wave[1000] = bad
        with pytest.raises(BadSound, match="not finite"):
            decoded(encoded(wave, subtype="FLOAT"))
    with pytest.raises(BadSound, match="not finite"):
        decoded(encoded(np.array([1e308, -1e308] * 100), subtype="DOUBLE"))


@pytest.mark.parametrize("value", [0.0, 0.5, -1.0])
@pytest.mark.parametrize("rate", [8000, 44_100])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_U8", "FLOAT"])
def test_silence_and_constants_are_silent(value, rate, subtype, encoded):
    with pytest.raises(BadSound, match="it is silent"):
        decoded(encoded(np.full(rate, value), rate, subtype=subtype))


def test_channels_that_cancel_out_are_silent_when_mixed(tone, encoded):
    data = encoded(np.stack([tone(), -tone()], 1), subtype="FLOAT")
    with pytest.raises(BadSound, match="it is silent"):
        decoded(data)
    assert decoded(data, channels=2)[0].length


@pytest.mark.parametrize(
    "data", [b"", b"R", b"not a sound at all", b"RIFF\0\0\0\0WAVE", b"RIFF" + bytes(500),
             b"\xff\xfb" + bytes(500), b"fLaC" + bytes(100), b"OggS" + bytes(100)]
)
def test_what_is_not_a_sound_is_refused(data, capfd):
    for read in (read_header, lambda file: scan(file, 8000, 1, True)):
        with pytest.raises(BadSound, match=r"^it [a-z]"):
            read(member(data))
    assert capfd.readouterr() == ("", "")


def test_a_header_without_samples_is_refused(encoded):
    with pytest.raises(BadSound, match="it contains no samples"):
        decoded(encoded(np.zeros(0)))


@pytest.mark.parametrize(
    ("form", "min_samples"),
    [("WAV", 7900), ("FLAC", 4000), ("MP3", 6000), ("AIFF", 7900), ("AU", 7900)],
)
def test_a_truncated_file_is_used_as_far_as_possible(form, min_samples, encoded, capfd):
    wave = 0.1 * np.random.default_rng(0).normal(size=16_000)
    data = encoded(wave, form=form)
    recording, samples = decoded(data[: len(data) // 2])
    assert "cut short" in recording.remark
    assert min_samples < len(samples) < 9000
    assert capfd.readouterr() == ("", "")


def lying(data: bytes, count: int) -> bytes:
    """Return a WAV whose header claims ``count`` bytes."""
    return data[:4] + struct.pack("<I", count) + data[8:40] + struct.pack("<I", count) + data[44:]


def test_a_header_that_claims_gigabytes_allocates_none(tone, encoded, monkeypatch):
    arrays = []
    empty = np.empty
    monkeypatch.setattr(np, "empty", lambda *a, **k: arrays.append(empty(*a, **k)) or arrays[-1])
    recording, samples = decoded(lying(encoded(tone()), 0x76543210))
    assert "claims more than it contains" in recording.remark
    assert len(samples) == len(tone())
    assert 0 < sum(array.nbytes for array in arrays) < 4 << 20
    # A program that writes to a pipe cannot know the size.
    assert decoded(lying(encoded(tone()), 0xFFFFFFFF))[0].remark == ""


@pytest.mark.parametrize("rate", [0, 50, 4_000_000_000])
def test_an_absurd_rate_is_refused(rate, tone, encoded):
    data = encoded(tone())
    with pytest.raises(BadSound):
        decoded(data[:24] + struct.pack("<I", rate) + data[28:])


def test_many_channels_take_no_more_memory(encoded):
    wave = np.random.default_rng(0).normal(size=(2000, 500)) * 0.1
    recording, _ = decoded(encoded(wave))
    assert recording.length == 2000


def test_a_long_recording_is_not_held_but_decoded_again(tone, encoded, monkeypatch):
    wave = np.concatenate([np.zeros(900), tone(2, decay=0), np.zeros(900)])
    data = encoded(wave, 11_025)
    wanted, samples = decoded(data, trim=True)
    assert wanted.samples is not None
    monkeypatch.setattr(decode, "_MAX_HELD_SAMPLES", 1000)
    monkeypatch.setattr(reader, "_BLOCK_SAMPLES", 777)
    recording, again = decoded(data, trim=True)
    assert recording.samples is None
    assert (recording.start, recording.stop) == (wanted.start, wanted.stop)
    assert again == pytest.approx(samples, abs=0.02)  # centered by the first block's mean


def test_a_recording_without_end_is_cut(tone, encoded, monkeypatch):
    monkeypatch.setattr(reader, "MAX_FRAMES", 1000)
    monkeypatch.setattr(reader, "_BLOCK_SAMPLES", 500)
    recording, samples = decoded(encoded(tone()))
    assert len(samples) == 1000 and "are used" in recording.remark


def test_a_limit_is_obeyed_but_does_not_stop_in_silence(tone, encoded, monkeypatch):
    monkeypatch.setattr(reader, "_BLOCK_SAMPLES", 500)
    assert decoded(encoded(tone(1)), limit=1000)[0].length == 1000
    late = np.concatenate([np.zeros(4000), tone(1)])
    assert decoded(encoded(late), trim=True, limit=1000)[0].length > 200


def test_files_on_disk_and_in_archives_sound_the_same(tone, encoded, tmp_path):
    for suffix, form in ((".wav", "WAV"), (".flac", "FLAC"), (".mp3", "MP3"), (".ogg", "OGG")):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"a{suffix}").write_bytes(encoded(tone(), form=form))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((tmp_path / "in").iterdir()):
            archive.write(path, path.name)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "in", "in")
    sounds = []
    for name in ("in", "a.zip", "a.tar.gz"):
        members = open_source(str(tmp_path / name)).members
        sounds.append([scan(file, 8000, 1, True).samples for file in members])
    for other in sounds[1:]:
        assert len(other) == 4
        assert all(np.array_equal(*pair) for pair in zip(sounds[0], other, strict=True))


def test_only_files_in_archives_are_bounded(tone, encoded, tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_BYTES", 1000)
    data = encoded(tone())
    with pytest.raises(BadMember, match="more than 1,000 bytes"):
        decoded(data)
    (tmp_path / "a.wav").write_bytes(data)
    (file,) = open_source(str(tmp_path / "a.wav")).members
    assert scan(file, 8000, 1, False).length == len(tone())


def test_a_read_error_truncates_the_sound(tone, encoded):
    data = encoded(tone())

    class Failing(io.BytesIO):
        def read(self, count=-1):
            if self.tell() > 1000:
                raise OSError("the disk is on fire")
            return super().read(min(count, 500))

    sound = reader._Reader(Failing(data), len(data))
    assert 0 < sum(map(len, sound.blocks())) < len(tone())
    assert sound.remark


def test_a_vanished_file_is_refused():
    def gone():
        raise FileNotFoundError("gone")

    with pytest.raises(BadSound, match="cannot be read"):
        scan(Member("a.wav", 100, 0, gone), 8000, 1, True)


def test_a_missing_library_is_a_sentence(monkeypatch, tone, encoded):
    from gancli.errors import GancliError

    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(GancliError) as caught:
        read_header(member(encoded_once(tone)))
    assert "pip install soundfile" in caught.value.hint


def encoded_once(tone) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, tone(), 8000, format="WAV")
    return out.getvalue()


def test_standard_error_is_restored_after_the_mp3_decoder(tone, encoded, capfd):
    decoded(encoded(tone(), form="MP3")[:900])
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(["WAV", "FLAC", "OGG", "MP3"]), place=st.floats(0, 1),
    junk=st.binary(min_size=1, max_size=20), cut=st.floats(0.1, 1),
)
def test_damaged_files_are_decoded_or_refused(form, place, junk, cut):
    data = bytearray(DAMAGED[form])
    start = int(place * (len(data) - 1))
    data[start : start + len(junk)] = junk
    try:
        recording = scan(member(bytes(data[: int(len(data) * cut)])), 8000, 1, True)
    except (BadSound, BadMember) as error:
        assert str(error).startswith("it ")
    else:
        assert np.isfinite(recording.samples).all() and recording.peak > 0


def _noise(form: str) -> bytes:
    out = io.BytesIO()
    wave = 0.1 * np.random.default_rng(0).normal(size=4000)
    soundfile.write(out, wave, 8000, format=form)
    return out.getvalue()


DAMAGED = {form: _noise(form) for form in ("WAV", "FLAC", "OGG", "MP3")}
