"""The page: what it says of a run, and that it needs nothing else and runs nothing foreign."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from report_runs import ENTRIES, KINDS, STEPS

from gancli.artifacts.report import report_page, write_report
from gancli.artifacts.report.history import History, Span
from gancli.artifacts.report.media import previews

HOSTILE = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>"


class Reader(HTMLParser):
    """Collects what a browser would see: elements with their attributes, and text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text, self._inside = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._inside.pop()

    def handle_data(self, data):
        if not self._inside:
            self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.mark.parametrize("modality", KINDS)
def test_nothing_comes_from_elsewhere(make_run, modality):
    page = report_page(make_run(modality), {})
    code = re.sub(r"base64,[\w+/=]*", "", page).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//\w", code)
    assert "@import" not in page and "url(" not in page
    reader = Reader(page)
    for tag, attributes in reader.elements:
        for name in ("src", "href", "srcset", "data", "poster", "action"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes)
    (policy,) = [meta for meta in reader.all("meta") if "http-equiv" in meta]
    assert policy["content"].startswith("default-src 'none'; img-src data:; media-src data:;")


@pytest.mark.parametrize("modality", KINDS)
def test_the_page_says_what_there_is_to_know(make_run, modality):
    reader = Reader(report_page(make_run(modality), {}, ["Samples are all alike."]))
    words = reader.words
    for sentence in (
        f"Modality: {modality}. Data: cats.", "best score 10 floor 2.5, at step 400",
        "time trained 3 min 20 s",
        "Skipped 3 files.", "Training diverged. Rolled back to step 200 with half the learning",
        "Samples are all alike.", "device abacus", "--steps 400 not set Budget in steps",
        "Not finished. To continue: gancli train",
    ):
        assert sentence in words, sentence
    assert re.search(r"generator: [\d,]+ parameters, [\d,]+ multiply-adds an item", words)
    assert [each["data-step"] for each in reader.all("figure") if "data-step" in each] == [
        str(step) for step in STEPS
    ]
    (slider,) = [each for each in reader.all("input") if each["type"] == "range"]
    assert (slider["min"], slider["max"], slider["value"]) == ("0", "3", "3")
    assert [each["for"] for each in reader.all("label") if each.get("for") == slider["id"]]
    charts = [svg for svg in reader.all("svg")]
    assert charts and all(svg["role"] == "img" and svg["aria-label"] for svg in charts)
    assert all(image["alt"] for image in reader.all("img"))
    assert all(audio["aria-label"] for audio in reader.all("audio"))


def test_options_by_default_are_apart_from_those_that_were_chosen(make_run):
    words = Reader(report_page(make_run("image"), {})).words
    chosen, _, rest = words.partition("options are as by default")
    assert "--g-width 4 not set" in chosen and "--batch" not in chosen.partition("Options")[2]
    assert "--batch" in rest


def test_times_have_their_unit(make_run):
    run = make_run("image")
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace("steps = 400", "time = 90.0"))
    assert "--time 90 s not set" in Reader(report_page(run, {})).words


@pytest.mark.parametrize("modality", KINDS)
def test_a_training_need_not_wait_for_the_costs_of_layers(make_run, modality):
    run, state = make_run(modality), torch.random.get_rng_state()
    quick = Reader(report_page(run, {}, layers=False)).words.partition("Networks")[2]
    assert "multiply-adds an item" not in quick and "The end of training adds" in quick
    full = Reader(report_page(run, {})).words.partition("Networks")[2]
    assert "multiply-adds an item" in full
    counts = [re.findall(r"(generator|discriminator): ([\d,]+) parameters", page)
              for page in (quick, full)]
    assert counts[0] == counts[1] and len(counts[0]) == 2
    assert torch.equal(torch.random.get_rng_state(), state)  # a training may be under way


def test_figures_of_a_finished_model_come_first(make_run):
    metrics = {"score": 3.25, "floor": 1.5, "best_step": 350, "items": 3200, "guide_accuracy": 0.75}
    run = make_run("image")
    words = Reader(report_page(run, metrics)).words
    assert "Finished." in words and "guide accuracy 0.75" in words and "items seen 3,200" in words
    assert "best score 3.25 floor 1.5, at step 350" in words
    assert "best score" not in Reader(report_page(run, {"steps": 400, "best_step": 300})).words
    troubled = Reader(report_page(run, metrics, ["Training diverged."])).words
    assert "Finished, with warnings." in troubled and "Training diverged." in troubled


def test_pictures_are_small_and_what_they_were(make_run):
    run = make_run("image")
    for preview, shade in zip(previews(run / "samples"), (0, 60, 120, 180), strict=True):
        kind, _, data = preview.picture.partition(";base64,")
        assert kind == "data:image/webp"
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))), int)
        assert pixels.shape == (24, 32, 3) and abs(pixels - shade).max() <= 4


def test_large_pictures_are_made_smaller_and_keep_their_transparency(make_run):
    run = make_run("image")
    pixels = np.zeros((2000, 4000, 4), np.uint8)
    Image.fromarray(pixels).save(run / "samples" / "step-0000400.png")
    data = base64.b64decode(previews(run / "samples")[-1].picture.partition(";base64,")[2])
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (1280, 640) and picture.mode == "RGBA"
    assert not np.asarray(picture)[..., 3].any()


