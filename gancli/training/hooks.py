"""What follows a training without steering it: log, status line, previews, report, TensorBoard."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from gancli.artifacts.outlook import Outlook
from gancli.artifacts.report import write_report
from gancli.artifacts.run import Run
from gancli.errors import GancliError
from gancli.reporting import Reporter, Status
from gancli.sampling.codec import Codec
from gancli.sampling.request import Sample
from gancli.sampling.seeds import PREVIEW_SEEDS

_FIRST_PREVIEW = 50  # steps; the next ones at twice as many each


def _preview_due(step: int) -> bool:
    doublings, rest = divmod(step, _FIRST_PREVIEW)
    return not rest and doublings.bit_count() == 1


@dataclass(frozen=True)
class StepEvent:
    """A step that is done.

    Args:
        status: Where the training stands.
        sample: Makes the samples of seeds by the averaged generator.
        paused: A context in which the training's clock stands still.
    """

    status: Status
    sample: Callable[[Sequence[int]], list[Sample]]
    paused: Callable[[], AbstractContextManager[None]]


class Hook:
    """Receives the events of a training; each method may be overridden."""

    def on_step(self, event: StepEvent) -> None:
        """Handle a step, before anything is measured or saved."""

    def on_log(self, entry: Mapping[str, Any]) -> None:
        """Handle figures; ``step`` says of which step."""

    def on_end(self, event: StepEvent) -> None:
        """Handle the end of training, when the budget is spent."""

    def close(self) -> None:
        """Let go of what is open; also called when a training fails."""


class MetricsLog(Hook):
    """Appends figures to the run's metrics.jsonl, and to a measurement the trend with it.

    JSON has null for what is not finite.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def on_log(self, entry: Mapping[str, Any]) -> None:
        entry = {
            name: None if isinstance(value, float) and not isfinite(value) else value
            for name, value in entry.items()
        }
        if "score" in entry:
            trend = Outlook.of_log([*self._run.metrics(), entry]).trend
            entry |= {} if trend is None else {"trend": trend}
        self._run.log(entry)


class StatusLine(Hook):
    """Tells the reporter where the training stands, and the trend that the run's log has."""

    def __init__(self, reporter: Reporter, run: Run) -> None:
        self._reporter, self._run = reporter, run
        self._last: Mapping[str, Any] | None = None  # measurement, once it is read

    def on_log(self, entry: Mapping[str, Any]) -> None:
        if "score" in entry or "rolled_back" in entry:
            self._last = None

    def on_step(self, event: StepEvent) -> None:
        if self._last is None:
            measured = [entry for entry in self._run.metrics() if "score" in entry]
            self._last = measured[-1] if measured else {}
        # Another phase may leave the generator alone, or teach it otherwise.
        same = event.status.phase == self._last.get("phase")
        trend = self._last.get("trend") if same else None
        self._reporter.status(replace(event.status, trend=trend))


class Previews(Hook):
    """Writes the samples of the first seeds after 50, 100, 200, ... steps, and at the end."""

    def __init__(self, codec: Codec[Any], folder: Path) -> None:
        self._codec, self._folder = codec, folder

    def on_step(self, event: StepEvent) -> None:
        if _preview_due(event.status.step):
            self.on_end(event)

    def on_end(self, event: StepEvent) -> None:
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"step-{event.status.step:07d}"
        self._codec.preview(event.sample(PREVIEW_SEEDS), path)


def event_writer() -> Any:
    """Return the class that writes TensorBoard's events.

    Raises:
        GancliError: The tensorboard extra is missing.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise GancliError(
            "--tensorboard needs a package that is not installed.",
            "Install it with: pip install 'gancli[tensorboard]'",
        ) from error
    return SummaryWriter


class Report(Hook):
    """Writes the run's report anew with each preview and each measurement.

    Args:
        run: The run's directory.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._measured = False

    def on_step(self, event: StepEvent) -> None:
        if self._measured or _preview_due(event.status.step):
            self._measured = False
            with event.paused():
                write_report(self._run, {}, live=True, layers=False)

    def on_log(self, entry: Mapping[str, Any]) -> None:
        self._measured = self._measured or "score" in entry

    def close(self) -> None:
        """Leave a page that says how far it came; a finished run gets another in a moment."""
        with suppress(GancliError):  # whatever ended the training is what a person must hear
            write_report(self._run, {}, layers=False)


class TensorBoard(Hook):
    """Writes figures as TensorBoard reads them.

    Args:
        folder: Where events go.
        step: Events of a killed process beyond this step are hidden.

    Raises:
        GancliError: The tensorboard extra is missing.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._writer = event_writer()(str(folder), purge_step=step + 1)

    def on_log(self, entry: Mapping[str, Any]) -> None:
        for name, value in entry.items():
            if name != "step" and isinstance(value, int | float):
                self._writer.add_scalar(name, value, entry["step"])

    def close(self) -> None:
        self._writer.close()
