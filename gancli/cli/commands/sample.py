"""``gancli sample MODALITY``."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from gancli import modalities
from gancli.cli.console import Output, stdout_is_terminal
from gancli.cli.flags import Json, Quiet, Verbose, declare
from gancli.cli.invocation import speak
from gancli.config import options, resolve
from gancli.modalities.base import AnyModality
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


def command(modality: AnyModality) -> Callable[..., None]:
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
    return declare(sample, modality.options_type)


def _sample(
    modality: AnyModality, name: str | None, values: dict[str, Any], output: Output
) -> None:
    chosen, _ = resolve(
        modality.options_type, command_line=values, environment=_environment(modality)
    )
    to_stdout = chosen.output in (None, "-")
    binary = modality.binary
    if to_stdout and binary and stdout_is_terminal():
        output.binary_stdout()  # refuses; better now than after the work
    if name is None:
        name = bundled.default("models", modality.name)
        output.note(f"No MODEL was given, so this samples {name}.")
    from gancli.runtime import blas

    if chosen.engine != "torch":
        blas.keep_to_one_thread()
    from gancli.artifacts.engine import open_engine
    from gancli.artifacts.finding import open_model
    from gancli.sampling.sampler import generate
    from gancli.sampling.seeds import choose_seeds

    seeds, random = choose_seeds(chosen)
    if random:
        output.note(random)
    started = time.monotonic()
    model = open_model(name, modality.name, output.warn)
    codec = modality.codec()(model.spec, model.config)
    stdout = output.binary_stdout if binary else output.text_stdout
    writer = codec.writer(seeds, chosen, output, stdout)  # refuses here, before any work
    with open_engine(model, chosen) as engine:
        samples = generate(engine, codec, writer.requests, chosen, model.calibration, output)
        with writer:
            for sample in samples:
                writer.write(sample)
    files = writer.files
    seconds = time.monotonic() - started
    if output.mode == "json":
        output.result(
            {"files": [str(file) for file in files], "seeds": list(seeds),
             "seconds": round(seconds, 3)},
            to_stderr=to_stdout,
        )
    elif files:
        parents = dict.fromkeys(file.parent for file in files)
        folders = ["this folder" if parent == Path() else str(parent) for parent in parents]
        output.note(
            f"Wrote {' and '.join(map(str, files))}." if len(files) < 3
            else f"Wrote {len(files):,} files in {' and '.join(folders)}."
        )


def _environment(modality: AnyModality) -> dict[str, str]:
    """Return the environment's say: where to compute, but not what to draw.

    GANCLI_SEED or GANCLI_OUTPUT, set for trainings, would otherwise steer samples.
    """
    names = {
        f"GANCLI_{each.name.upper()}"
        for each in options(modality.options_type) if each.group == "Compute"
    }
    return {name: value for name, value in os.environ.items() if name in names}