@pytest.mark.parametrize(("rate", "kind"), [(8000, "audio/mpeg"), (44101, "audio/flac")])
def test_sounds_are_small_and_as_long_as_they_were(tmp_path, rate, kind):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    soundfile.write(tmp_path / "step-0000050.wav", tone, rate)
    (preview,) = previews(tmp_path)
    head, _, data = preview.sound.partition(";base64,")
    assert head == f"data:{kind}"
    heard, heard_rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    assert heard_rate == rate and abs(len(heard) - rate) <= 0.1 * rate
    spectrum = np.abs(np.fft.rfft(heard[: rate // 2]))
    assert abs(spectrum.argmax() * 2 - 440) <= 4  # Hz
    assert len(base64.b64decode(data)) < 0.5 * 2 * rate


def test_damaged_previews_are_left_out(make_run):
    run = make_run("audio")
    (run / "samples" / "step-0000050.png").write_bytes(b"\x89PNG cut short")
    (run / "samples" / "step-0000050.wav").write_bytes(b"")
    (run / "samples" / "step-x.png").write_bytes(b"")
    assert [each.step for each in previews(run / "samples")] == [100, 200, 400]


def test_texts_are_side_by_side_by_seed_and_step(make_run):
    page = report_page(make_run("text"), {})
    table = page.partition("<table class=beside>")[2].partition("</table>")[0]
    rows = [re.findall(r"<bdi>(.*?)</bdi>", row) for row in table.split("<tr>")[2:]]
    assert rows == [
        [f"abc at {step}" for step in STEPS], ["&lt;b&gt;fed&lt;/b&gt;"] * len(STEPS)
    ]


@pytest.mark.parametrize("modality", ["image", "text"])
def test_hostile_names_are_text(make_run, modality):
    entries = [*ENTRIES, {"step": 400, "warning": HOSTILE, "phase": HOSTILE, HOSTILE: 1.5}]
    run = make_run(
        modality, entries, name="a'\"<i>&b", command=f"gancli {HOSTILE}", data=HOSTILE,
        data_name=HOSTILE,
    )
    (run / "samples" / "step-0000400.txt").write_text(HOSTILE + "\n")
    page = report_page(run, {HOSTILE: 1.0}, [HOSTILE])
    reader = Reader(page)
    assert len(reader.all("script")) == 1 and not reader.all("i")
    assert not any("onerror" in attributes for _, attributes in reader.elements)
    assert all(image["src"].startswith("data:image/webp") for image in reader.all("img"))
    assert reader.words.count("<script>alert(1)</script>") >= 5


def test_names_that_are_not_utf8_can_be_written(make_run):
    run = make_run("image", data_name="caf?")
    config = (run / "config.toml").read_bytes().replace(b"caf?", b"caf\xe9")
    (run / "config.toml").write_bytes(config)
    write_report(run, {})
    assert "Data: caf?." in Reader((run / "report.html").read_text("utf-8")).words


def test_a_run_without_figures_and_samples_has_a_page(make_run):
    run = make_run("image", [])
    for path in (run / "samples").iterdir():
        path.unlink()
    words = Reader(report_page(run, {})).words
    assert "Nothing is recorded yet" in words and "No preview is written yet" in words


def test_a_run_of_another_version_has_a_page(make_run):
    run = make_run("image")
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text('option_of_tomorrow = "x"\n' + text)
    words = Reader(report_page(run, {})).words
    assert "option_of_tomorrow x" in words and "its defaults are not known" in words


def test_values_that_are_not_finite_have_no_curve_but_are_told(make_run):
    entries = [*ENTRIES, {
        "step": 410, "score": float("inf"), "floor": float("inf"), "g_loss": float("nan"),
        "d_loss": 1e300, "best": True,
    }]
    page = report_page(make_run("image", entries), {})
    assert "not finite" in Reader(page).words and not re.search(r"[ ',=](inf|nan)\b", page)


def test_a_score_that_is_no_number_in_the_log_is_told(make_run):
    entries = [{"step": 10, "seconds": 1.0, "score": None, "diversity": 0.5, "best": False}]
    words = Reader(report_page(make_run("image", entries), {})).words
    assert "10 1 s not finite 0.5" in words and "best score" not in words


def test_only_a_page_of_a_training_reloads_itself(make_run):
    run = make_run("image")
    assert "data-live=1" in report_page(run, {}, live=True)
    done = report_page(run, {})
    assert "data-live=0" in done and "id=reload" not in done


def test_history_finds_phases_best_and_troubles():
    history = History(ENTRIES)
    assert history.phases == [Span("warm start", 0, 200), Span("adversarial", 200, 400)]
    assert history.best["step"] == 400 and history.steps == 400
    roll_back = "Training diverged. Rolled back to step 200 with half the learning rates."
    told = [(0.0, "Skipped 3 files."), (200.0, roll_back)]
    assert history.troubles() == told
    assert history.troubles([roll_back, "New."]) == [*told, (None, "New.")]
    assert history.machines() == [{"from step": 0, "device": "abacus", "precision": "fp8"}]


def test_a_logged_roll_back_is_told_once():
    sentence = "Training diverged. Rolled back to step 200 with half the learning rates."
    history = History([*ENTRIES, {"step": 200, "warning": sentence}])
    assert [text for _, text in history.troubles()].count(sentence) == 1
