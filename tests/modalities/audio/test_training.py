"""Training on sounds: all phases, stopped and resumed, and what comes out of the model."""

import io
import shutil

import numpy as np
import pytest
import soundfile
import torch
from helpers import Recorder, assert_same, entries, interrupted_at, sample_files, tiny_run

from gancli.artifacts.finding import open_model
from gancli.data.dataset import Dataset
from gancli.errors import GancliError, UsageError
from gancli.modalities import get
from gancli.modalities.audio.mel import statistics, to_items
from gancli.modalities.audio.score import AudioScorer
from gancli.runtime.signals import Interrupted
from gancli.training.session import resume

pytestmark = pytest.mark.usefixtures("one_thread")
AUDIO = get("audio")
SMALL = {
    "g_width": 12, "d_width": 12, "latent": 4, "noise": 2, "steps": 40, "bins": 16,
    "device": "cpu", "save_every": "9",
}


@pytest.fixture(scope="module")
def tones(tmp_path_factory, tone, encoded):
    """A folder of two classes, low and high tones, 30 each."""
    root = tmp_path_factory.mktemp("tones")
    for name, pitch in (("high", 1800), ("low", 300)):
        (root / name).mkdir()
        for index in range(30):
            data = encoded(tone(0.2 + 0.01 * (index % 7), pitch + 5 * index))
            (root / name / f"{index}.wav").write_bytes(data)
    return root


def start(data, run, reporter=None, **options):
    return tiny_run(data, run, reporter, AUDIO, **{**SMALL, **options})


@pytest.fixture(scope="module")
def whole(tones, tmp_path_factory):
    run = tmp_path_factory.mktemp("whole") / "run"
    start(tones, run)
    return run


def draw(run, reporter=None, **options):
    model = open_model(str(run), "audio", pytest.fail)
    return sample_files(model, reporter, **{"seed": 0, **options})


def test_it_runs_through_all_phases_and_is_exported(whole):
    log = entries(whole)
    losses = {entry["step"]: set(entry) for entry in log if "score" not in entry}
    assert {"rebuilt", "kl"} < losses[10] and {"matching", "margin", "g_loss"} < losses[20]
    assert "g_loss" not in losses[40]  # the discriminator alone
    measured = [entry for entry in log if "score" in entry]
    assert measured and all(0 < entry["seconds_a_clip"] < 0.5 for entry in measured)
    assert (whole / "model" / "model.safetensors").exists()
    assert list((whole / "samples").glob("*.wav")) and list((whole / "samples").glob("*.png"))


def test_the_warm_start_learns(tones, tmp_path):
    start(tones, tmp_path / "run", preset="vae", steps=120, lr=1e-2)
    rebuilt = [entry["rebuilt"] for entry in entries(tmp_path / "run") if "rebuilt" in entry]
    assert rebuilt[-1] < 0.7 * rebuilt[0]


@pytest.mark.parametrize("steps", [[5, 14, 30], [13, 15, 38, 39]])
def test_stopped_and_resumed_it_ends_the_same(whole, tones, tmp_path, steps):
    run = tmp_path / "run"
    for step in steps:
        with pytest.raises(Interrupted):
            if run.exists():
                resume(run, None, interrupted_at(step), modality_name="audio")
            else:
                start(tones, run, interrupted_at(step))
    resume(run, None, Recorder(), modality_name="audio")
    assert_same(run, whole)


def test_trained_for_longer_it_is_not_warmed_up_again(whole, tmp_path):
    run, heard = shutil.copytree(whole, tmp_path / "run"), Recorder()
    resume(run, None, heard, modality_name="audio", budget={"steps": "20"}, command="more")
    phases = [status.phase for status in heard.statuses]
    assert phases == ["adversarial"] * 19 + ["refit"]
    again = shutil.copytree(whole, tmp_path / "again")
    with pytest.raises(Interrupted):
        resume(
            again, None, interrupted_at(44), modality_name="audio",
            budget={"steps": "20"}, command="more",
        )
    resume(again, None, Recorder(), modality_name="audio")
    assert_same(again, run)


@pytest.mark.parametrize("form", ["wav", "flac"])
def test_a_seed_is_the_same_bytes_at_any_batch(whole, tmp_path, form):
    one, _ = draw(whole, n=20, batch=1, format=form)
    other, _ = draw(whole, n=20, batch=64, format=form)
    assert one == other
    _, files = draw(whole, n=20, output=f"{tmp_path}/out/", format=form)
    alone, _ = draw(whole, seed=7, format=form)
    assert files[7].name == f"seed-000007.{form}" and files[7].read_bytes() == alone


def test_clips_are_joined_with_gaps_and_their_peak_is_fixed(whole):
    clips = [soundfile.read(io.BytesIO(draw(whole, seed=seed)[0]))[0] for seed in range(3)]
    for clip in clips:
        assert np.abs(clip).max() == pytest.approx(0.95, abs=1e-3)
    joined, rate = soundfile.read(io.BytesIO(draw(whole, n=3, gap=0.1)[0]))
    gap = np.zeros(round(0.1 * rate))
    assert rate == 8000
    assert np.array_equal(joined, np.concatenate([clips[0], gap, clips[1], gap, clips[2]]))
    closed, _ = soundfile.read(io.BytesIO(draw(whole, n=3, gap=0.0)[0]))
    assert np.array_equal(closed, np.concatenate(clips))
    raw, _ = draw(whole, n=3, gap=0.1, raw=True)
    assert np.array_equal(np.frombuffer(raw, "<i2"), np.rint(joined * 32768).astype(int))


