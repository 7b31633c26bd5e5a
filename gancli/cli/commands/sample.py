"""``gancli sample MODALITY``."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from gancli import modalities
from gancli.cli import completion
from gancli.cli.console import Output, stdout_is_terminal
from gancli.cli.flags import Json, Quiet, Verbose, declare
from gancli.cli.invocation import speak
from gancli.config import options, resolve
from gancli.errors import UsageError
from gancli.modalities.base import AnyModality
from gancli.sampling.config import SampleConfig
from gancli.storage import bundled

if TYPE_CHECKING:
    from gancli.runtime.terminal import Terminal
    from gancli.sampling.codec import PictureCodec
    from gancli.sampling.request import Sample

_MAX_SHOWN = 256  # samples that the terminal shows

HELP = "Draw samples from a model."
EXAMPLES = """\
gancli sample image -n 16 --seed 0 --grid -o grid.png
gancli sample image -n 4 --show"""

_ModelArgument = Annotated[str | None, typer.Argument(
    metavar="MODEL", show_default=False, autocompletion=completion.models,
    help="Model folder, run, or a name that `gancli models` lists; the first of these if left "
    "out.",
)]


def examples(name: str) -> str:
    """Return command lines that run as they stand."""
    last = "--seed 7 -o - | wc -c" if modalities.get(name).binary else "-n 1000 | head -3"
    return f"gancli sample {name} -n 16 --seed 0 -o out/\ngancli sample {name} {last}"


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
    chosen, sources = resolve(
        modality.options_type, command_line=values, environment=_environment(modality)
    )
    if chosen.seeds is not None and sources["n"] != "default":
        raise UsageError(
            "Both -n and --seeds are given.",
            "--seeds says how many there are: leave out -n, or count up from a --seed instead.",
        )
    to_stdout = chosen.output == "-" or (chosen.output is None and not chosen.shown)
    binary = modality.binary
    if to_stdout and binary and stdout_is_terminal():
        output.binary_stdout(" Or see it with --show.")  # refuses; better now than after the work
    screen = _screen(chosen, output) if chosen.shown else None
    if name is None:
        name = bundled.default("models", modality.name)
        output.note(f"No MODEL was given, so this samples {name}.")
    from gancli.runtime import blas

    if chosen.engine != "torch":
        blas.keep_to_one_thread()
    from gancli.artifacts.engine import open_engine
    from gancli.artifacts.finding import open_model
    from gancli.sampling.lazy import Lazy
    from gancli.sampling.origin import title
    from gancli.sampling.sampler import generate
    from gancli.sampling.seeds import choose_seeds

    seeds, random = choose_seeds(chosen)
    if random:
        output.note(random)
    started = time.monotonic()
    model = open_model(name, modality.name, output.warn)
    codec = modality.codec()(model.spec, model.config)
    stdout = output.binary_stdout if binary else output.text_stdout
    # Refuses here, before any work.
    writer = codec.writer(seeds, chosen, output, stdout, title(name))
    shown: list[Sample] = []
    with open_engine(model, chosen) as engine:
        samples = generate(engine, codec, writer.requests, chosen, model.calibration, output)
        with writer:
            for sample in samples:
                writer.write(sample)
                if screen is not None and len(shown) < _MAX_SHOWN:
                    shown.append(sample)
    if screen is not None:
        pictured = cast("PictureCodec[Any]", codec)
        for picture in pictured.pictures(shown, chosen, screen.extent[0]):
            output.draw(picture, screen)
        if screen.protocol == "characters":
            output.note(
                "Drawn in characters, since NO_COLOR is set, TERM is dumb, or the terminal does "
                "not use UTF-8."
            )
        if len(writer.requests) > len(shown):
            output.note(f"These are the first {len(shown)} of {len(writer.requests):,}.")
    files = writer.files
    seconds = time.monotonic() - started
    if output.mode == "json":
        output.result(
            {"files": Lazy(files, str), "seeds": seeds, "seconds": round(seconds, 3)},
            to_stderr=to_stdout,
        )
    elif files:
        parents = dict.fromkeys(file.parent for file in files)
        folders = ["this folder" if parent == Path() else str(parent) for parent in parents]
        output.note(
            f"Wrote {' and '.join(map(str, files))}." if len(files) < 3
            else f"Wrote {len(files):,} files in {' and '.join(folders)}."
        )


def _screen(chosen: SampleConfig, output: Output) -> "Terminal":
    """Return what ``--show`` draws on.

    Raises:
        UsageError: It is not a terminal, or standard output leads elsewhere and would get nothing.
    """
    screen = output.screen()
    if chosen.output is None and output.mode != "json" and not stdout_is_terminal():
        raise UsageError(
            "--show draws on the terminal, so that nothing would go to standard output.",
            "Add -o - to send the samples there as well, or leave --show out.",
        )
    return screen


def _environment(modality: AnyModality) -> dict[str, str]:
    """Return the environment's say: where to compute, but not what to draw.

    GANCLI_SEED or GANCLI_OUTPUT, set for trainings, would otherwise steer samples.
    """
    names = {
        f"GANCLI_{each.name.upper()}"
        for each in options(modality.options_type) if each.group == "Compute"
    }
    return {name: value for name, value in os.environ.items() if name in names}
