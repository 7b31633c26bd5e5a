"""TensorBoard events hold what metrics.jsonl holds."""

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gancli.training.board import Board


def test_numbers_arrive_under_their_names(tmp_path):
    board = Board(tmp_path, 0)
    board.add({"step": 10, "d_loss": 0.5, "best": True})
    board.add({"step": 20, "d_loss": 0.25})
    board.close()
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    assert [(each.step, each.value) for each in found.Scalars("d_loss")] == [(10, 0.5), (20, 0.25)]
