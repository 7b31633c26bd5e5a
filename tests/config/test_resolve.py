"""Where a value comes from, and what is refused."""

from datetime import date

import pytest

from gancli import modalities
from gancli.cli.flags import option_help
from gancli.config import Option, options, recorded, resolve
from gancli.errors import UsageError
from gancli.modalities.image.config import PRESETS, ImageConfig


def resolved(**origins):
    return resolve(ImageConfig, presets=PRESETS, **origins)


def test_precedence():
    layers = [
        ("command line", 8, {"command_line": {"batch": "8"}}),
        ("environment", 16, {"environment": {"GANCLI_BATCH": "16"}}),
        ("config file", 32, {"file": {"batch": 32, "preset": "dcgan"}}),
        ("model", 64, {"model": {"batch": 64}}),
    ]
    for first, (origin, batch, _) in enumerate(layers):
        origins = {name: value for *_, given in layers[first:] for name, value in given.items()}
        config, sources = resolved(**origins)
        assert (config.batch, sources["batch"]) == (batch, origin)
    config, sources = resolved(file={"preset": "dcgan"})
    assert (config.batch, sources["batch"]) == (128, "preset dcgan")
    config, sources = resolved()
    assert (config.batch, sources["batch"]) == (None, "default")


def test_a_switch_can_be_turned_off_again():
    config, _ = resolved(command_line={"mirror": False}, file={"mirror": True})
    assert config.mirror is False


def test_a_budget_replaces_those_of_lower_origins():
    config, sources = resolved(command_line={"steps": "5"}, file={"time": "10m"})
    assert (config.steps, config.time, sources["steps"]) == (5, None, "command line")


def test_two_budgets_of_one_origin_are_refused():
    with pytest.raises(UsageError, match="--time and --steps"):
        resolved(command_line={"time": "1m", "steps": "3"})


def test_every_option_that_is_a_duration_takes_the_same_forms():
    found = {}
    for name in modalities.names():
        modality = modalities.get(name)
        for config in (modality.config_type, modality.options_type):
            for option in options(config):
                if option.parse:
                    values, _ = resolve(config, command_line={option.name: "1m 500ms"})
                    found[option.name] = getattr(values, option.name)
                # What speaks of seconds is one.
                assert option.parse or option.type is int or "econds" not in option.help
    assert found == {"time": 60.5, "length": 60.5, "gap": 60.5, "save_every": "1m 500ms"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch", "1"), ("batch", "65537"), ("batch", "x"), ("batch", "3.5"), ("g_lr", "nan"),
     ("g_lr", "-1"), ("g_lr", "inf"), ("g_norm", "Batch"), ("save_every", "x")],
)
def test_bad_values_name_their_flag_or_what_they_are(name, value):
    with pytest.raises(UsageError) as caught:
        resolved(command_line={name: value})
    assert value in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch", True), ("batch", 3.5), ("batch", [3]), ("augment", ["color"]), ("g_lr", {"a": 1}),
     ("g_lr", False), ("mirror", 3), ("batch", date(2025, 1, 1)), ("g_lr", 10**400)],
)
def test_bad_values_in_a_file(name, value):
    with pytest.raises(UsageError, match="config file"):
        resolved(file={name: value})


@pytest.mark.parametrize(("text", "value"), [
    ("on", True), ("Yes", True), ("TRUE", True), ("1", True),
    ("OFF", False), ("no", False), ("False", False), ("0", False),
])
def test_a_switch_that_comes_as_text(text, value):
    for origins in ({"environment": {"GANCLI_MIRROR": text}}, {"file": {"mirror": text}},
                    {"command_line": {"mirror": text}}):
        assert resolved(**origins)[0].mirror is value


@pytest.mark.parametrize(("name", "hint"), [
    ("mirror", "It must be on or off (yes or no, true or false, 1 or 0)."),
    ("batch", "It must be a whole number, at least 2 and at most 65536."),
    ("g_lr", "It must be a number, at least 0.0 and at most 10.0."),
    ("time", "Write it like 250ms, 90s, 10m or 1h30m."),
    ("save_every", "Write a time like 60s or 10m, or a number of steps like 500."),
])
def test_a_bad_value_says_what_is_wanted(name, hint):
    flag = "--" + name.replace("_", "-")
    with pytest.raises(UsageError) as caught:
        resolved(command_line={name: "abc"})
    assert (caught.value.message, caught.value.hint) == (f"{flag} cannot be 'abc'.", hint)
    with pytest.raises(UsageError) as caught:
        resolved(environment={f"GANCLI_{name.upper()}": "abc"})
    assert caught.value.message == f"{flag} cannot be 'abc' (from the environment)."


def test_an_unknown_key_in_a_file_suggests():
    with pytest.raises(UsageError) as caught:
        resolved(file={"g-nrom": "batch"})
    assert caught.value.hint == "Did you mean g_norm?"


def test_help_of_an_option():
    shown = [
        option_help(Option("x", kind, default, "X.", "", minimum=low, maximum=high))
        for kind, default, low, high in
        [(int, 3, 1, None), (float, None, None, 0.5), (bool, False, None, None),
         (int, 0, 0, 2**62), (int, None, None, 2**63 - 1), (str, None, None, None)]
    ]
    assert shown == [
        "X. [default: 3; at least 1]", "X. [at most 0.5]", "X. [default: off]",
        "X. [default: 0; 0 to 2^62]", "X. [at most 2^63-1]", "X.",
    ]


def test_what_is_older_than_an_option_keeps_what_it_was_made_with():
    assert ImageConfig().penalty_cutoff == 4
    config, _ = resolve(ImageConfig, file=recorded(ImageConfig, {"g_width": 8}))
    assert config.penalty_cutoff == 0 and config.g_width == 8
    config, _ = resolve(ImageConfig, file=recorded(ImageConfig, {"penalty_cutoff": 2.0}))
    assert config.penalty_cutoff == 2
