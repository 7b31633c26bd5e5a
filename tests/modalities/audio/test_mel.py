"""Sound to log-mel frames, and back."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from gancli.modalities.audio.filters import inverse_filters, mel_filters
from gancli.modalities.audio.frames import FLOOR, frames_inside, from_item
from gancli.modalities.audio.inversion import griffin_lim, mel_to_audio, mel_to_magnitudes
from gancli.modalities.audio.mel import log_mel, statistics, to_items
from gancli.modalities.audio.spectrogram import LEFT, TOP, as_png, frequency_ticks

FRAME = {"rate": 8000, "hop": 128, "window": 512, "bins": 32}


@pytest.fixture(scope="module")
def chords(tone):
    """Clips of two tones each, float32, shape (samples, 1)."""
    waves = []
    for index in range(6):
        wave = tone(0.3 + 0.05 * index, 300 + 90 * index) + tone(
            0.3 + 0.05 * index, 1500 - 70 * index, level=0.2
        )
        waves.append(wave[:, None])
    return waves


@pytest.fixture
def mel_clips(chords, audio_spec):
    """A spec of these clips, their samples (6, 6144, 1) as int16, and the frames inside each."""
    mean, std = statistics(chords, **FRAME)
    spec = audio_spec(
        bins=32, frames=48, mean=tuple(mean.tolist()),
        deviation=tuple(np.maximum(std, 0.05).tolist()),
    )
    samples = np.zeros((6, 48 * 128, 1), np.int16)
    for row, clip in zip(samples, chords, strict=True):
        row[: len(clip)] = clip / np.abs(clip).max() * 31000
    lengths = np.array([-(-len(clip) // 128) for clip in chords], np.int32)
    return spec, torch.from_numpy(samples), torch.from_numpy(lengths)


def test_statistics_are_those_of_all_frames(chords):
    mean, std = statistics(chords, **FRAME)
    frames = torch.cat([log_mel(torch.from_numpy(clip)[None], **FRAME)[0] for clip in chords])
    assert frames.shape == (sum(len(clip) // 128 for clip in chords), 32)
    assert np.allclose(mean, frames.mean(0), atol=1e-4)
    assert np.allclose(std, frames.std(0, unbiased=False), atol=1e-4)


def test_a_tone_is_in_the_band_of_its_pitch(tone):
    bands = [
        int(log_mel(torch.from_numpy(tone(0.3, pitch)[None, :, None]), **FRAME)[0, 5].argmax())
        for pitch in (200, 800, 3000)
    ]
    # 32 triangles that are evenly spaced on the mel scale, 2595 log10(1 + f / 700), to 4 kHz.
    mels = 2595 * np.log10(1 + np.array([200, 800, 3000, 4000]) / 700)
    assert np.abs(np.array(bands) - (33 * mels[:3] / mels[3] - 1)).max() <= 1


def test_filters_are_triangles_of_height_one_on_the_mel_scale():
    filters = mel_filters(8000, 2048, 8)
    mels = np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 10)
    corners = 700 * (10 ** (mels / 2595) - 1)
    frequencies = np.arange(1025) * 8000 / 2048
    for band, (low, top, high) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        expected = np.interp(frequencies, [low, top, high], [0, 1, 0])
        assert np.abs(filters[:, band] - expected).max() < 1e-6
    assert filters.dtype == np.float32 and filters.shape == (1025, 8)


@pytest.mark.parametrize(("window", "empty"), [(1024, False), (128, True)])
def test_the_inverse_of_the_filters_is_the_pseudo_inverse(window, empty):
    filters = mel_filters(16000, window, 64)
    assert (filters == 0).all(0).any() == empty  # narrow low bands hold no frequency at all
    expected = torch.linalg.pinv(torch.from_numpy(filters)).numpy()
    assert np.abs(inverse_filters(16000, window, 64) - expected).max() < 1e-5


def test_frames_of_another_device_leave_the_filters_where_they_were(mel_clips):
    spec, samples, lengths = mel_clips
    log_mel(torch.zeros(1, 1024, 1, device="meta"), spec.rate, spec.hop, spec.window, spec.bins)
    assert to_items(samples, lengths, spec).device.type == "cpu"


def test_channels_lie_side_by_side(tone):
    stereo = np.stack([tone(0.3, 300), tone(0.3, 2000)], 1)
    frames = log_mel(torch.from_numpy(stereo)[None], **FRAME)[0]
    for channel in range(2):
        alone = log_mel(torch.from_numpy(stereo[:, [channel]])[None], **FRAME)[0]
        assert torch.allclose(frames[:, 32 * channel : 32 * (channel + 1)], alone, atol=1e-5)


def test_an_item_says_where_it_ends_and_is_silent_after_it(mel_clips):
    spec, samples, lengths = mel_clips
    items = to_items(samples, lengths, spec)
    assert items.shape == (6, 48, 33) and items.dtype == torch.float32
    assert ((items[..., -1] > 0).sum(1) == lengths).all()
    for item, length in zip(items, lengths, strict=True):
        assert frames_inside(item.numpy(), spec) == length
        after = item[length:, :-1]
        assert (after == after[:1]).all()
        assert from_item(item.numpy(), spec).shape == (1, 32, int(length))
    inside = items[..., :-1][items[..., -1] > 0]
    assert abs(float(inside.mean())) < 0.5 and 0.5 < float(inside.std()) < 1.5


def test_a_clip_without_an_end_of_its_own_is_whole(mel_clips, audio_spec):
    item = np.full((16, 9), -1.0, np.float32)
    assert frames_inside(item, audio_spec(ends=False)) == 16
    assert frames_inside(item, audio_spec()) == 4  # never less than a step of the generator
    item[[6, 9], -1] = 1.0
    assert frames_inside(item, audio_spec()) == 10  # frames outside in the middle do not end it


def error(sound: np.ndarray, item: np.ndarray, spec) -> float:
    """Return the root mean squared error of the log-mel where there is sound, in decibels."""
    wanted = from_item(item, spec)[0].T
    loud = wanted > wanted.max() - 40 / 20 * np.log(10)
    actual = log_mel(torch.from_numpy(sound)[None], **FRAME)[0].numpy()
    return float(np.sqrt(np.square(actual - wanted)[loud].mean())) * 20 / np.log(10)


def test_sound_comes_back_from_frames(mel_clips):
    spec, samples, lengths = mel_clips
    items = to_items(samples, lengths, spec).numpy()
    # Noise with the same mean and standard deviation is 15 dB off.
    assert np.mean([error(mel_to_audio(item, spec, 0), item, spec) for item in items]) < 2.5
    for item, sound in zip(items, samples, strict=True):
        inverted = mel_to_audio(item, spec, 0)[:, 0]
        inside = frames_inside(item, spec)
        assert len(inverted) == inside * 128
        pitches = [
            np.abs(np.fft.rfft(wave[:4096], 8192)).argmax() * 8000 / 8192
            for wave in (inverted, sound.numpy()[:, 0] / 32768)
        ]
        assert abs(pitches[0] - pitches[1]) < 45  # bands are twice as wide


def test_updates_and_momentum_each_reduce_the_error(mel_clips):
    spec, samples, lengths = mel_clips
    item = to_items(samples, lengths, spec)[0].numpy()
    bands = np.maximum(np.exp(from_item(item, spec)) - np.float32(FLOOR), 0)
    filters = mel_filters(spec.rate, spec.window, spec.bins)

    def band_error(updates: int) -> float:
        magnitudes = mel_to_magnitudes(bands, spec, updates)
        return float(np.abs(filters.T @ magnitudes - bands).mean())

    assert band_error(10) < 0.5 * band_error(0)

    wanted = mel_to_magnitudes(bands, spec)

    def residual(**options) -> float:
        sound = torch.from_numpy(griffin_lim(wanted, spec, 0, **options))
        actual = torch.stft(sound, spec.window, spec.hop, window=torch.hann_window(spec.window),
                            pad_mode="constant", return_complex=True).abs().numpy()
        return float(np.linalg.norm(actual - wanted) / np.linalg.norm(wanted))

    plain = residual(iterations=32, momentum=0.0)
    assert residual(iterations=32) < 0.98 * plain < 0.9 * residual(iterations=4, momentum=0.0)


def test_a_seed_fixes_the_phases(mel_clips):
    spec, samples, lengths = mel_clips
    item = to_items(samples[:1], lengths[:1], spec)[0].numpy()
    one, again, other = (mel_to_audio(item, spec, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.allclose(one, other, atol=1e-3)


def drawn(items, spec, frames):
    """Return the pixels of a picture of spectrograms."""
    return np.asarray(Image.open(io.BytesIO(as_png(items, spec, frames, {}))))


def test_a_spectrogram_has_low_notes_at_the_bottom_and_ends_in_blue(tone, audio_spec):
    spec = audio_spec(bins=32, frames=32, channels=2)
    wave = np.stack([tone(0.256, 300, decay=0), tone(0.256, 3000, decay=0)], 1)
    samples = torch.zeros(1, 32 * 128, 2, dtype=torch.int16)
    samples[0, : len(wave)] = torch.from_numpy(wave * 30_000).short()
    item = to_items(samples, torch.tensor([16]), spec)[0].numpy()
    picture = drawn([item], spec, 32)[TOP::2, LEFT::2]
    rows = picture[:64, 8, 0].astype(int)
    assert rows[:32].argmax() > 24 and rows[32:].argmax() < 8  # the first channel is above
    assert (picture[:64, 16:32] == (0, 0, 96)).all()
    assert (picture[:64, :16, 0] == picture[:64, :16, 2]).all()


@pytest.mark.parametrize("kilohertz", [0.5, 1.0, 2.0])
def test_a_tone_is_where_the_axis_of_frequency_says(tone, audio_spec, kilohertz):
    spec = audio_spec(bins=48, frames=32)
    samples = torch.from_numpy(tone(0.512, 1000 * kilohertz, decay=0) * 30_000).short()
    item = to_items(samples[None, :4096, None], torch.tensor([32]), spec)[0].numpy()
    loudest = item[8, :-1] * np.array(spec.deviation) + np.array(spec.mean)
    band = dict(frequency_ticks(spec))[kilohertz]
    assert abs(loudest.argmax() - band) <= 0.75  # bands are whole


def test_silence_is_black(audio_spec):
    spec = audio_spec(bins=32, frames=8)
    item = to_items(torch.zeros(1, 8 * 128, 1, dtype=torch.int16), torch.tensor([8]), spec)[0]
    picture = drawn([item.numpy()], spec, 8)
    assert not picture[TOP : TOP + 64, LEFT : LEFT + 16].any()


def test_the_times_on_the_axis_are_where_the_clip_is(audio_spec):
    spec = audio_spec(bins=32, frames=64)  # of 128 samples at 8,000 Hz: a second and a bit
    item = np.zeros((64, spec.depth), np.float32)
    one = drawn([item], spec, 64)
    ticks = np.flatnonzero((one[TOP + 64 + 2] == 236).all(1)) - LEFT
    assert list(ticks) == [0, 62, 125]  # 0, 0.5 and 1 s: half a second is 62.5 pixels


def test_a_picture_knows_where_its_clips_are(audio_spec):
    spec = audio_spec(bins=32, frames=32)
    items = [np.full((32, spec.depth), value, np.float32) for value in (1.0, 1.0, -1.0)]
    times = [(0.0, 0.5), (0.75, 1.25), (1.5, 1.5)]
    file = io.BytesIO(as_png(items, spec, 32, {"seeds": "1-3"}, times))
    with Image.open(file) as picture:
        assert picture.text["seeds"] == "1-3"
        clips, (width, height) = json.loads(picture.text["clips"]), picture.size
        pixels = np.asarray(picture)
    assert [clip[4:] for clip in clips] == [[0.0, 0.5], [0.75, 1.25], [1.5, 1.5]]
    for (left, top, across, down, *_), color in zip(clips, (255, 255, 0), strict=True):
        assert (round(across * width), round(down * height)) == (64, 64)
        row, column = round(top * height), round(left * width)
        assert (pixels[row : row + 64, column + 32 : column + 64, 0] == color).all()
