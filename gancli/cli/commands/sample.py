"""``gancli sample MODALITY``."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import typer

from gancli import modalities
from gancli.cli.console import Output, stdout_is_terminal
from gancli.cli.flags import Json, Quiet, Verbose, declare
from gancli.cli.invocation import speak
from gancli.config import options, resolve
from gancli.modalities.base import Modality
from gancli.storage import bundled

HELP = "Draw samples from a model."
EXAMPLES = "gancli sample image -n 16 --seed 0 --grid -o grid.png"

_ModelArgument = Annotated[str | None, typer.Argument(
    metavar="MODEL", show_default=False,
    help="Model folder, run, or a name that `gancli models` lists; the first of these if left "
    "out.",
)]


def examples(name: str) -> str:
    """Return command lines that run as they stand."""
    last = "--seed 7 -o - | wc -c" if modalities.get(name).binary else "-n 1000 | head -3"
    return f"gancli sample {name} -n 16 --seed 0 -o samples/\ngancli sample {name} {last}"


def command(modality: Modality) -> Callable[..., None]:
    """Return the command that samples a modality."""

    def sample(
        context: typer.Context,
        model: _ModelArgument = None,
        json_: Json = False,
        quiet: Quiet = False,
        verbose: Verbose = False,
        **values: Any,
    ) -> None:
        with speak(context, json_, quiet, verbose) as output:
            _sample(modality, model, values, output)

    sample.__doc__ = (
        f"Draw {modality.name} samples from a model.\n\n"
        "A seed means the same sample, however many are drawn and at any --batch. Without -o the "
        "samples go to standard output."
    )
    return declare(sample, modality.sample_config_type)


def _sample(
    modality: Modality, name: str | None, values: dict[str, Any], output: Output
) -> None:
    chosen, _ = resolve(
        modality.sample_config_type, command_line=values, environment=_environment(modality)
    )
    to_stdout = chosen.output in (None, "-")
    binary = modality.binary
    if to_stdout and binary and stdout_is_terminal():
        output.binary_stdout()  # refuses; better now than after the work
    if name is None:
        name = bundled.default("models", modality.name)
        output.note(f"No MODEL was given, so this samples {name}.")
    from gancli.artifacts.finding import open_model
    from gancli.sampling.sampler import sample
    from gancli.sampling.seeds import chosen_seeds

    seeds = chosen_seeds(chosen.n, chosen.seed, chosen.seeds)
    if chosen.seed is None and chosen.seeds is None:
        chosen = replace(chosen, seed=seeds[0])
        again = f"--seed {seeds[0]}" + (f" -n {len(seeds)}" if len(seeds) > 1 else "")
        output.note(f"Drew a random seed; {again} makes the same again.")
    started = time.monotonic()
    files = sample(open_model(name, modality.name, output.warn), chosen, output,
                   output.binary_stdout if binary else output.text_stdout)
    seconds = time.monotonic() - started
    if output.mode == "json":
        output.result(
            {"files": [str(file) for file in files], "seeds": seeds,
             "seconds": round(seconds, 3)},
            to_stderr=to_stdout,
        )
    elif files:
        few = len(files) < 3
        output.note(
            f"Wrote {' and '.join(map(str, files))}." if few
            else f"Wrote {len(files):,} files in {files[0].parent}."
        )


def _environment(modality: Modality) -> dict[str, str]:
    """Return the environment's say: where to compute, but not what to draw.

    GANCLI_SEED or GANCLI_OUTPUT, set for trainings, would otherwise steer samples.
    """
    names = {
        f"GANCLI_{each.name.upper()}"
        for each in options(modality.sample_config_type) if each.group == "Compute"
    }
    return {name: value for name, value in os.environ.items() if name in names}
