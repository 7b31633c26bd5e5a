"""``gancli help``: the help of a command, and the reference of options made from declarations."""

import json
import shlex
import subprocess
import sys

import pytest
import typer

from gancli import modalities
from gancli.cli import app
from gancli.config import options


@pytest.mark.parametrize("words", [[], ["train"], ["train", "image"], ["doctor"], ["help"]])
def test_help_shows_what_the_flag_shows(call, words):
    assert call("help", *words).out == call(*words, "-h").out
    assert call("help", *words).status == 0


@pytest.mark.parametrize("words", [["help"], ["help", "options"]])
def test_examples_parse(call, words):
    lines = call(*words, "-h").out.partition("Example:\n")[2].splitlines()
    assert lines
    for line in lines:
        assert line.startswith("  gancli help ")
        result = call(*shlex.split(line.partition(">")[0], comments=True)[1:])
        assert result.status == 0 and result.out


@pytest.mark.parametrize("name", modalities.names())
def test_json_holds_every_declaration(call, name):
    reference = json.loads(call("help", "options", name, "--json").out)
    modality = modalities.get(name)
    assert reference["presets"] == {key: dict(value) for key, value in modality.presets.items()}
    for verb, config in (
        ("train", modality.config_type), ("sample", modality.options_type)
    ):
        rows = {row["flags"][0]: row for row in reference[verb]}
        for option in options(config):
            row = rows[option.flag]
            assert row["help"] == option.help and row["group"] == option.group
            assert (row["default"], row["choices"]) == (option.default, list(option.choices))
            assert (row["minimum"], row["maximum"]) == (option.minimum, option.maximum)
            reads = verb == "train" or option.group == "Compute"
            assert row["environment"] == (f"GANCLI_{option.name.upper()}" if reads else None)


@pytest.mark.parametrize("style", [[], ["--markdown"]])
@pytest.mark.parametrize("name", modalities.names())
def test_every_flag_of_both_commands_is_listed(call, name, style):
    text = call("help", "options", name, *style).out
    program = typer.main.get_command(app.build())
    for verb in ("train", "sample"):
        for parameter in program.commands[verb].commands[name].params:
            if parameter.param_type_name == "option":
                assert ", ".join([*parameter.opts, *parameter.secondary_opts]) in text
    assert all(preset in text for preset in modalities.get(name).presets)


def test_an_entry_reads_well(call):
    text = call("help", "options", "image").out
    assert (
        "    --latent N  [int; default: 64; 1 to 4,096; $GANCLI_LATENT]\n"
        "        Latent dimensions: numbers in the noise vector z.\n"
    ) in text
    assert "    --mirror, --no-mirror  [switch; default: off; $GANCLI_MIRROR]\n" in text
    assert "    wgan-gp: objective wasserstein, g-norm batch" in text
    markdown = call("help", "options", "image", "--markdown").out
    assert (
        "| `--latent N` | int; default: 64; 1 to 4,096 | `GANCLI_LATENT` | "
        "Latent dimensions: numbers in the noise vector z. |\n"
    ) in markdown
    assert r"`--down stride\|max\|average`" in markdown


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["options", "imgae"], "image"),
        (["optoins"], "options"),
        (["trian"], "train"),
        (["train", "txet"], "text"),
    ],
)
def test_suggestions(call, words, near):
    result = call("help", *words)
    assert (result.status, result.out) == (2, "")
    assert f"Did you mean {near}?" in result.err


def test_it_imports_nothing_heavy():
    code = (
        "import sys\nfrom gancli.cli import app\n"
        "assert app.run(['help', 'options', 'audio']) == 0\n"
        "heavy = {'torch', 'numpy', 'PIL', 'torchaudio', 'rich', 'scipy'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
