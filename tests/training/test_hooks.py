"""What follows a training: figures, previews, the status line."""

from contextlib import nullcontext

import pytest
import torch
from helpers import Recorder
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gancli.artifacts.run import Run
from gancli.errors import GancliError
from gancli.reporting import Status
from gancli.runtime.machine import machine
from gancli.runtime.precision import Precision
from gancli.training import hooks
from gancli.training.hooks import (
    MetricsLog,
    Previews,
    Report,
    StatusLine,
    StepEvent,
    TensorBoard,
)
from gancli.training.journal import Journal


def event(step, phase=""):
    status = Status(step=step, progress=0.5, steps_per_s=1.0, seconds_left=None, phase=phase)
    return StepEvent(status, lambda seeds: [f"sample {seed}" for seed in seeds], nullcontext)


def test_tensorboard_gets_numbers_under_their_names(tmp_path):
    board = TensorBoard(tmp_path, 0)
    board.on_log({"step": 10, "d_loss": 0.5, "best": True})
    board.on_log({"step": 20, "d_loss": 0.25})
    board.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    scalars = [(each.step, each.value) for each in events.Scalars("d_loss")]
    assert scalars == [(10, 0.5), (20, 0.25)]


def test_the_log_is_json_where_figures_are_no_numbers(tmp_path):
    run = Run(tmp_path, Recorder())
    MetricsLog(run).on_log({"step": 3, "score": float("nan"), "loss": float("inf"), "best": False})
    run.close()
    text = (tmp_path / "metrics.jsonl").read_text()
    assert text == '{"step": 3, "score": null, "loss": null, "best": false}\n'


def test_previews_come_at_doublings_and_at_the_end(tmp_path):
    written = []

    class Codec:
        def preview(self, samples, path):
            written.append((path.name, samples[0], len(samples)))

    previews = Previews(Codec(), tmp_path / "samples")
    for step in range(1, 500):
        previews.on_step(event(step))
    previews.on_end(event(499))
    assert [name for name, *_ in written] == [
        "step-0000050", "step-0000100", "step-0000200", "step-0000400", "step-0000499"
    ]
    assert {(first, count) for _, first, count in written} == {("sample 0", 64)}


def test_the_reporter_gets_each_status_with_the_trend_of_its_phase(tmp_path):
    run, reporter = Run(tmp_path, Recorder()), Recorder()

    def told(phase):
        line.on_step(event(step, phase))
        return reporter.statuses[-1].trend

    log, line = MetricsLog(run), StatusLine(reporter, run)
    for step, score in enumerate([16.0, 12.0, 10.0, 8.9, 8.1, 7.5], 1):
        assert told("adversarial") == ("improving" if step > 5 else None)
        for hook in (log, line):
            hook.on_log({"step": step, "score": score, "best": True, "phase": "adversarial"})
    assert told("adversarial") == "improving" and told("refit") is None
    line = StatusLine(reporter, run)  # of a process that takes it up
    assert told("adversarial") == "improving"
    assert [entry.get("trend") for entry in run.metrics()] == [None] * 4 + ["improving"] * 2
    run.cut_log(4)
    line.on_log({"step": 4, "rolled_back": "Training diverged"})
    assert told("adversarial") is None
    assert [status.step for status in reporter.statuses] == [1, 2, 3, 4, 5, 6, 6, 6, 6, 6]
    run.close()


def test_the_report_is_written_with_previews_measurements_and_at_the_end(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        hooks, "write_report",
        lambda run, metrics, live=False, layers=True: written.append((step, live, layers)),
    )
    report = Report(tmp_path)
    for step in range(1, 300):
        report.on_step(event(step))
        report.on_log({"step": step, "d_loss": 0.5, **({"score": 1.0} if step == 120 else {})})
    report.close()
    assert written == [
        *((step, True, False) for step in (50, 100, 121, 200)), (299, False, False)
    ]


def test_a_report_that_cannot_be_written_hides_no_other_fault(tmp_path):
    report = Report(tmp_path)  # where there is no run
    with pytest.raises(GancliError, match=r"config\.toml"):
        report.on_step(event(50))
    report.close()


def test_the_journal_writes_warnings_and_machines_once():
    log, heard = [], Recorder()
    first = Journal(heard)
    first.warn("Skipped 3 files.")
    first.warn("Skipped 3 files.")
    first.note("Not for the log.")
    first.begin(log.append, lambda: 7, [], {"device": "abacus"})
    first.warn("Rolled back.")
    first.keep("It failed.")
    assert log == [
        {"step": 7, "machine": {"device": "abacus"}}, {"step": 7, "warning": "Skipped 3 files."},
        {"step": 7, "warning": "Rolled back."}, {"step": 7, "warning": "It failed."},
    ]
    assert heard.warnings == ["Skipped 3 files.", "Skipped 3 files.", "Rolled back."]
    assert heard.notes == ["Not for the log."]
    again, before = Journal(Recorder()), list(log)
    again.warn("Skipped 3 files.")
    again.begin(log.append, lambda: 9, before, {"device": "abacus"})
    assert log == before
    again.begin(log.append, lambda: 9, before, {"device": "loom"})
    assert log[len(before):] == [{"step": 9, "machine": {"device": "loom"}}]


def test_the_machine_says_what_computes():
    found = machine(Precision(torch.device("cpu"), bf16=False))
    assert (found["device"], found["precision"], found["torch"]) == (
        "cpu", "fp32", torch.__version__
    )
    assert found["processor"] and found["logical cores"] >= found["physical cores"] >= 1
