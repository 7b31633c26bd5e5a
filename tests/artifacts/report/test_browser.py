"""The page in a real browser, without a network."""

import shutil

import pytest
from playwright.sync_api import sync_playwright
from report_runs import STEPS, write_comparison

from gancli.artifacts.report import write_report
from gancli.artifacts.report.media import previews
from gancli.evaluation.comparison_page import write_page
from gancli.evaluation.results import read_comparison

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(21, 23, 27)"


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"There is no browser here: none of {', '.join(BROWSERS)} is on the PATH.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def show(browser, make_run, tmp_path):
    """Return a function that opens the report of a run, or of a comparison of runs.

    Whatever goes wrong fails the test.
    """
    contexts, problems, requests = [], [], []

    def show(modality="image", live=False, compared=False, **settings):
        if compared:
            run = write_comparison(tmp_path, modality)
            name = write_page(read_comparison(run), live=live).name
        else:
            run, name = make_run(modality), "report.html"
            write_report(run, {}, live=live)
        context = browser.new_context(**{"viewport": {"width": 1000, "height": 800}, **settings})
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        if live:
            page.clock.install()
        page.goto((run / name).as_uri())
        return page, run

    yield show
    for context in contexts:
        context.close()
    assert problems == []
    elsewhere = [url for url in requests if not url.startswith(("file://", "data:"))]
    assert elsewhere == [] and len({url for url in requests if url.startswith("file://")}) == 1


def shown(page):
    """Return the steps of the previews that can be seen."""
    return [int(each.get_attribute("data-step")) for each in page.locator(".frame").all()
            if each.is_visible()]


def test_the_slider_moves_the_picture(show):
    page, run = show("image")
    assert shown(page) == [STEPS[-1]]
    slider = page.get_by_role("slider", name="Preview")
    slider.focus()
    page.keyboard.press("Home")
    assert shown(page) == [STEPS[0]]
    page.keyboard.press("ArrowRight")
    assert shown(page) == [STEPS[1]]
    image = page.get_by_role("img", name=f"Samples at step {STEPS[1]}")
    assert image.get_attribute("src") == previews(run / "samples")[1].picture
    assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [32, 24]
    assert slider.get_attribute("aria-valuetext") == "step 100, after 50 s"
    assert page.locator("#previewstep").inner_text() == "step 100, after 50 s"


def test_there_is_a_player_beside_the_spectrogram(show):
    page, _ = show("audio")
    player = page.locator("audio:visible")
    assert player.count() == 1 and player.get_attribute("controls") is not None
    player.evaluate("audio => { if (!audio.readyState) return new Promise((done, failed) => {"
                    "audio.onloadedmetadata = done; audio.onerror = failed; }); }")
    assert player.evaluate("audio => audio.duration") == pytest.approx(0.5, abs=0.1)
    assert page.get_by_role("img", name="Spectrograms of samples at step 400").is_visible()


def test_a_clip_of_the_spectrogram_plays_its_part_of_the_sound(show):
    page, _ = show("audio")
    player = page.locator("audio:visible")
    image = page.get_by_role("img", name="Spectrograms of samples at step 400").bounding_box()
    second = page.locator(".frame:visible").get_by_role("button", name="Play seed 1")
    box = second.bounding_box()
    assert box["x"] == pytest.approx(image["x"] + image["width"] / 2, abs=1)
    assert box["width"] == pytest.approx(image["width"] / 2, abs=1)
    # A machine without a device for sound cannot play, so this looks at where it would begin.
    player.evaluate("audio => { audio.play = () => { audio.from = audio.currentTime;"
                    "return Promise.resolve(); }; }")
    second.click()
    assert player.evaluate("audio => audio.from") == 0.25
    assert "playing" in second.get_attribute("class")


def test_texts_are_shown_by_seed(show):
    page, _ = show("text")
    assert page.locator(".frame:visible li").all_inner_texts() == ["abc at 400", "<b>fed</b>"]
    assert "abc at 50" in page.get_by_role("region", name="The same seeds over time").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_reader(show, scheme):
    page, _ = show("image", color_scheme=scheme)
    style = "name => getComputedStyle(document.body)[name]"
    assert page.evaluate(style, "backgroundColor") == {"light": LIGHT, "dark": DARK}[scheme]
    assert page.evaluate(style, "color") != page.evaluate(style, "backgroundColor")


