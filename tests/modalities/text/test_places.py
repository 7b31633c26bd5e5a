"""Where samples of text are."""

import numpy as np
import pytest

from gancli.modalities.text import places
from gancli.modalities.text.places import Lines, Windows


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000])
def test_lines_follow_each_other(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_CHUNK", 2)
    lengths = np.random.default_rng(count).integers(0, 300, count).astype(np.int32)
    lines = Lines(lengths)
    indices = np.random.default_rng(0).permutation(count)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    assert lines.starts(indices).tolist() == starts[indices].tolist()
    assert lines.lengths(indices).tolist() == lengths[indices].tolist()
    assert len(lines) == count and lines.window == 0
    assert lines.starts(indices[:0]).tolist() == []


def test_long_lines_do_not_overflow() -> None:
    lines = Lines(np.full(200, 2**31 - 1, np.int32))
    assert lines.starts(np.array([0, 63, 64, 199])).tolist() == [
        place * (2**31 - 1) for place in (0, 63, 64, 199)
    ]


@pytest.mark.parametrize(("count", "tail"), [(100, 20), (101, 25), (80, 0), (44, 11), (20, 0)])
def test_windows_of_a_stream(count: int, tail: int) -> None:
    windows = Windows(10, 5, count, tail)
    starts = [
        *range(0, count - tail - 10 + 1, 5), *range(count - tail, count - 10 + 1, 10),
    ] if tail else list(range(0, count - 10 + 1, 5))
    everything = np.arange(len(windows))
    assert windows.starts(everything).tolist() == starts
    assert windows.overlapping == len(range(0, count - tail - 10 + 1, 5))
    assert windows.lengths(everything).tolist() == [10] * len(starts)
