"""Widths and batch follow what the budget buys."""

from dataclasses import replace

import pytest
from helpers import Recorder, tiny_run

from gancli.artifacts.record import read_record
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.sizing import sized
from gancli.modalities.image.spec import ImageSpec

SPEC = ImageSpec(32, "RGB", "crop", (), (), 100)


def chosen(pictures, size=32, **options):
    """Return the sized config and what was asked of the machine."""
    asked = []

    def affordable(config, batch):
        asked.append((config.g_width, config.d_width, batch))
        return pictures

    config, sentences = sized(replace(SPEC, size=size), ImageConfig(**options), affordable)
    return config, sentences, asked


@pytest.mark.parametrize(
    ("size", "pictures", "width"),
    [(28, 855_000, 48), (28, 450_000, 32), (32, 430_000, 32), (32, 850_000, 48),
     (64, 105_000, 24), (64, 260_000, 32), (128, 105_000, 16)],
)
def test_what_was_best_is_chosen(size, pictures, width):
    """Of the entries on width in tests/benchmarks/RESULTS.md; larger pictures want narrower ones.

    The first two at 32 and 64 px are 400 s of two cores, as is the first at 28 px.
    """
    assert chosen(pictures, size, time=400.0)[0].g_width == width


@pytest.mark.parametrize("options", [{"time": 60.0}, {"steps": 9}, {"images": 9}])
def test_a_larger_budget_never_gets_a_narrower_network(options):
    widths = [chosen(1.3**power, **options)[0].g_width for power in range(80)]
    assert widths == sorted(widths) and widths[0] == 16 and widths[-1] == 128
    assert len(set(widths)) == 7


def test_the_discriminator_is_as_wide_as_the_generator_and_the_sentence_names_the_option():
    config, sentences, asked = chosen(1e6, time=60.0)
    assert config.d_width == config.g_width and config.batch == 32
    assert asked == [(32, 32, 32)]
    assert "--batch" in sentences[0] and "--g-width" in sentences[1]
    assert str(config.g_width) in sentences[1]


def test_what_was_asked_for_is_kept_and_nothing_is_timed():
    rates = {"g_lr": 3e-4, "d_lr": 0.0}
    config, sentences, asked = chosen(1e6, g_width=20, batch=7, **rates)
    assert (config.g_width, config.d_width, config.batch) == (20, 20, 7)
    assert (config.g_lr, config.d_lr) == (3e-4, 0.0)
    assert not asked and not sentences
    assert chosen(1e6, d_width=24)[0].g_width == 24
    config = chosen(1e6, g_width=20, d_width=12)[0]
    assert (config.g_width, config.d_width) == (20, 12)
    config = chosen(1e9, g_lr=3e-4)[0]
    assert config.g_lr == 3e-4 and config.d_lr < 3e-4


def test_the_pictures_in_the_sentence_are_those_of_the_width_that_was_chosen():
    budget = 1_234_567
    sentences = chosen(budget, images=budget)[1]
    assert "1,200,000 pictures" in sentences[1]


@pytest.mark.parametrize("options", [{"time": 60.0}, {"steps": 9}, {"images": 9}])
def test_a_larger_budget_never_gets_faster_learning_rates(options):
    width = {"g_width": 32, "d_width": 32, "batch": 32}
    steps = [1.3**power for power in range(60)]
    configs = [chosen(32 * each, **options, **width)[0] for each in steps]
    rates = [config.g_lr for config in configs]
    assert rates == sorted(rates, reverse=True) == [config.d_lr for config in configs]
    assert rates[0] == rates[20] == 2e-3 and rates[-1] == 2e-4


def test_learning_rates_follow_the_steps_that_the_chosen_width_leaves():
    config, sentences, asked = chosen(1e6, time=60.0)
    there = 1e6 / 32 * (32 / config.g_width) ** 1.6
    width = {"g_width": config.g_width, "d_width": config.g_width, "batch": 32}
    assert config.g_lr == chosen(32 * there, **width)[0].g_lr < chosen(1e5, **width)[0].g_lr
    assert asked == [(32, 32, 32)]
    assert f"{config.g_lr:g}" in sentences[2] and "--g-lr" in sentences[2]


@pytest.mark.parametrize(
    ("options", "named", "silent"),
    [({}, ["Width and learning rates", "--g-width", "--g-lr"], ()),
     ({"g_width": 8}, ["Learning rates", "--g-lr"], ["--g-width"]),
     ({"g_lr": 1e-3, "d_lr": 1e-3}, ["Width:", "--g-width"], ["--g-lr"])],
)
def test_what_only_the_machine_can_tell_is_left_open_and_said(options, named, silent):
    config, sentences, _ = chosen(None, **options)
    assert all(name in sentences[-1] for name in named)
    assert not any(name in sentences[-1] for name in silent)
    assert (config.g_width, config.g_lr) == (options.get("g_width"), options.get("g_lr"))


def test_a_run_records_what_was_found_and_says_so(pictures, tmp_path):
    reporter, free = Recorder(), {"g_width": None, "d_width": None, "batch": None}
    tiny_run(pictures, tmp_path / "run", reporter, steps=2, **free)
    config = read_record(tmp_path / "run").config
    assert (config.g_width, config.d_width, config.batch) == (16, 16, 32)
    assert (config.g_lr, config.d_lr) == (2e-3, 2e-3)
    assert any(note.startswith("Learning rates: 0.002") for note in reporter.notes)
    assert sum(note.startswith(("Width: 16", "Batch: 32")) for note in reporter.notes) == 2
