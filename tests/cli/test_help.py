"""Help: quick, everywhere, with an example; and suggestions for what is misspelt."""

import shlex
import subprocess
import sys

import pytest
import typer

from gancli import modalities
from gancli.cli import app

COMMANDS = [
    [], ["train"], ["sample"], ["info"], ["report"], ["models"], ["doctor"],
    *(["train", name] for name in modalities.names()),
    *(["sample", name] for name in modalities.names()),
]


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom gancli.cli import app\nassert app.run(['train', 'image', '-h']) == 0\n"
        "heavy = {'torch', 'numpy', 'PIL', 'torchaudio', 'rich', 'scipy'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_both_flags_show_help_with_an_example(call, command):
    short, long = call(*command, "-h"), call(*command, "--help")
    assert short == long
    assert (short.status, short.err) == (0, "")
    assert "Example:\n  gancli " in short.out


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_examples_parse(call, command):
    program = typer.main.get_command(app.build())
    for line in call(*command, "-h").out.partition("Example:\n")[2].splitlines():
        words = shlex.split(line.partition("|")[0], comments=True)
        assert words[0] == "gancli"
        here, rest = program, words[1:]
        while hasattr(here, "commands"):
            here, rest = here.commands[rest[0]], rest[1:]
        here.make_context(words[1], rest)


def test_a_group_alone_shows_help(call):
    for command in ([], ["train"], ["sample"]):
        result = call(*command)
        assert (result.status, result.out) == (2, "")
        assert result.err.startswith("Usage:")


def test_help_says_defaults_choices_and_bounds(call):
    text = " ".join(call("train", "image", "-h").out.split())
    latent = "Latent dimensions: numbers in the noise vector z. [default: 64; 1 to 4,096]"
    assert f"--latent N {latent}" in text
    assert "32 unless set. [2 to 65,536]" in text
    assert "--g-norm modulated|batch|none|spectral" in text
    assert "--mirror / --no-mirror" in text
    assert "[default: 0; 0 to 2^63-1]" in text


FIELD = {
    "train": ["epoch", "iterations", "batch size", "learning rate", "hidden", "loss function",
              "checkpoint", "validation", "gpu", "mixed precision", "seed", "ema"],
    "train image": ["image size", "latent dim", "data augmentation", "horizontal flip",
                    "gray", "classes", "gradient penalty", "spectral", "momentum", "critic",
                    "initial weights", "batch norm"],
    "train text": ["tokenizer", "vocabulary size", "sequence length", "dropout", "embedding dim",
                   "stops early", "gradient clipping", "temperature"],
    "train audio": ["sample rate", "hop length", "mel", "latent dim", "gradient clipping",
                    "learning rate decay"],
    "sample": ["number of samples", "batch size", "output", "seed", "label", "gpu"],
    "sample image": ["truncation", "grid", "interpolat"],
    "sample text": ["temperature", "nucleus", "top-k", "prompt", "begins"],
}


@pytest.mark.parametrize("name", modalities.names())
@pytest.mark.parametrize("verb", ["train", "sample"])
def test_help_speaks_the_words_of_the_field(call, verb, name):
    words = FIELD[verb] + FIELD.get(f"{verb} {name}", [])
    if name == "text":
        words = [word for word in words if word != "loss function"]  # text has no choice of one
    page, reference = call(verb, name, "-h").out, call("help", "options", name).out
    for text in (page.lower(), reference.lower()):
        assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    ("args", "near"),
    [
        (["trian"], "train"),
        (["train", "imgae"], "image"),
        (["train", "image", "--bacth", "3"], "--batch"),
        (["train", "image", "--dryrun"], "--dry-run"),
        (["train", "image", "--g-norm", "bach"], "batch"),
        (["train", "image", "--preset", "wgan"], "wgan-gp"),
        (["sample", "image", "--device", "cud"], "cuda"),
        (["sample", "image", "--sed", "3"], "--seed"),
    ],
)
def test_suggestions(call, args, near):
    result = call(*args)
    assert (result.status, result.out) == (2, "")
    assert f"Did you mean {near}?" in result.err
    assert result.err.count("\n") == 1


def test_missing_value_points_to_the_help(call):
    result = call("train", "image", "--batch")
    assert result.status == 2
    assert "See gancli train image -h." in result.err


def test_version(call):
    result = call("--version")
    assert (result.status, result.out, result.err) == (0, f"gancli {app.gancli.__version__}\n", "")
