"""Keeping what was measured with the model, and showing it in the report of its run."""

import os
import shlex
from pathlib import Path
from typing import Any

from gancli.artifacts import evaluation
from gancli.artifacts.evaluation import SavedEvaluation
from gancli.artifacts.finding import is_bundled, model_folder, open_model
from gancli.artifacts.report import outcome, write_report
from gancli.artifacts.run import REPORT, run_of
from gancli.errors import UsageError
from gancli.evaluation.evaluate import Evaluation
from gancli.reporting import SILENT
from gancli.storage.lock import is_held


def place(name: str) -> Path:
    """Return the folder of the model that a person names, which the figures can be kept in.

    Raises:
        UsageError: There is none, or it cannot be written to.
    """
    open_model(name, None, SILENT.warn)  # says what is wrong with the name
    folder = model_folder(name)
    if folder is None:
        raise UsageError(
            f"{name} has no finished model yet, so --save has no place for figures.",
            f"Finish its training with --resume {shlex.quote(name)}, or leave --save out.",
        )
    if is_bundled(name):
        raise UsageError(
            f"{name} is bundled with gancli, and its figures with it.",
            f"See them with gancli info {name}, or leave --save out.",
        )
    if not os.access(folder, os.W_OK):
        raise UsageError(
            f"{folder} cannot be written to.", "Copy the model, or leave --save out."
        )
    return folder


def save(folder: Path, found: Evaluation, names: dict[str, Any], command: str) -> list[Path]:
    """Keep what was found in the folder of a model; return the files that show it.

    Args:
        folder: That of the model.
        found: What was measured.
        names: What the samples and the data are called.
        command: The command line.

    Raises:
        GancliError: A file cannot be written.
    """
    saved = SavedEvaluation(
        names["data"], found.held_out, command, evaluation.today(), names["remark"], found.figures
    )
    files = [evaluation.write(folder, saved)]
    run = run_of(folder)
    if run is not None and not is_held(run):
        write_report(run, *outcome(run))
        files.append(run / REPORT)
    return files