@pytest.mark.parametrize("compared", [False, True])
@pytest.mark.parametrize("modality", ["image", "text", "audio"])
def test_a_phone_need_not_scroll_sideways(show, modality, compared):
    page, _ = show(modality, compared=compared, viewport={"width": 400, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == 400


def test_keys_and_pointer_read_values(show):
    page, _ = show("image")
    chart = page.locator(".chart", has_text="Losses").first
    svg, readout = chart.locator("svg"), chart.locator(".readout")
    svg.focus()
    page.keyboard.press("Home")
    assert readout.inner_text() == "step 10 · 5 s · warm start · g_loss 100"
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert readout.inner_text() == "step 390 · 3 min 15 s · adversarial · g_loss 2.564"
    box = svg.bounding_box()
    # Step 200 is in the middle between the ends of the axis, at 74 and 706 of 720.
    svg.hover(position={"x": box["width"] * 390 / 720, "y": box["height"] / 2})
    assert readout.inner_text().startswith("step 200 ·")


def test_the_switch_changes_the_scale_and_is_remembered(show):
    page, _ = show("image")
    chart = page.locator(".chart", has_text="Score").first
    switch = chart.get_by_label("logarithmic")
    assert chart.locator("g.linear").is_visible() and not chart.locator("g.log").is_visible()
    switch.check()
    assert chart.locator("g.log").is_visible() and not chart.locator("g.linear").is_visible()
    page.reload()
    assert switch.is_checked() and chart.locator("g.log").is_visible()
    chart.locator("svg").focus()
    page.keyboard.press("End")
    dot, curve = chart.locator(".cursor circle"), chart.locator("g.log .dot").last
    for place in ("cx", "cy"):  # the script puts it where the page has drawn it
        assert float(dot.get_attribute(place)) == pytest.approx(
            float(curve.get_attribute(place)), abs=0.1
        )


def test_a_page_of_a_training_reloads_itself(show):
    page, run = show("image", live=True)
    (run / "metrics.jsonl").write_text("")
    write_report(run, {}, live=True)
    page.get_by_label("reload every half minute").uncheck()
    page.clock.fast_forward(31_000)
    assert page.locator(".chart").count() > 0
    page.get_by_label("reload every half minute").check()
    page.clock.fast_forward(31_000)
    page.get_by_text("Nothing is recorded yet").wait_for()


def test_without_a_script_all_previews_are_shown(show):
    page, _ = show("image", java_script_enabled=False)
    assert shown(page) == list(STEPS)


def test_the_cells_of_a_comparison_are_read_together(show):
    page, _ = show(compared=True)
    chart = page.locator(".chart").first
    readout = chart.locator(".readout")
    chart.locator("svg").focus()
    page.keyboard.press("End")
    assert readout.inner_text() == "step 400 · g-cell=a 15 · g-cell=b 45"
    name = chart.get_by_role("button", name="g-cell=b")
    name.click()
    assert name.get_attribute("aria-pressed") == "true"
    line = "g.log .line.s{}"
    opacity = "line => getComputedStyle(line).opacity"
    assert [float(chart.locator(line.format(index)).evaluate(opacity)) for index in (0, 1)] == [
        pytest.approx(0.1), 1
    ]
    name.click()
    assert float(chart.locator(line.format(0)).evaluate(opacity)) == 1
    page.get_by_text("The same over time").click()
    page.locator(".chart svg").last.focus()
    page.keyboard.press("Home")
    assert page.locator(".readout").last.inner_text() == "1 min 40 s · g-cell=a 60 · g-cell=b 180"


def test_one_cell_sounds_at_a_time(show):
    page, _ = show("audio", compared=True)
    assert page.locator(".cells audio").count() == 2
    box = page.locator(".cells .frame").nth(1).get_by_role("button", name="Play seed 1")
    page.evaluate("document.querySelectorAll('audio').forEach(audio => { audio.play = () => {"
                  "audio.dispatchEvent(new Event('play')); return Promise.resolve(); };"
                  "audio.pause = () => { audio.silenced = true; }; })")
    box.click()
    silenced = "document.querySelectorAll('audio')[{}].silenced === true"
    assert [page.evaluate(silenced.format(index)) for index in (0, 1)] == [True, False]
