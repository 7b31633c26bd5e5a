"""What follows a training: figures, previews, the status line."""

from contextlib import nullcontext

from helpers import Recorder
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gancli.artifacts.run import Run
from gancli.reporting import Status
from gancli.training.hooks import MetricsLog, Previews, StatusLine, StepEvent, TensorBoard


def event(step):
    status = Status(step=step, progress=0.5, steps_per_s=1.0, seconds_left=None)
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


def test_the_reporter_gets_each_status():
    reporter = Recorder()
    line = StatusLine(reporter)
    for step in (1, 2):
        line.on_step(event(step))
    assert [status.step for status in reporter.statuses] == [1, 2]
