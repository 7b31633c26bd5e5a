"""What rank 0 of a training on several processes tells the others.

Rank 0 decides: it has the run, the clock, the measurements and the checkpoints, and trains as one
process does. The others compute steps when they are told to (:mod:`gancli.training.following`), so
that no two processes can decide differently. One small exchange before each step carries the order
to them and the number of a signal from any of them to rank 0; where networks or optimizers are not
what the last step left, it is followed by rank 0's.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import torch
from torch.optim import Optimizer

from gancli.artifacts.record import AnyRecord
from gancli.errors import RUNTIME, GancliError, UsageError
from gancli.phases.base import Networks, NotFinite
from gancli.reporting import Reporter
from gancli.runtime.launch import launch
from gancli.runtime.precision import Precision
from gancli.runtime.ranks import RankLost, Ranks, joined, outlive_torchrun
from gancli.runtime.threads import fixed
from gancli.training.experiment import AnyExperiment
from gancli.training.orders import Order, renew


class Leader:
    """Rank 0's side; alone, it has nobody to tell and costs nothing.

    Args:
        ranks: The processes.

    Attributes:
        hint: What to do if one of the others ends.
        signal: Number of a signal that came to one of them, or None.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.hint = ""
        self.signal: int | None = None
        self._begun = False
        self._optimizers: Mapping[str, Optimizer] | None = None  # that the others have too
        self._waiting = ranks.linked  # whether the others are waiting to hear

    def admit(self, experiment: AnyExperiment, reporter: Reporter) -> None:
        """Say what each process gets of a batch.

        Raises:
            UsageError: It has fewer items than there are processes.
        """
        world = self.ranks.world
        if world == 1:
            return
        trainable, config = experiment.modality.trainable(), experiment.config
        phases = trainable.phases(experiment.spec, config, experiment.dataset)
        batch = min(phase.batch_size for phase in phases)
        if batch < world:
            raise UsageError(
                f"A batch of {batch} items cannot be shared by {world} processes.",
                f"Start at most {batch} processes, or train with a larger --batch.",
            )
        min_items, max_items = batch // world, -(-batch // world)
        each = str(min_items) if min_items == max_items else f"{min_items} or {max_items}"
        threads = fixed(config.threads)
        reporter.note(
            f"{world} processes: each computes {each} of the {batch} items of a batch, in "
            f"{threads} thread{'' if threads == 1 else 's'} (--threads sets it)."
        )

    def begin(self, record: AnyRecord, precision: Precision, fingerprint: str) -> None:
        """Tell the others what is trained, and return when all have read the data.

        Raises:
            UsageError: There are fewer GPUs than processes.
            RankLost: One of the others ended.
        """
        if not self.ranks.linked:
            return
        here = launch()
        if precision.device.type == "cuda" and torch.cuda.device_count() < here.local_world:
            raise UsageError(
                f"This machine has {torch.cuda.device_count()} GPUs for "
                f"{here.local_world} processes.",
                "Start a process for each GPU, or use --device cpu.",
            )
        table = {
            "record": record.table(), "device": precision.device.type, "bf16": precision.bf16,
            "fingerprint": fingerprint, "hint": self.hint,
        }
        self._begun, self._waiting = True, False
        self.ranks.tell(json.dumps(table).encode())
        self.ranks.wait()  # for the first process of each other machine
        self.ranks.wait()  # for all
        self._waiting = True

    @contextmanager
    def step(
        self, phase: int, step: int, attempt: int, lr_factor: float, networks: Networks,
        optimizers: Mapping[str, Optimizer],
    ) -> Iterator[Ranks]:
        """Give the processes that compute a step, when all are about to.

        Raises:
            RankLost: One of the others ended.
        """
        if not self.ranks.linked:
            yield self.ranks
            return
        self._waiting = False
        try:
            # A phase that begins, a roll-back and a resumed run make optimizers anew.
            renewed = optimizers is not self._optimizers
            order = Order(phase, step, attempt, lr_factor, renewed).exchanged(self.ranks)
            self.signal = order.signal or None
            if renewed:
                renew(self.ranks, networks, optimizers)
                self._optimizers = optimizers
            yield self.ranks
        except NotFinite:  # for all of them, since their gradient is one
            self._waiting = True
            raise
        except RankLost:
            outlive_torchrun()
            raise
        self._waiting = True

    def end(self, code: int) -> None:
        """Tell the others that there are no more steps, unless they do not listen."""
        if not self._waiting:
            return
        self._waiting = False
        with suppress(RankLost):
            if self._begun:
                Order(ended=True, code=code).exchanged(self.ranks)
            else:
                self.ranks.tell(json.dumps({"code": code}).encode())


@contextmanager
def leading() -> Iterator[Leader]:
    """Give the leader of the processes that torchrun has started, and end the others after it.

    Raises:
        GancliError: One of the others ended.
    """
    with joined() as ranks:
        leader, code = Leader(ranks), RUNTIME
        try:
            yield leader
            code = 0
        except RankLost as error:
            raise GancliError(error.message, leader.hint) from error
        except GancliError as error:
            code = error.exit_code
            raise
        finally:
            leader.end(code)
