"""Ten million samples are asked for and named without a list of them."""

import io
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from helpers import Recorder, tiny_model
from hypothesis import given
from hypothesis import strategies as st

from gancli import modalities
from gancli.errors import GancliError, UsageError
from gancli.modalities.image.codec import ImageCodec
from gancli.sampling.guidance import Calibration
from gancli.sampling.lazy import Lazy, Ranges
from gancli.sampling.request import Inputs, SampleRequest
from gancli.sampling.sampler import generate
from gancli.sampling.seeds import choose_seeds

MANY = 10_000_000
MUCH = 200_000  # bytes; a list of so many seeds takes 80 MB

some_ranges = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 8)).map(lambda pair: range(pair[0], sum(pair))),
    max_size=7,
)


@given(some_ranges)
def test_ranges_are_the_numbers_one_after_the_other(parts):
    numbers = [number for part in parts for number in part]
    ranges = Ranges(parts)
    assert list(ranges) == list(Ranges.of(numbers)) == numbers and len(ranges) == len(numbers)
    assert list(ranges.distinct()) == list(dict.fromkeys(numbers))
    assert ranges[1:4] == numbers[1:4] and ranges[-2:] == numbers[-2:]
    assert [number in ranges for number in range(40)] == [number in numbers for number in range(40)]
    for place in (len(numbers), -len(numbers) - 1):
        with pytest.raises(IndexError):
            ranges[place]


def test_a_lazy_sequence_makes_what_is_looked_at():
    made = []
    squares = Lazy(range(MANY), lambda number: made.append(number) or number**2)
    assert squares[3] == 9 and squares[-1] == (MANY - 1) ** 2
    assert list(squares[5:7]) == [25, 36]
    assert made == [3, MANY - 1, 5, 6]


def codec_of(name):
    """Return the codec of a tiny model of a modality."""
    if name == "image":
        model = tiny_model(classes=("cat", "dog"))
        return model.modality.codec()(model.spec, model.config)
    from gancli.artifacts.finding import open_model

    model = open_model({"text": "names", "audio": "digits"}[name], name, pytest.fail)
    return model.modality.codec()(model.spec, model.config)


@pytest.mark.parametrize("seeds", [{"n": MANY, "seed": 5}, {"seeds": f"7,0-{MANY - 2}"}])
@pytest.mark.parametrize(("name", "options"), [
    ("text", {}), ("text", {"output": "DIR"}), ("text", {"jsonl": True}),
    ("image", {"output": "DIR"}), ("image", {"tar": True}), ("image", {"show": True}),
    ("image", {"show": True, "interpolate": 2}), ("image", {"show": True, "grid": "classes"}),
    ("audio", {"output": "DIR"}), ("audio", {"raw": True}),
    ("audio", {"raw": True, "output": "FILE"}), ("audio", {"raw": True, "interpolate": 2}),
])
def test_a_writer_of_millions_holds_no_list_of_them(name, options, seeds, tmp_path):
    places = {"DIR": f"{tmp_path}/out/", "FILE": f"{tmp_path}/x.raw"}
    if "output" in options:
        options = {**options, "output": places[options["output"]]}
    codec = codec_of(name)
    chosen = modalities.get(name).options_type(**options, **seeds)
    arguments = (chosen, Recorder(), lambda: pytest.fail("nothing is written yet"), "m")
    codec.writer(range(2), *arguments)  # imports what it needs
    tracemalloc.start()
    try:
        writer = codec.writer(choose_seeds(chosen)[0], *arguments)
        first, last = writer.requests[0], writer.requests[-1]
        together = list(writer.requests[3:5])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MUCH
    assert (first.seed, last.seed) == ((7, MANY - 2) if "seeds" in seeds else (5, MANY + 4))
    files = options.get("output", "").endswith("/")
    # Where a seed has a file, one that is named twice is made once.
    count = MANY - 1 if "seeds" in seeds and (files or "tar" in options) else MANY
    if "interpolate" in options:
        count = 2 * (count - 1) + 1
    assert len(writer.requests) == (2 * count if "grid" in options else count)
    assert len(together) == 2
    if files:
        assert len(writer.files) == count
        assert [path.stem for path in writer.files[:2]] == [
            f"seed-{request.seed:06d}" for request in writer.requests[:2]]


class Repeated:
    """An engine whose every item is zeros."""

    def generate(self, inputs: Inputs) -> np.ndarray:
        return np.zeros((len(inputs.arrays["z"]), 3, 28, 28), np.float32)

    def discriminate(self, items, labels, group=1):
        return np.zeros(len(items), np.float32)


def grown_by(count, guided):
    """Return the memory that is still held after so many samples went into a tar."""
    model = tiny_model(Calibration(1.0, 0.0, 0.5))
    options = model.modality.options_type(n=count, seed=0, tar=True, output="x.tar", guided=guided,
                                          force=True)
    codec = ImageCodec(model.spec, model.config)
    writer = codec.writer(choose_seeds(options)[0], options, Recorder(), pytest.fail, "m")
    samples = generate(Repeated(), codec, writer.requests, options, model.calibration)
    with writer:
        writer.write(next(samples))
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for sample in samples:
                writer.write(sample)
            return tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("guided", [1, 2])
def test_no_sample_leaves_anything_in_memory(guided, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grown_by(65, guided)
    few = grown_by(65, guided)  # the last of its batches has one sample, too
    assert abs(grown_by(385, guided) - few) < 20_000  # each TarInfo has 600 or more
    with tarfile.open("x.tar") as tar:
        names = tar.getnames()
    assert (len(names), names[0], names[-1]) == (385, "seed-000000.png", "seed-000384.png")


def test_files_of_seeds_that_are_there_are_found_by_looking_at_these(tmp_path):
    for name in ("seed-000007.txt", "seed-000012.txt", "seed-7.txt", "seed-000099.txt.png",
                 "seed-9999999999.txt", "notes"):
        (tmp_path / name).touch()
    codec = codec_of("text")
    options = modalities.get("text").options_type(output=str(tmp_path), n=MANY, seed=0)
    with pytest.raises(GancliError, match=r"seed-000007\.txt and 1 more already exist"):
        codec.writer(range(MANY), options, Recorder(), pytest.fail, "m")
    with pytest.raises(GancliError, match=r"seed-000012\.txt already exists"):
        codec.writer(range(8, 13), options, Recorder(), pytest.fail, "m")
    assert codec.writer(range(13, 99), options, Recorder(), pytest.fail, "m").files[0] == Path(
        tmp_path / "seed-000013.txt")


def test_a_sound_that_is_too_long_for_one_file_is_refused_before_any_work():
    codec = codec_of("audio")
    options = modalities.get("audio").options_type(n=MANY, seed=0)
    with pytest.raises(UsageError, match=r"10,000,000 clips make one sound of [\d,]+ hours"):
        codec.writer(range(MANY), options, Recorder(), io.BytesIO, "m")


def test_requests_between_seeds_are_those_of_each_leg():
    from gancli.sampling.interpolation import route

    def legs(closed):
        return [(each.seed, each.toward, each.fraction, each.class_seed)
                for each in route([4, 9, 2], 2, closed)]

    there = [(4, 9, 0.0, 4), (4, 9, 0.5, 4), (9, 2, 0.0, 4), (9, 2, 0.5, 4)]
    assert legs(closed=False) == [*there, (2, 2, 0.0, 4)]
    assert legs(closed=True) == [*there, (2, 4, 0.0, 4), (2, 4, 0.5, 4)]
    assert route([4, 9], 1, closed=False)[1] == SampleRequest(9, toward=9, class_seed=4)
