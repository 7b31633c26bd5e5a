"""``gancli train MODALITY``."""

import json
import os
import shlex
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gancli.cli import completion
from gancli.cli.console import Output, fail
from gancli.cli.flags import Json, Quiet, Verbose, declare
from gancli.cli.invocation import invocation, speak
from gancli.cli.lines import layer_lines
from gancli.config import TrainConfig, options, resolve
from gancli.config.unicode import typed_path
from gancli.errors import GancliError, UsageError
from gancli.modalities.base import AnyModality
from gancli.runtime.launch import launch
from gancli.storage import bundled
from gancli.training.budget import KINDS, Budget

if TYPE_CHECKING:
    from gancli.artifacts.model import AnyModel
    from gancli.data.source import Source

HELP = "Train a generator on your data."
EXAMPLES = "gancli train image --time 2m -o runs/image"

_PANEL = "Run"

_DataArgument = Annotated[str | None, typer.Argument(
    metavar="DATA", show_default=False, autocompletion=completion.samples,
    help="Folder, file, .zip, .tar, bundled sample, or - for standard input; by default the first "
    "bundled sample.",
)]
_RunOption = Annotated[str | None, typer.Option(
    "-o", "--output", "--run", metavar="RUN", rich_help_panel=_PANEL, show_default=False,
    help="Directory of the run. [default: the next free runs/NAME-1]",
)]
_ResumeOption = Annotated[str | None, typer.Option(
    "--resume", metavar="RUN", rich_help_panel=_PANEL, show_default=False,
    autocompletion=completion.runs,
    help="Continue a run exactly where it stopped, or with --time, --steps or --images for so much "
    "longer. It keeps its other options; give DATA if that has moved.",
)]
_FromOption = Annotated[str | None, typer.Option(
    "--from", metavar="MODEL", rich_help_panel=_PANEL, show_default=False,
    autocompletion=completion.models,
    help="Start from the weights of a model or run (fine-tuning), with its networks and size; "
    "classes and vocabulary may differ.",
)]
_ConfigOption = Annotated[str | None, typer.Option(
    "--config", metavar="FILE.toml", rich_help_panel=_PANEL, show_default=False,
    help="Options from a file, such as a run's own config.toml, whose data is taken unless DATA "
    "says otherwise.",
)]
_ForceOption = Annotated[bool, typer.Option(
    "--force", rich_help_panel=_PANEL, help="Replace an existing run."
)]
_DryOption = Annotated[bool, typer.Option(
    "--dry-run", rich_help_panel=_PANEL,
    help="Print the options and where each comes from, the sizes of the networks and the "
    "directory; write nothing.",
)]
_LayersOption = Annotated[bool, typer.Option(
    "--layers", rich_help_panel=_PANEL,
    help="With --dry-run, also show each layer's kind, output shape, parameters and multiply-adds "
    "for one item.",
)]


def examples(name: str) -> str:
    """Return command lines that run as they are."""
    return (
        f"gancli train {name} --time 2m -o runs/{name}   # on the bundled sample\n"
        f"gancli train {name} --time 1h --dry-run       # what it would do"
    )


