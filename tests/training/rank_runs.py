"""Trains on several processes, in a process of its own: test_ranks.py reads what this writes.

It forks them once torch is there, since to import that takes seconds.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

import torch
from helpers import Recorder, Scores
from rank_cases import compared, forked, in_double_precision

from gancli import modalities
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.errors import GancliError
from gancli.metrics import ngrams
from gancli.modalities.image import training as image_training
from gancli.phases.base import NotFinite
from gancli.storage import checkpoints
from gancli.training import following, session, trainer

SIZES = {
    "image": {"g_width": 4, "d_width": 4, "latent": 8, "batch": 7, "steps": 12},
    "text": {
        "g_width": 16, "d_width": 16, "embedding": 8, "batch": 7, "steps": 30, "warm_start": 0.5,
        "adversarial": 0.3, "preset": "adversarial",
    },
}


class Runs:
    """Trains in a folder that holds pictures/ and lines.txt."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.data = {"image": self.folder / "pictures", "text": self.folder / "lines.txt"}

    def alone(self, work):
        """Do ``work(reporter)`` here, which also imports what the forks need."""
        work(Recorder())

    def on(self, world, work, at_step=None):
        """Do ``work(reporter)`` in rank 0 of so many processes and return what came of each.

        Args:
            world: Number of processes.
            work: Trains.
            at_step: Called by other ranks before each step, with rank, step, attempt and networks.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]

        def process(rank):
            os.environ |= {
                "RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank),
                "LOCAL_WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            }
            heard, said, steps = Recorder(), [], []
            if rank == 0:
                try:
                    work(heard)
                    status = 0
                except GancliError as error:
                    said.append([error.message, error.hint])
                    status = error.exit_code
            else:
                take = following.take_step

                def step(*given):
                    steps.append(given[6])
                    if at_step is not None:
                        at_step(rank, given[6], given[7], given[1])
                    return take(*given)

                following.take_step = step
                status = following.follow(lambda error: said.append([error.message, error.hint]))
            out = {"said": said, "notes": heard.notes, "warnings": heard.warnings, "steps": steps}
            (self.folder / f"heard-{rank}.json").write_text(json.dumps(out))
            return status

        for old in self.folder.glob("heard-*.json"):
            old.unlink()
        statuses = forked(world, process)
        heard = [self.folder / f"heard-{rank}.json" for rank in range(world)]
        return {
            "statuses": statuses,
            "heard": [json.loads(each.read_text()) if each.exists() else None for each in heard],
        }

    def train(self, name, run, until=1.0, **options):
        modality = modalities.get(name)
        options = {"threads": "1", "precision": "fp32", **SIZES[name], **options}
        if options.get("time"):
            del options["steps"]
        config, _ = resolve(modality.config_type, command_line=options, presets=modality.presets)
        source = open_source(str(self.data[name]))
        return lambda heard: session.train(
            modality, config, source, self.folder / run, heard, command="x", force=False,
            until=until,
        )

    def resume(self, name, run, until=1.0):
        return lambda heard: session.resume(
            self.folder / run, None, heard, modality_name=name, until=until
        )

    def newest(self, run):
        return checkpoints.newest(self.folder / run / "checkpoints", print)

    def apart(self, run, other):
        """Return the largest difference between the last states of two runs."""
        one, two = self.newest(run), self.newest(other)
        assert one.step == two.step and one.arrays.keys() == two.arrays.keys()
        return max(
            float(abs(array - two.arrays[group][name]).max())
            for group, arrays in one.arrays.items() for name, array in arrays.items() if array.size
        )


def cases(runs):
    return compared(runs.folder)


def resumed(runs):
    """Train on two processes, then one, then three, and with the same pauses on one alone."""
    found = {}
    for name in SIZES:
        runs.alone(runs.train(name, f"{name}-alone", until=0.4))
        runs.alone(runs.resume(name, f"{name}-alone", until=0.7))
        runs.alone(runs.resume(name, f"{name}-alone"))
        first = runs.on(2, runs.train(name, name, until=0.4))
        runs.alone(runs.resume(name, name, until=0.7))
        last = runs.on(3, runs.resume(name, name))
        statuses = first["statuses"] + last["statuses"]
        found[name] = statuses, runs.apart(name, f"{name}-alone")
    return found


def rolled_back(runs):
    """Spoil rank 1's weights before a step, and the gradient of one process at the same one."""

    def spoil(rank, step, attempt, networks):
        if (rank, step, attempt) == (1, 5, 0):
            with torch.no_grad():
                next(networks.discriminator.parameters()).fill_(float("nan"))

    def fragile(heard):
        take = trainer.take_step

        def step(*given):
            if given[6:8] == (5, 0):
                raise NotFinite
            return take(*given)

        trainer.take_step = step
        try:
            runs.train("image", "alone-back")(heard)
        finally:
            trainer.take_step = take

    runs.alone(fragile)
    outcome = runs.on(2, runs.train("image", "back"), spoil)
    return outcome, runs.apart("back", "alone-back")


def signalled(runs):
    """Send one of the other processes a signal while it trains."""

    def terminate(rank, step, attempt, networks):
        if (rank, step) == (1, 5):
            os.kill(os.getpid(), signal.SIGTERM)

    outcome = runs.on(3, runs.train("image", "stopped"), terminate)
    return outcome, runs.newest("stopped").step


def died(runs):
    def die(rank, step, attempt, networks):
        if (rank, step) == (2, 4):
            os.kill(os.getpid(), signal.SIGKILL)

    return runs.on(3, runs.train("image", "died", save_every="1"), die), runs.newest("died").step


def by_the_clock(runs):
    outcome = runs.on(2, runs.train("text", "timed", time=2.0))
    return outcome, runs.newest("timed").step


def too_many(runs):
    return runs.on(3, runs.train("image", "many", batch=2)), (runs.folder / "many").exists()


if __name__ == "__main__":
    in_double_precision()
    ngrams._BUCKETS = 16  # what scores say is tested elsewhere
    image_training.ImageScorer = lambda *_given, **_options: Scores(1.0)
    all_runs = Runs(sys.argv[1])
    works = cases, resumed, rolled_back, signalled, died, by_the_clock, too_many
    results = {work.__name__: work(all_runs) for work in works}
    Path(sys.argv[1], "runs.json").write_text(json.dumps(results))
