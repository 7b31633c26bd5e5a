"""What the other processes of a training do: steps, when rank 0 says so, and nothing else."""

import json
from collections.abc import Callable
from typing import Any

import torch

from gancli.artifacts.record import AnyRecord, record_of
from gancli.data.dataset import Dataset
from gancli.data.source import open_source
from gancli.errors import RUNTIME, GancliError
from gancli.phases.base import NotFinite
from gancli.reporting import SILENT
from gancli.runtime.launch import launch
from gancli.runtime.memory import keep_freed
from gancli.runtime.precision import Precision
from gancli.runtime.ranks import RankLost, Ranks, joined
from gancli.runtime.signals import Stop
from gancli.runtime.threads import fixed
from gancli.training.feed import Feed
from gancli.training.orders import Order, renew
from gancli.training.schedule import set_learning_rates
from gancli.training.step import take_step


def follow(fail: Callable[[GancliError], None]) -> int:
    """Compute this process's part of a training, and return its exit status when that ends.

    Args:
        fail: Says what is wrong here. That another process ended is said by rank 0, or if that
            ended, by rank 1.
    """
    stop = Stop()
    try:
        # A signal waits for the next order, which takes it to rank 0; that saves and ends all.
        with joined() as ranks, stop, stop.deferred():
            return _follow(ranks, stop)
    except RankLost as error:
        if launch().rank == 1:
            fail(error)
    except GancliError as error:
        fail(error)
    return RUNTIME


def _follow(ranks: Ranks, stop: Stop) -> int:
    table = json.loads(ranks.tell())
    if "code" in table:  # it ended before there was anything to do
        return int(table["code"])
    try:
        return _take_part(ranks, stop, table)
    except RankLost as error:
        raise RankLost(error.message, table["hint"]) from error


def _take_part(ranks: Ranks, stop: Stop, table: dict[str, Any]) -> int:
    """Do steps until rank 0 says that there are no more, and return the exit status."""
    record = record_of(table["record"], "What rank 0 sent")
    modality, spec, config = record.modality, record.spec, record.config
    if (threads := fixed(config.threads)) is not None:
        torch.set_num_threads(threads)
    dataset = _shared_data(ranks, record, table)
    precision = Precision(torch.device(table["device"]), table["bf16"])
    feed = Feed(dataset, precision.device)
    keep_freed()

    trainable = modality.trainable()
    phases = trainable.phases(spec, config, dataset)
    networks = trainable.start(spec, config, dataset)
    for network in networks.named().values():
        network.to(precision.device).train()
    optimizers = phases[0].optimizers(networks)
    while True:
        order = Order(signal=stop.signal or 0).exchanged(ranks)
        if order.ended:
            return order.code
        phase = phases[order.phase]
        if order.renewed:
            optimizers = phase.optimizers(networks)
            renew(ranks, networks, optimizers)
        set_learning_rates(optimizers.values(), order.lr_factor)
        try:
            take_step(
                phase, networks, optimizers, feed, precision, config.seed, order.step,
                order.attempt, ranks,
            )
        except NotFinite:
            continue  # rank 0 decides what follows


def _shared_data(ranks: Ranks, record: AnyRecord, table: dict[str, Any]) -> Dataset:
    """Return the data; the first process of a machine reads it, the others take it from its cache.

    Raises:
        GancliError: It is not here, or not what rank 0 has.
    """
    if launch().local_rank:
        ranks.wait()
    source = open_source(record.data)
    dataset = record.modality.loader().load(source, record.spec, record.config, SILENT)
    if not launch().local_rank:
        ranks.wait()
    if dataset.fingerprint != table["fingerprint"]:
        raise GancliError(
            f"{record.data} is not the same data on all machines.",
            "Give each machine a copy of the data at the same place, or a shared folder.",
        )
    ranks.wait()
    return dataset