def command(modality: AnyModality) -> Callable[..., None]:
    """Return the command that trains a modality."""

    def train(
        context: typer.Context,
        data: _DataArgument = None,
        run: _RunOption = None,
        resume: _ResumeOption = None,
        from_: _FromOption = None,
        config: _ConfigOption = None,
        force: _ForceOption = False,
        dry_run: _DryOption = False,
        layers: _LayersOption = False,
        json_: Json = False,
        quiet: Quiet = False,
        verbose: Verbose = False,
        **values: object,
    ) -> None:
        if launch().rank:
            raise typer.Exit(0 if dry_run else _follow())
        with speak(context, json_, quiet, verbose, trains=True) as output:
            if layers and not dry_run:
                raise UsageError(
                    "--layers shows what a training would build, without doing it.",
                    "Add --dry-run, or see what a run has built: gancli info RUN --layers.",
                )
            if resume is not None:
                _refuse_with_resume(modality, values, run, from_, config, force, dry_run)
                _resume(
                    modality, typed_path(resume) or Path(resume), data, values, output,
                    invocation(context).command,
                )
                return
            if (path := _begun(run)) is not None:
                output.note(f"Started again: continuing {path}.")
                _resume(modality, path, None, {}, output, "")
                return
            origin = _origin(modality, from_, output)
            file, recorded = _read(modality, config)
            chosen, sources = resolve(
                modality.config_type, command_line=values, environment=os.environ, file=file,
                model=_inherited(origin), presets=modality.presets,
            )
            source = _open(modality, data, recorded, config, output)
            with _run_path(run, source, dry_run) as path:
                from gancli.training import session

                if dry_run:
                    session.check(chosen, path, force)
                    _dry_run(modality, chosen, sources, source, path, layers, origin, output)
                    return
                model = session.train(
                    modality, chosen, source, path, output,
                    command=invocation(context).command, force=force, origin=origin,
                    origin_name=_lasting(from_),
                )
            _finish(modality, path, model, output)

    train.__doc__ = (
        f"Train a generator on {modality.name} data.\n\n"
        "Options come from the command line, then from the environment (GANCLI_BATCH=32), the "
        "--config file, the model of --from, the preset, the default. Ctrl-C saves and prints how "
        "to continue."
    )
    return declare(train, modality.config_type)


def _refuse_with_resume(
    modality: AnyModality, values: Mapping[str, object], run: str | None, from_: str | None,
    config: str | None, force: bool, dry_run: bool,
) -> None:
    flags = {option.name: option.flag for option in options(modality.config_type)}
    given = [
        flags[name] for name, value in values.items() if value is not None and name not in KINDS
    ]
    switches = (
        ("-o", run), ("--from", from_), ("--config", config), ("--force", force),
        ("--dry-run", dry_run),
    )
    given += [flag for flag, value in switches if value]
    if given:
        raise UsageError(
            f"A resumed run keeps its recorded options, so {' and '.join(given)} cannot be "
            "combined with --resume.",
            f"Leave out {' and '.join(given)}, or start a new run without --resume. Only --time, "
            "--steps and --images train a run for longer.",
        )


def _resume(
    modality: AnyModality, path: Path, data: str | None, values: Mapping[str, object],
    output: Output, command: str,
) -> None:
    budget = {name: values[name] for name in KINDS if values.get(name) is not None}
    if _begun(str(path)) is not None:
        budget = {}  # it has been added
    resolve(modality.config_type, command_line=budget)  # refuses here, before the run is opened
    from gancli.training import session

    model = session.resume(
        path, data, output, modality_name=modality.name, budget=budget, command=command
    )
    _finish(modality, path, model, output)


def _follow() -> int:
    """Do this process's part of a training that rank 0 leads, and return its exit status."""
    from gancli.training.following import follow

    return follow(lambda error: fail(error, as_json=False))


def _begun(run: str | None) -> Path | None:
    """Return the run that this launch of torchrun began before a process ended, if it did."""
    from gancli.artifacts.run import begun

    return begun(launch(), None if run is None else typed_path(run) or Path(run))


def _origin(modality: AnyModality, name: str | None, output: Output) -> "AnyModel | None":
    """Return the model that training starts from."""
    if name is None:
        return None
    from gancli.artifacts.finding import open_model

    return open_model(name, modality.name, output.warn)


def _inherited(origin: "AnyModel | None") -> dict[str, object]:
    """Return the options that come with the model that training starts from."""
    if origin is None:
        return {}
    from gancli.training.fine_tuning import inherited

    return inherited(origin)


def _lasting(name: str | None) -> str:
    """Return a model's name as it is found from any directory."""
    return str(Path(name).absolute()) if name and Path(name).exists() else name or ""


def _read(modality: AnyModality, config: str | None) -> tuple[dict[str, Any], str | None]:
    """Return the options in a TOML file, and the data of the run that wrote it, if one did."""
    if config is None:
        return {}, None
    from gancli.artifacts.record import read_options

    return read_options(typed_path(config) or Path(config), modality.name)


