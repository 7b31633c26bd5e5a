"""Words of other tools, and what gancli answers to each."""

import functools
from collections import Counter

import pytest
import typer

from gancli import modalities
from gancli.cli import app
from gancli.config import options
from gancli.config.synonyms import COMMANDS, SAMPLE, TRAIN, VALUES, answer, squashed


@functools.cache
def flags(verb):
    """Return the flags of a verb, by modality."""
    program = typer.main.get_command(app.build())
    return {
        name: {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
        for name, command in program.commands[verb].commands.items()
    }


@pytest.mark.parametrize(("table", "verb"), [(TRAIN, "train"), (SAMPLE, "sample")])
def test_every_answer_is_given_and_no_word_has_two(table, verb):
    words = [word for key in table for word in key.split()]
    assert [word for word, count in Counter(words).items() if count > 1] == []
    assert [word for word in words if word != squashed(word)] == []
    for key, answers in table.items():
        given = {answer(word, table, known, "gancli") for word in key.split()
                 for known in flags(verb).values()}
        assert {sentence.format(command="gancli") for sentence in answers} <= given, key


def test_commands_and_values_are_there():
    program = typer.main.get_command(app.build())
    there = {*program.commands, *modalities.names()}
    for words, name in COMMANDS.items():
        assert name in there or name.startswith("--") or name.split()[0] in there
        assert not there & set(words.split())
    configs = [config for name in modalities.names()
               for config in (modalities.get(name).config_type, modalities.get(name).options_type)]
    choices = {choice for config in configs for option in options(config)
               for choice in option.choices} | {"all"}  # of --augment, which takes a list
    assert {choice for meanings in VALUES.values() for choice in meanings} <= choices


BUDGET = (
    "Use --time 10m, --steps 5000 or --images 300000 (epochs times the items of the data)."
)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("train image --epochs 10", f"There is no option --epochs. {BUDGET}"),
        ("train text --num_train_epochs 10", f"There is no option --num_train_epochs. {BUDGET}"),
        ("train image --batch-size 64", "There is no option --batch-size. Use --batch."),
        ("sample audio --batch_size 64", "There is no option --batch_size. Use --batch."),
        ("train image --lr 1e-4", "There is no option --lr. Use --g-lr and --d-lr."),
        ("train image -lr 1e-4", "There is no option -lr. Use --g-lr and --d-lr."),
        ("train text --learning-rate 1e-4",
         "There is no option --learning-rate. Use --lr for the first phase, --g-lr and --d-lr for "
         "the adversarial one."),
        ("train text --hidden-size 64",
         "There is no option --hidden-size. Use --g-width and --d-width."),
        ("train image --hidden 64", "There is no option --hidden. Use --g-width and --d-width."),
        ("train image --gpu", "There is no option --gpu. Use --device cuda; auto, the default, "
         "takes a GPU if there is one."),
        ("train image --cpu", "There is no option --cpu. Use --device cpu."),
        ("train image --image-size 64", "There is no option --image-size. Use --size."),
        ("train audio --image-size 64",
         "There is no option --image-size. See gancli train audio -h."),
        ("sample image --image-size 64", "There is no option --image-size. A model makes pictures "
         "of the size that it was trained with."),
        ("sample text --num-samples 5", "There is no option --num-samples. Use -n."),
        ("sample text --length 9", "There is no option --length. Use --max-length."),
        ("sample image --psi 0.7", "There is no option --psi. Use --truncation."),
        ("train image --output-dir x", "There is no option --output-dir. Use -o."),
        ("sample image --outdir x", "There is no option --outdir. Use -o."),
        ("train image --workers 4", "There is no option --workers. Use --threads; reading the data "
         "needs no workers, since it is read once."),
        ("train image --data x",
         "There is no option --data. Name the data without a flag: gancli train image DATA."),
        ("train image --ngf 64", "There is no option --ngf. Use --g-width."),
        ("train image --num-layers 3",
         "There is no option --num-layers. The number of layers follows --size; --g-width "
         "and --d-width say how wide they are."),
        ("train audio --num-layers 3",
         "There is no option --num-layers. Use --g-layers and --d-layers."),
        # A word of ours, written another way, in part, or in another command.
        ("train image -batch 64", "There is no option -batch. Did you mean --batch?"),
        ("train image --g_width 8", "There is no option --g_width. Did you mean --g-width?"),
        ("sample text --topk 8", "There is no option --topk. Did you mean --top-k?"),
        ("sample image --trunc 8", "There is no option --trunc. Use --truncation."),
        ("sample text --temper 8", "There is no option --temper. Did you mean --temperature?"),
        ("train audio --activation relu", "There is no option --activation. Did you mean "
         "--g-activation or --d-activation?"),
        ("sample image --steps 3",
         "There is no option --steps. It is an option of gancli train image."),
        ("train text --r1 3", "There is no option --r1. It is an option of gancli train image."),
        ("models --layers", "There is no option --layers. It is an option of gancli info."),
        ("train --steps 3 image", "There is no option --steps. It comes after the command, as in "
         "gancli train audio --steps."),
        ("train image --xyzzy", "There is no option --xyzzy. See gancli train image -h."),
        # Commands, modalities and values.
        ("generate", "There is no command 'generate'. Did you mean sample?"),
        ("resume x", "There is no command 'resume'. Did you mean train image --resume RUN?"),
        ("train photos", "There is no modality 'photos'. Did you mean image?"),
        ("train image --device gpu", "--device cannot be 'gpu'. Did you mean cuda?"),
        ("train image --device cuda:0", "--device cannot be 'cuda:0'. Did you mean cuda?"),
        ("train image --precision fp16", "--precision cannot be 'fp16'. Did you mean bf16?"),
        ("train image --channels rgb", "--channels cannot be 'rgb'. Did you mean RGB?"),
        ("train image --channels grayscale", "--channels cannot be 'grayscale'. Did you mean L?"),
        ("train audio --d-activation swish",
         "--d-activation cannot be 'swish'. Did you mean silu?"),
        ("train audio --objective wgan", "--objective cannot be 'wgan'. Did you mean wasserstein?"),
    ],
)
def test_answers(call, line, sentence):
    result = call(*line.split())
    assert (result.status, result.out, result.err) == (2, "", f"gancli: {sentence}\n")


def test_a_config_file_is_answered_alike(call, tmp_path):
    (tmp_path / "some.toml").write_text("batch_size = 3\n")
    result = call("train", "image", "--config", "some.toml")
    assert result.err == (
        "gancli: The config file sets 'batch_size', which is not an option. Use --batch.\n"
    )


def test_a_misspelt_variable_is_said(call, monkeypatch):
    for name in ("GANCLI_BACTH", "GANCLI_EPOCHS", "GANCLI_R1", "GANCLI_CACHE", "GANCLI_XYZZY"):
        monkeypatch.setenv(name, "1")
    assert call("models", "-q").err.splitlines() == [
        "Warning: The environment sets GANCLI_BACTH, which gancli does not know. Did you mean "
        "GANCLI_BATCH?",
        f"Warning: The environment sets GANCLI_EPOCHS, which gancli does not know. {BUDGET}",
        "Warning: The environment sets GANCLI_XYZZY, which gancli does not know.",
    ]
