"""What tests of several rooms share: one recording reporter, one tiny model, one tiny run."""

import io
import json
import os
import signal
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from PIL import Image

from gancli import modalities
from gancli.artifacts.engine import open_engine
from gancli.artifacts.model import Model, Weights
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.layers import weights
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.phases.base import StepContext
from gancli.runtime.precision import Precision
from gancli.runtime.shard import Shard
from gancli.sampling.request import SeedRequests
from gancli.sampling.sampler import generate
from gancli.sampling.seeds import choose_seeds
from gancli.storage import checkpoints
from gancli.training.session import train

# Options of the smallest image networks, reproducible to the bit.
TINY = {
    "g_width": 4, "d_width": 4, "latent": 8, "batch": 8, "threads": "1", "precision": "fp32",
}


@dataclass
class Recorder:
    """A reporter that remembers what it heard."""

    notes: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    progressed: list = field(default_factory=list)
    statuses: list = field(default_factory=list)
    figures: dict = field(default_factory=dict)

    def note(self, text):
        self.notes.append(text)

    def warn(self, text):
        self.warnings.append(text)

    def progress(self, what, done, total):
        self.progressed.append((what, done, total))

    def status(self, status):
        self.statuses.append(status)

    def figure(self, name, value):
        self.figures[name] = value


class Scores:
    """A scorer whose scores are those of a list, and after them the last again and again."""

    floor = 1.0

    def __init__(self, *scores):
        self.scores = list(scores)

    def score(self, items):
        return self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]

    def diversity(self, items):
        return 1.0

    def loss(self, generator):
        return None

    def notes(self, items):
        return {}


def whole(count, seed=0):
    """Return the shard that is a whole batch of so many items, with random numbers of a seed."""
    return Shard(count, torch.Generator().manual_seed(seed))


def step_context(networks, optimizers, batch, seed=0, step=0, held_out=None):
    """Return what a step on a batch may touch; ``held_out`` is what it may look at besides."""
    return StepContext(
        networks, optimizers, torch.Generator().manual_seed(seed), step,
        Precision(torch.device("cpu"), bf16=False), lambda k: batch, lambda count: held_out,
    )


def tiny_networks(size=28, width=8, classes=(), **options):
    """Return the spec, config and networks of an untrained model of RGB pictures."""
    torch.manual_seed(0)
    spec = ImageSpec(size, "RGB", "crop", classes, tuple(range(1, len(classes) + 1)), 100)
    config = ImageConfig(g_width=width, d_width=4, latent=8, **options)
    networks = modalities.get("image").trainable().build(spec, config)
    generator = networks.generator.train()
    with torch.no_grad():  # fills the running statistics of batch norm
        generator(torch.randn(8, 8), torch.zeros(8, dtype=torch.int64) if classes else None)
    for network in networks.named().values():
        network.eval().requires_grad_(False)
    return spec, config, networks


def tiny_model(calibration=None, **options):
    """Return an untrained model of RGB pictures."""
    spec, config, networks = tiny_networks(**options)
    arrays = weights.joined(networks.named())
    return Model(
        modalities.get("image"), spec, config, Weights.of("tiny", arrays), calibration, {}, {}
    )


def train_run(modality, data, path, reporter=None, force=False, **options):
    """Train a run and return the folder of its model."""
    config, _ = resolve(modality.config_type, command_line=options, presets=modality.presets)
    source, reporter = open_source(str(data)), reporter or Recorder()
    return train(modality, config, source, path, reporter, command="x", force=force)


def tiny_run(data, path, reporter=None, modality=None, force=False, **options):
    """Train the smallest networks of pictures for 12 steps; return the folder of the model."""
    modality = modality or modalities.get("image")
    return train_run(modality, data, path, reporter, force, **{**TINY, "steps": 12, **options})


class AtStep(Recorder):
    """A reporter that does something once a step is done, before anything of it is saved."""

    def __init__(self, step, action):
        super().__init__()
        self.step, self.action = step, action

    def status(self, status):
        super().status(status)
        if status.step == self.step:
            self.action()


def interrupted_at(step):
    """Return a reporter that sends this process a signal at a step."""
    return AtStep(step, lambda: os.kill(os.getpid(), signal.SIGINT))


def killed_at(step):
    """Return a reporter that ends a training at a step: whatever is not saved is lost."""

    def fall():
        raise MemoryError

    return AtStep(step, fall)


def entries(run):
    """Return the lines of a run's log."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def outcome(run):
    """Return all that a run ends with but its time and warnings on the way, by name."""
    last = checkpoints.newest(run / "checkpoints", pytest.fail)
    table = json.loads((run / "model" / "config.json").read_text())
    table["metrics"].pop("seconds")
    log = [{name: value for name, value in entry.items() if name != "seconds"}
           for entry in entries(run) if "warning" not in entry]
    arrays = {
        f"{group}/{name}": array.tobytes()
        for group, members in last.arrays.items() for name, array in members.items()
    }
    weights_file = (run / "model" / "model.safetensors").read_bytes()
    return {
        **arrays, "model": weights_file, "calibration": table["guide"],
        "metrics": table["metrics"], "log": log,
    }


def assert_same(run, whole):
    """Check that two runs end the same, bit for bit."""
    one, other = outcome(run), outcome(whole)
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []


def samples_of(model, **options):
    """Return the samples that options ask for, as ``gancli sample`` makes them."""
    chosen = model.modality.options_type(**{"device": "cpu", **options})
    codec = model.modality.codec()(model.spec, model.config)
    requests = SeedRequests(choose_seeds(chosen)[0])
    with open_engine(model, chosen) as engine:
        return list(generate(engine, codec, requests, chosen, model.calibration))


def sample_files(model, reporter=None, **options):
    """Write samples as ``gancli sample`` does; return the bytes on stdout and the files."""
    chosen, stdout = model.modality.options_type(**{"device": "cpu", **options}), io.BytesIO()
    codec, reporter = model.modality.codec()(model.spec, model.config), reporter or Recorder()
    writer = codec.writer(choose_seeds(chosen)[0], chosen, reporter, lambda: stdout, "tiny")
    with open_engine(model, chosen) as engine:
        made = generate(engine, codec, writer.requests, chosen, model.calibration, reporter)
        with writer:
            for sample in made:
                writer.write(sample)
    return stdout.getvalue(), writer.files


def write_samples(codec, seeds, options, make, reporter=None, stdout=None):
    """Write the samples that ``make`` gives for the writer's requests; return the files."""
    writer = codec.writer(
        list(seeds), options, reporter or Recorder(), stdout or _no_stdout, "tiny"
    )
    with writer:
        for sample in make(writer.requests):
            writer.write(sample)
    return writer.files


def _no_stdout():
    raise AssertionError("nothing was to go to standard output")


def noise_pictures(folder, count=40):
    """Write small pictures of noise into a new folder, and return it."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        pixels = rng.integers(0, 256, (16, 16), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder
