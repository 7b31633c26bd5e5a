"""The program ``gancli``: its commands, and what happens around each call."""

import errno
import os
import sys
import warnings
from typing import Annotated, Any

import typer

import gancli
from gancli import modalities
from gancli.cli import console, faults
from gancli.cli.commands import (
    compare,
    doctor,
    evaluate,
    export,
    info,
    models,
    report,
    sample,
    train,
)
from gancli.cli.commands import help as help_command
from gancli.cli.help import Command, Group, ModalityGroup
from gancli.cli.invocation import Invocation
from gancli.config.resolve import SWITCH
from gancli.errors import UsageError
from gancli.runtime.launch import launch
from gancli.runtime.signals import end_as_interrupts_do

_HELP = "Train small generative adversarial networks from the shell, and sample them."
_EXAMPLES = """\
gancli train image --time 2m          # on the bundled sample
gancli sample image -n 16 --grid -o grid.png
gancli doctor"""

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _version(wanted: bool) -> None:
    if wanted:
        console.Output().data(f"gancli {gancli.__version__}")
        raise typer.Exit


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option(
        "--version", help="Show the version and exit.", callback=_version, is_eager=True,
        show_default=False,
    )] = False,
) -> None:
    _need_command(context)


def _need_command(context: typer.Context) -> None:
    """Show the help of a group that is called without a command."""
    if context.invoked_subcommand is None:
        console.help_page(context.get_help())
        raise typer.Exit(2)


def build() -> typer.Typer:
    """Return the program, with a variant of train and sample for each modality there is."""
    app = _group("gancli", _HELP, _EXAMPLES, Group)
    app.callback()(_root)
    for name, module in (("train", train), ("sample", sample), ("compare", compare)):
        group = _group(name, module.HELP, module.EXAMPLES, ModalityGroup)
        group.callback()(_need_command)
        for modality_name in modalities.names():
            modality = modalities.get(modality_name)
            _add(group, modality_name, module.command(modality), module.examples(modality_name))
        app.add_typer(group)
    _add(app, "eval", evaluate.command, evaluate.EXAMPLES)
    _add(app, "info", info.command, info.EXAMPLES)
    _add(app, "report", report.command, report.EXAMPLES)
    _add(app, "export", export.command, export.EXAMPLES)
    _add(app, "models", models.command, models.EXAMPLES)
    _add(app, "doctor", doctor.command, doctor.EXAMPLES)
    group = _group("help", help_command.HELP, help_command.EXAMPLES, help_command.HelpGroup)
    group.callback()(help_command.root)
    _add(group, "options", help_command.options, help_command.OPTIONS_EXAMPLES)
    app.add_typer(group)
    return app


def _group(name: str, help_text: str, examples: str, cls: type[Group]) -> typer.Typer:
    return typer.Typer(
        name=name, help=help_text, epilog=examples, cls=cls, context_settings=_SETTINGS,
        invoke_without_command=True, rich_markup_mode=None, add_completion=name == "gancli",
        subcommand_metavar=f"{cls.noun.upper()} ...",
    )


def _add(app: typer.Typer, name: str, function: Any, examples: str) -> None:
    app.command(name, cls=Command, epilog=examples)(function)


def run(args: list[str]) -> int:
    """Carry out a command line and return the exit status."""
    verbose = os.environ.get("GANCLI_VERBOSE", "")
    here = Invocation(args, verbose=SWITCH.get(verbose.lower(), bool(verbose)))
    try:
        status = _invoke(args, here)
        console.flush()
        return status
    except Exception as error:  # the last place where one can become a sentence
        return _failed(error, here)
    except KeyboardInterrupt as error:
        return _failed(error, here)


def _invoke(args: list[str], here: Invocation) -> int:
    command = typer.main.get_command(build())
    if "_GANCLI_COMPLETE" in os.environ:
        command.main(args, prog_name="gancli")
    # Not command.main(), which handles a closed pipe in its own way.
    try:
        with command.make_context("gancli", list(args), obj=here) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _failed(error: BaseException, here: Invocation) -> int:
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        console.drop_stdout()  # whoever read it has seen enough
        return 0
    if isinstance(error, OSError):
        console.drop_stdout()
    found = faults.explain(error, here.args)
    if launch().rank and isinstance(found, UsageError):
        return found.exit_code  # rank 0 has the same command line, and says so
    console.fail(
        found,
        as_json=here.json or "--json" in here.args,
        trace=faults.trace(error) if here.verbose else "",
    )
    return found.exit_code


def main() -> None:
    """Run the program with the process's arguments."""
    end_as_interrupts_do()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of libraries; gancli's own go through the reporter
    status = run(sys.argv[1:])
    if launch().world > 1:
        # The connections' threads may outlive them, and torch aborts as the interpreter ends.
        os._exit(status)
    sys.exit(status)
