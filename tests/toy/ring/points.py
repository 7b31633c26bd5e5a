"""Points on a ring, the noise that they are made of, and JSON for files."""

import json
from dataclasses import dataclass

import numpy as np

from gancli.data.dataset import Dataset
from gancli.sampling.request import Inputs, SampleRequest
from gancli.sampling.seeds import normal
from gancli.sampling.target import parse_target
from gancli.sampling.writer import StreamWriter


@dataclass(frozen=True)
class RingSpec:
    points: int


def inspect(source, config):
    return RingSpec(points=512), ["Points: 512, since a ring has no end."]


def load(source, spec, config, reporter):
    angle = np.linspace(0, 2 * np.pi, spec.points, endpoint=False)
    points = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    everything = np.arange(spec.points)
    return Dataset({"points": points}, None, everything, everything, "ring")


class Points(StreamWriter):
    def __enter__(self):
        self.points = []
        return super().__enter__()

    def write(self, sample):
        self.points.append(sample.data.tolist())

    def finish(self):
        self.stream.write(json.dumps(self.points).encode())


@dataclass
class RingCodec:
    spec: RingSpec
    config: object

    def inputs(self, requests, options):
        return Inputs({"z": np.stack([normal(request.seed, 4) for request in requests])})

    def writer(self, seeds, options, reporter, stdout, model):
        target = parse_target(options, "points", [".json"], stdout)
        return Points([SampleRequest(seed) for seed in seeds], target)

    def preview(self, samples, path):
        points = [sample.data.tolist() for sample in samples]
        path.with_suffix(".json").write_text(json.dumps(points))
