"""``gancli train MODALITY``."""

import json
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gancli.cli.console import Output
from gancli.cli.flags import Json, Quiet, Verbose, declare
from gancli.cli.invocation import invocation, speak
from gancli.config import TrainConfig, options, resolve
from gancli.errors import GancliError, UsageError
from gancli.modalities.base import AnyModality
from gancli.storage import bundled
from gancli.training.budget import KINDS, Budget

if TYPE_CHECKING:
    from gancli.artifacts.model import AnyModel
    from gancli.data.source import Source

HELP = "Train a generator on your data."
EXAMPLES = "gancli train image --time 2m -o runs/first"

_PANEL = "Run"

_DataArgument = Annotated[str | None, typer.Argument(
    metavar="DATA", show_default=False,
    help="Folder, file, .zip, .tar, bundled sample, or - for standard input; by default the first "
    "bundled sample.",
)]
_RunOption = Annotated[str | None, typer.Option(
    "-o", "--run", metavar="RUN", rich_help_panel=_PANEL, show_default=False,
    help="Directory of the run. [default: the next free runs/NAME-1]",
)]
_ResumeOption = Annotated[str | None, typer.Option(
    "--resume", metavar="RUN", rich_help_panel=_PANEL, show_default=False,
    help="Continue a run exactly where it stopped, or with --time, --steps or --images for so much "
    "longer. It keeps its other options; give DATA if that has moved.",
)]
_FromOption = Annotated[str | None, typer.Option(
    "--from", metavar="MODEL", rich_help_panel=_PANEL, show_default=False,
    help="Start from the weights of a model or run (fine-tuning), with its networks and size; "
    "classes and vocabulary may differ.",
)]
_ConfigOption = Annotated[str | None, typer.Option(
    "--config", metavar="FILE.toml", rich_help_panel=_PANEL, show_default=False,
    help="Options from a file, such as a run's own config.toml.",
)]
_ForceOption = Annotated[bool, typer.Option(
    "--force", rich_help_panel=_PANEL, help="Replace an existing run."
)]
_DryOption = Annotated[bool, typer.Option(
    "--dry-run", rich_help_panel=_PANEL,
    help="Print the options and where each comes from, the sizes of the networks and the "
    "directory; write nothing.",
)]


def examples(name: str) -> str:
    """Return command lines that run as they are."""
    return (
        f"gancli train {name} --time 2m -o runs/first   # on the bundled sample\n"
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
        json_: Json = False,
        quiet: Quiet = False,
        verbose: Verbose = False,
        **values: object,
    ) -> None:
        with speak(context, json_, quiet, verbose) as output:
            if resume is not None:
                _refuse_with_resume(modality, values, run, from_, config, force, dry_run)
                _resume(modality, Path(resume), data, values, output, invocation(context).command)
                return
            origin = _origin(modality, from_, output)
            chosen, sources = resolve(
                modality.config_type, command_line=values, environment=os.environ,
                file=_read(config), model=_inherited(origin), presets=modality.presets,
            )
            source = _open(modality, data, output)
            path = _run_path(run, source)
            if dry_run:
                _dry_run(modality, chosen, sources, source, path, origin, output)
                return
            from gancli.training import session

            model = session.train(
                modality, chosen, source, path, output,
                command=invocation(context).command, force=force, origin=origin,
                origin_name=_lasting(from_),
            )
            _finish(modality, path, model, output)

    train.__doc__ = (
        f"Train a generator on {modality.name} data.\n\n"
        "Options come from the command line, then from the environment (GANCLI_BATCH=32), the "
        "--config file, the preset, the default. Ctrl-C saves and prints how to continue."
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
    budget = {name: values[name] for name in KINDS if values[name] is not None}
    resolve(modality.config_type, command_line=budget)  # refuses here, before the run is opened
    from gancli.training import session

    model = session.resume(
        path, data, output, modality_name=modality.name, budget=budget, command=command
    )
    _finish(modality, path, model, output)


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


def _read(config: str | None) -> dict[str, Any]:
    """Return the options in a TOML file."""
    if config is None:
        return {}
    from gancli.artifacts.record import read_options

    return read_options(Path(config))


def _open(modality: AnyModality, data: str | None, output: Output) -> "Source":
    from gancli.data.source import open_source

    if data is None:
        data = bundled.default("samples", modality.name)
        output.note(f"No DATA was given, so this trains on the bundled sample {data}.")
    return open_source(data)


def _run_path(run: str | None, source: "Source") -> Path:
    if run is not None:
        if not run:
            raise UsageError("-o is empty.", "Name a directory, such as -o runs/first.")
        return Path(run)
    from gancli.artifacts.run import planned

    return planned(source.name)


def _finish(modality: AnyModality, path: Path, model: Path, output: Output) -> None:
    """Print where the result is, on stdout, and what to do with it."""
    if output.mode == "json":
        metrics = _metrics(model)
        output.result({
            "run": str(path), "model": str(model), "score": metrics.get("score"),
            "metrics": metrics,
        })
        return
    place = " -o samples/" if modality.binary else ""
    output.note(
        f"Done. Sample it with: gancli sample {modality.name} {shlex.quote(str(path))} -n 16{place}"
    )
    output.data(str(path))


def _metrics(model: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((model / "config.json").read_bytes())["metrics"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GancliError(f"The model in {model} cannot be read: {error!r}.") from error


def _dry_run(
    modality: AnyModality, config: TrainConfig, sources: dict[str, str], source: "Source",
    path: Path, origin: "AnyModel | None", output: Output,
) -> None:
    """Print what a training would do: TOML that --config takes, or one JSON object."""
    from gancli.training.plan import plan

    planned = plan(modality, config, source, origin)
    for sentence in planned.sentences:
        output.note(sentence)
    names = [option.name for option in options(modality.config_type)]
    found = {name for name in names if getattr(planned.config, name) != getattr(config, name)}
    config, sources = planned.config, {**sources, **dict.fromkeys(found, "found")}
    if output.mode == "json":
        from dataclasses import asdict

        chosen = {
            name: {"value": getattr(config, name), "source": sources[name]} for name in names
        }
        output.result({
            "run": str(path), "data": str(source.path), "budget": str(Budget.of(config)),
            "parameters": planned.parameters, "options": chosen, "spec": asdict(planned.spec),
        })
        return
    lines = [f"# run: {json.dumps(str(path))}", f"# data: {json.dumps(str(source.path))}",
             f"# budget: {Budget.of(config)}"]
    lines += [f"# {name}: {count:,} parameters" for name, count in planned.parameters.items()]
    lines += [_toml(name, getattr(config, name), sources[name]) for name in names]
    output.data(*lines)


def _toml(name: str, value: object, source: str) -> str:
    """Return an option as a line of TOML whose comment gives the source of its value."""
    if value is None:
        return f"# {name} is not set  # {source}"
    # JSON writes strings, numbers and switches as TOML does.
    return f"{name} = {json.dumps(value, ensure_ascii=True)}  # {source}"