def test_a_class_is_drawn_by_name(whole):
    low, high = (draw(whole, class_name=name, raw=True)[0] for name in ("low", "high"))
    assert low != high
    with pytest.raises(UsageError, match="middle"):
        draw(whole, class_name="middle")


def test_a_shorter_length_cuts(whole):
    short, _ = draw(whole, n=1, length=0.08, raw=True)
    assert len(short) // 2 <= 5 * 128


def test_guided_sampling_chooses_among_candidates(whole):
    plain, guided = (draw(whole, n=6, guided=count, raw=True)[0] for count in (1, 4))
    assert plain and guided and plain != guided


def test_clips_lead_from_seed_to_seed(whole):
    ends = [draw(whole, seed=seed, class_name="low", raw=True)[0] for seed in (3, 4, 5)]
    way, _ = draw(
        whole, seeds="3-5", seed=None, class_name="low", interpolate=2, gap=0.0, raw=True
    )
    assert way.startswith(ends[0]) and len(way) > len(b"".join(ends))
    jump, _ = draw(whole, seeds="3-5", seed=None, class_name="low", gap=0.0, raw=True)
    assert ends[1] in way and way != jump


def test_the_seconds_of_sound_and_of_work_are_reported(whole, tmp_path):
    reporter = Recorder()
    _, files = draw(whole, reporter, n=3, output=f"{tmp_path}/out/")
    seconds = sum(soundfile.info(file).duration for file in files)
    assert reporter.figures["sound_seconds"] == pytest.approx(seconds, abs=1e-3)
    assert reporter.figures["real_time_factor"] > 0


def test_a_picture_is_written_too_and_nothing_is_replaced(whole, tmp_path):
    wav, png = tmp_path / "a.wav", tmp_path / "a.png"
    _, files = draw(whole, n=2, output=str(wav), spectrogram=str(png))
    assert files == [wav, png] and png.read_bytes()[:4] == b"\x89PNG"
    for name in ("a.wav", "b.wav"):
        with pytest.raises(GancliError, match="already"):
            draw(whole, output=str(tmp_path / name), spectrogram=str(png))
    assert not (tmp_path / "b.wav").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"raw": True, "format": "wav"}, "--raw"), ({"output": "x.mp3"}, "mp3"),
        ({"output": "x.wav", "format": "ogg"}, "contradicts --format ogg"),
        ({"output": ""}, "-o is empty"),
        ({"output": "x.wav", "raw": True}, "contradicts --raw"),
        ({"spectrogram": "x.jpg"}, "not a PNG"),
        ({"output": "out/", "gap": 0.1}, "--gap"), ({"length": 9.0}, "last up to"),
        ({"n": 2, "interpolate": 4, "output": "out/"}, "--interpolate"),
        ({"interpolate": 4}, "two seeds"), ({"n": 2, "interpolate": 4, "guided": 2}, "--guided"),
    ],
)
def test_what_does_not_go_together_is_refused(whole, tmp_path, monkeypatch, options, problem):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=problem):
        draw(whole, **options)
    assert not list(tmp_path.iterdir())


def test_the_score_orders_known_cases(audio_spec, tone):
    """Real is best, then one class missing, then one clip repeated, then noise."""
    rng = np.random.default_rng(0)
    waves = np.zeros((600, 16 * 128, 1), np.int16)
    for index, row in enumerate(waves):
        pitch = (300, 1200)[index % 2] * rng.uniform(0.9, 1.1)
        wave = tone(0.25, pitch, decay=rng.uniform(2, 8))
        row[: len(wave), 0] = wave * 20_000
    lengths = np.full(600, 16, np.int32)
    mean, std = statistics(list(waves[:100] / np.float32(32768)), 8000, 128, 512, 32)
    spec = audio_spec(bins=32, mean=tuple(mean), deviation=tuple(np.maximum(std, 0.05)))
    indices = np.arange(600)
    dataset = Dataset(
        {"samples": waves, "lengths": lengths}, None, indices[:300], indices[300:], "x"
    )
    scorer = AudioScorer(dataset, spec, 0, 256)
    items = to_items(torch.from_numpy(waves), torch.from_numpy(lengths), spec)
    noise = torch.randn(items[:256].shape, generator=torch.Generator().manual_seed(0))
    cases = [items[:256], items[0:256:2], items[:1].repeat(256, 1, 1), noise]
    scores = [scorer.score(case) for case in cases]
    assert scores == sorted(scores) and scores[0] < 5 * scorer.floor + 1
    spreads = [scorer.diversity(case) for case in cases]
    assert spreads[0] == pytest.approx(1, abs=0.1) and spreads[2] < 0.01
    assert scorer.score(items[:4] * float("nan")) == float("inf")