def _open(
    modality: AnyModality, data: str | None, recorded: str | None, config: str | None,
    output: Output,
) -> "Source":
    """Return the data: that of the command line, of the run whose config is taken, or bundled."""
    from gancli.data.source import open_source

    if data is None and recorded is not None:
        output.note(f"No DATA was given, so this trains on that of {config}: {recorded}.")
        try:
            return open_source(recorded)
        except GancliError as error:
            raise GancliError(
                f"The data of {config} cannot be opened: {error.message}",
                f"If it moved, use: gancli train {modality.name} DATA --config "
                f"{shlex.quote(config or '')}",
                error.exit_code,
            ) from error
    if data is None:
        data = bundled.default("samples", modality.name)
        output.note(f"No DATA was given, so this trains on the bundled sample {data}.")
    return open_source(data)


def _run_path(
    run: str | None, source: "Source", dry_run: bool
) -> AbstractContextManager[Path]:
    """Give the directory of the run; the next free one is this process's as long as it trains."""
    if run is not None:
        from gancli.storage.outputs import output_directory

        return nullcontext(output_directory(run, "runs/first"))
    from gancli.artifacts.run import planned, reserved

    return nullcontext(planned(source.name)) if dry_run else reserved(source.name)


def _finish(modality: AnyModality, path: Path, model: Path, output: Output) -> None:
    """Print where the result is, on stdout, and what to do with it."""
    from gancli.artifacts.model import read_figures
    from gancli.artifacts.outlook import Outlook

    figures = read_figures(model)
    output.note(Outlook.of_figures(figures).summary)
    place = " -o out/" if modality.binary else ""
    output.note(
        f"Done. Sample it with: gancli sample {modality.name} {shlex.quote(str(path))} -n 16{place}"
    )
    if output.mode == "json":
        score = {name: figures.get(name) for name in ("score", "floor", "trend", "forecast")}
        output.result({"run": str(path), "model": str(model), **score, "metrics": figures})
    else:
        output.data(str(path))


def _dry_run(
    modality: AnyModality, config: TrainConfig, sources: dict[str, str], source: "Source",
    path: Path, layers: bool, origin: "AnyModel | None", output: Output,
) -> None:
    """Print what a training would do: TOML that --config takes, or one JSON object."""
    from gancli.training.plan import plan

    planned = plan(modality, config, source, layers, origin)
    for sentence in planned.sentences:
        output.note(sentence)
    names = [option.name for option in options(modality.config_type)]
    found = {name for name in names if getattr(planned.config, name) != getattr(config, name)}
    config, sources = planned.config, {**sources, **dict.fromkeys(found, "found")}
    if output.mode == "json":
        from dataclasses import asdict

        chosen = {
            name: {"value": getattr(config, name), "source": sources[name]} for name in names
        } | {name: {"value": value, "source": "found"} for name, value in planned.found.items()}
        output.result({
            "run": str(path), "data": str(source.path), "budget": str(Budget.of(config)),
            "parameters": planned.parameters, "options": chosen, "spec": asdict(planned.spec),
            **({"layers": planned.layers} if layers else {}),
        })
        return
    lines = [f"# run: {json.dumps(str(path))}", f"# data: {json.dumps(str(source.path))}",
             f"# budget: {Budget.of(config)}"]
    lines += [f"# {name}: {count:,} parameters" for name, count in planned.parameters.items()]
    for name, rows in planned.layers.items():
        lines += ["#", *(f"# {line}" for line in layer_lines(name, rows))]
    # What the data decides is a comment, so that --config finds it anew on other data.
    lines += [
        "# " + _toml(name, planned.found[name], "found") if name in planned.found
        else _toml(name, getattr(config, name), sources[name])
        for name in names
    ]
    output.data(*lines)


def _toml(name: str, value: object, source: str) -> str:
    """Return an option as a line of TOML whose comment gives the source of its value."""
    if value is None:
        return f"# {name} is not set  # {source}"
    # JSON writes strings, numbers and switches as TOML does.
    return f"{name} = {json.dumps(value, ensure_ascii=True)}  # {source}"
