"""Quality over training time by an independent judge, for the tables in RESULTS.md.

    python tests/benchmarks/quality.py DATA --size 32 --time 400 --preset dcgan --seeds 0,1,2

Prints a row at each quarter of the time. The clock stops while the judge looks. Run one at a
time on a quiet machine; any option of ``gancli train image`` can be set with --set name=value.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from grain import grain
from judge import Judge

from gancli import modalities
from gancli.artifacts.record import RunRecord
from gancli.artifacts.run import Run
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.modalities.image.pixels import to_pixels
from gancli.reporting import Silent
from gancli.runtime.signals import Stop
from gancli.training.experiment import Experiment
from gancli.training.hooks import Hook, StepEvent
from gancli.training.measurement import stack
from gancli.training.speed import fast_precision, sized
from gancli.training.trainer import Trainer

_SAMPLES = 10_000


class Judged(Hook):
    """Asks the judge at each of ``points`` parts of the budget, while the clock stands still."""

    def __init__(self, judge: Judge, points: int) -> None:
        self.judge, self.points, self.rows = judge, points, 0

    def on_step(self, event: StepEvent) -> None:
        while self.rows < self.points and event.status.progress >= (self.rows + 1) / self.points:
            self.rows += 1
            with event.paused():
                self.look(event)

    def on_end(self, event: StepEvent) -> None:
        while self.rows < self.points:
            self.rows += 1
            self.look(event)

    def look(self, event: StepEvent) -> None:
        starts = range(10**6, 10**6 + _SAMPLES, 500)
        pictures = np.concatenate([
            to_pixels(stack(event.sample(range(first, first + 500))).numpy()) for first in starts
        ])
        status = event.status
        print(json.dumps({
            "fraction": round(status.progress, 3), "step": status.step,
            "distance": round(self.judge.distance(pictures), 3),
            "coverage": round(self.judge.coverage(pictures), 3),
            "grain": round(grain(pictures), 4), "score": status.score,
            "threads": torch.get_num_threads(),
        }), flush=True)


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
    loader = image.loader()
    spec, _ = loader.inspect(source, labelled)
    everything = loader.load(source, spec, labelled, Silent())
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
        spec, _ = loader.inspect(source, config)
        dataset = loader.load(source, spec, config, Silent())
        config = sized(image, spec, config, dataset, Silent())
        experiment = Experiment(image, spec, config, dataset)
        precision = fast_precision(experiment, Silent())
        print(json.dumps({
            "data": source.name, **options, "widths": [config.g_width, config.d_width],
            "batch": config.batch, "precision": precision.name,
        }), flush=True)
        with tempfile.TemporaryDirectory() as folder, Stop() as stop:
            record = RunRecord(image, spec, config, given.data, source.name, "")
            run = Run.create(Path(folder) / "run", record, Silent(), force=False)
            trainer = Trainer(
                experiment, run, precision, Silent(), [Judged(judge, given.points)]
            )
            trainer.train(stop)
            if given.grids:
                given.grids.mkdir(parents=True, exist_ok=True)
                name = f"{source.name}-{spec.size}-{given.preset}-{seed}"
                image.codec()(spec, config).preview(
                    trainer.averaged.sample(range(100)), given.grids / name
                )
            run.close()


if __name__ == "__main__":
    main()
