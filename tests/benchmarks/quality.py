"""Quality over training time by an independent judge, for the table in README.

    python tests/benchmarks/quality.py DATA --size 32 --time 400 --preset dcgan --seeds 0,1,2

Prints a row at each quarter of the time. The clock stops while the judge looks. Run one at a
time on a quiet machine; any option of ``gancli train image`` can be set with --set name=value.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from judge import Judge

from gancli import modalities
from gancli.artifacts.run import Run
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.modalities.image.pixels import to_pixels
from gancli.reporting import Silent
from gancli.runtime.devices import bf16, choose
from gancli.runtime.precision import Compute
from gancli.runtime.signals import Stop
from gancli.training.trainer import Trainer

_SAMPLES = 10_000


class Judged(Trainer):
    """A training that stops its clock for the judge at each of ``points`` parts of its budget."""

    judge: Judge
    points: int
    rows: list[dict]

    def _after_step(self, losses, pace, count):
        super()._after_step(losses, pace, count)
        while len(self.rows) < self.points and self.share() >= (len(self.rows) + 1) / self.points:
            self.look()

    def look(self) -> None:
        self.elapsed()
        starts = range(10**6, 10**6 + _SAMPLES, 500)
        made = np.concatenate([to_pixels(self.sample(500, first=k).numpy()) for k in starts])
        quality = self.progress.quality
        row = {
            "share": round(self.share(), 3), "seconds": round(self.progress.seconds, 1),
            "step": self.progress.step, "items": self.progress.items,
            "distance": round(self.judge.distance(made), 3),
            "coverage": round(self.judge.coverage(made), 3),
            "score": quality.score, "threads": torch.get_num_threads(),
        }
        self.rows.append(row)
        print(json.dumps(row), flush=True)
        self._clock = time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--size", type=int)
    parser.add_argument("--time", default="400s")
    parser.add_argument("--preset", default="relativistic")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--points", type=int, default=4)
    parser.add_argument("--judges", type=Path, default=Path(tempfile.gettempdir()) / "judges")
    parser.add_argument("--grids", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    image = modalities.get("image")
    source = open_source(given.data)
    labelled, _ = resolve(
        image.config_type, command_line={"size": given.size, "labels": "folders"},
        presets=image.presets,
    )
    spec, _ = image.inspect(source, labelled)
    everything = image.load(source, spec, labelled, Silent())
    judge = Judge(
        everything.arrays["pixels"], everything.labels, everything.train, everything.held_out,
        given.judges,
    )
    print(json.dumps({"accuracy": judge.accuracy, "floor": round(judge.floor, 4),
                      "scale": round(judge.scale, 4)}), flush=True)
    for seed in map(int, given.seeds.split(",")):
        options = {
            "preset": given.preset, "size": given.size, "seed": seed,
            **dict(pair.split("=") for pair in given.set),
        }
        if not options.keys() & {"steps", "images"}:
            options["time"] = given.time
        config, _ = resolve(image.config_type, command_line=options, presets=image.presets)
        spec, _ = image.inspect(source, config)
        dataset = image.load(source, spec, config, Silent())
        device = choose(config.device)
        compute = Compute(device, bf16(config.precision, device))
        print(json.dumps({"data": source.name, **options}), flush=True)
        with tempfile.TemporaryDirectory() as folder, Stop() as stop:
            run = Run.create(Path(folder) / "run", {}, force=False)
            scorer = image.scorer(dataset, spec, 0)
            trainer = Judged(image, spec, config, dataset, run, compute, Silent(), scorer)
            trainer.judge, trainer.points, trainer.rows = judge, given.points, []
            trainer.train(stop)
            while len(trainer.rows) < given.points:
                trainer.look()
            if given.grids:
                given.grids.mkdir(parents=True, exist_ok=True)
                name = f"{source.name}-{spec.size}-{given.preset}-{seed}"
                image.preview(trainer.sample(100).numpy(), spec, given.grids / name)
            run.close()


if __name__ == "__main__":
    main()
