"""Steps of all phases, losses, penalties and layers, on one process and on several.

In double precision, so that what is the same sum in another order is nearly the same number.
"""

import json
import os
import traceback
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from gancli.data.dataset import Dataset
from gancli.modalities import get
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.dataset import TextDataset
from gancli.modalities.text.places import Lines
from gancli.modalities.text.spec import TextSpec
from gancli.phases.base import NotFinite, update
from gancli.runtime.precision import Precision
from gancli.runtime.ranks import ALONE, Ranks, working
from gancli.training.feed import Feed
from gancli.training.step import take_step

STEPS = (0, 1, 2)  # with a penalty that is lazy, and a look at held-out items, in the first
WORLDS = (2, 3)
PRECISION = Precision(torch.device("cpu"), bf16=False)


def images(**options):
    """Pictures in batches that neither two nor three processes share evenly.

    Of a batch of 7 a quarter is penalized, two pictures: a third process has none of them.
    """
    spec = ImageSpec(16, "RGB", "crop", ("a", "b"), (20, 20), 40)
    pixels = np.random.default_rng(1).integers(0, 256, (40, 16, 16, 3), np.uint8)
    dataset = Dataset(
        {"pixels": pixels}, np.arange(40) % 2, np.arange(32), np.arange(32, 40), "pictures"
    )
    sizes = {"g_width": 4, "d_width": 4, "latent": 8, "batch": 7, "g_lr": 2e-3, "d_lr": 2e-3}
    return "image", spec, ImageConfig(**{**sizes, **options}), dataset


def sounds(**options):
    random = np.random.default_rng(2)
    spec = AudioSpec(**{
        "rate": 8000, "channels": 1, "hop": 128, "window": 512, "bins": 8, "frames": 16,
        "ends": True, "trim": True, "classes": ("a", "b"), "class_counts": (6, 6), "count": 12,
        "mean": (0.0,) * 8, "deviation": (1.0,) * 8,
    })
    arrays = {
        "samples": random.integers(-9000, 9000, (12, 16 * 128, 1)).astype(np.int16),
        "lengths": random.integers(6, 17, 12),
    }
    dataset = Dataset(arrays, np.arange(12) % 2, np.arange(10), np.arange(10, 12), "sounds")
    sizes = {"g_width": 12, "d_width": 12, "latent": 5, "noise": 3, "components": 6, "batch": 5}
    return "audio", spec, AudioConfig(**{**sizes, **options}), dataset


def texts(every=37, **options):
    """Texts of which some hold an unknown token, so that those to discriminate are fewer."""
    random = np.random.default_rng(3)
    spec = TextSpec(**{
        "tokens": "char", "vocabulary": tuple("abcdef"), "rules": "", "length": 12,
        "split": "lines", "field": "", "text_column": 0, "label_column": 0,
        "classes": ("a", "b"), "class_counts": (30, 30), "count": 60,
    })
    lengths = random.integers(2, 12, 60).astype(np.int32)
    tokens = random.integers(2, spec.size, int(lengths.sum())).astype(np.uint8)
    tokens[::every] = 1
    dataset = TextDataset(
        {"tokens": tokens}, np.arange(60) % 2, np.arange(50), np.arange(50, 60), "texts",
        Lines(lengths),
    )
    sizes = {
        "g_width": 16, "d_width": 16, "embedding": 8, "batch": 7, "g_dropout": 0.3,
        "d_dropout": 0.3, "warm_start": 0.4, "adversarial": 0.3,
    }
    return "text", spec, TextConfig(**{**sizes, **options}), dataset


CASES = {
    "relativistic, joint": lambda: images(augment="auto", mirror=True),
    "relativistic, joint, all augmentations": lambda: images(augment="all", penalty_every=1),
    "bce, batch norm": lambda: images(
        objective="bce", updates="alternating", g_norm="batch", d_norm="batch", gp=1.0,
        class_weight=0.3,
    ),
    "bce, minibatch statistics": lambda: images(
        objective="bce", g_norm="layer", d_norm="instance", minibatch_stddev=True, batch=8,
    ),
    "wasserstein, penalty of every step": lambda: images(
        objective="wasserstein", updates="alternating", g_norm="group", d_norm="layer", r1=0.0,
        r2=0.0, gp=10.0, penalty_every=1, d_steps=2, up="nearest", down="average", head="pool",
    ),
    "hinge, spectral": lambda: images(
        objective="hinge", g_norm="instance", d_norm="spectral", r2=0.0, penalty_cutoff=0.0,
        up="shuffle", down="max",
    ),
    "least squares": lambda: images(
        objective="least-squares", g_norm="none", d_norm="group", r1=0.0, class_weight=0.5,
    ),
    "sounds": lambda: sounds(),
    "sounds, others' cells": lambda: sounds(
        g_cell="gru", d_cell="transformer", objective="bce", batch=6, d_direction="forward",
    ),
    "texts by rewards": lambda: texts(estimator="score", likelihood=0.5),
    "texts by rewards at the end": lambda: texts(
        estimator="score", likelihood=0.0, d_direction="both", g_cell="gru", d_cell="rnn",
    ),
    "texts of which few are known": lambda: texts(every=6, estimator="score", batch=4),
    "texts by Gumbel-softmax": lambda: texts(
        estimator="gumbel", likelihood=0.5, g_cell="transformer", d_cell="transformer",
    ),
}


def trained(case, ranks):
    """Return the numbers that a training of all phases ends with, losses included, by name."""
    name, spec, config, dataset = CASES[case]()
    trainable = get(name).trainable()
    torch.manual_seed(0)
    networks = trainable.start(spec, config, dataset)
    for network in networks.named().values():
        network.double().train()
    numbers, feed = {}, Feed(dataset, PRECISION.device)
    for phase in trainable.phases(spec, config, dataset):
        phase.begin(networks)
        optimizers = phase.optimizers(networks)
        for step in STEPS:
            losses = take_step(phase, networks, optimizers, feed, PRECISION, 5, step, 0, ranks)
        numbers |= {f"{phase.name} {key}": each.double() for key, each in losses.items()}
    numbers |= {
        f"{name}.{key}": tensor.double().clone()
        for name, network in networks.named().items()
        for key, tensor in network.state_dict().items()
    }
    return numbers


def difference(one, other):
    """Return the largest difference of weights and that of losses, which are in fp32."""
    assert one.keys() == other.keys()
    found = {True: 0.0, False: 0.0}
    for name in one:
        apart = (one[name] - other[name]).abs().max()
        assert apart.isfinite(), name
        found["." in name] = max(found["." in name], float(apart))
    return found[True], found[False]


def raises_together(ranks):
    """Return whether a NaN of one process keeps all from an update."""
    layer = torch.nn.Linear(3, 1)
    optimizer, before = torch.optim.Adam(layer.parameters()), layer.weight.clone()
    loss = layer(torch.ones(2, 3)).sum()
    try:
        with working(ranks):
            update(optimizer, loss * (float("nan") if ranks.rank == 1 else 1.0))
    except NotFinite:
        return torch.equal(layer.weight, before)
    return False


def compare(rank, folder, alone):
    """Write what every case differs by from one process, on each number of processes."""
    table = {case: {} for case in CASES}
    together = {}
    for world in WORLDS:
        if rank >= world:
            continue
        dist.init_process_group(
            "gloo", init_method=f"file://{folder}/{world}", rank=rank, world_size=world,
            timeout=timedelta(seconds=100),
        )
        ranks = Ranks(rank, world, linked=True)
        for case in CASES:
            numbers = trained(case, ranks)
            own = torch.cat([each.reshape(-1) for key, each in numbers.items() if "." in key])
            apart = ranks.maximum((ranks.maximum(own) - own).abs().max())
            if rank == 0:
                table[case][world] = [*difference(numbers, alone[case]), float(apart)]
        together[world] = bool(ranks.sum(torch.tensor(int(raises_together(ranks)))) == world)
        dist.destroy_process_group()
    if rank == 0:
        Path(folder, "table.json").write_text(json.dumps([table, together]))


def compared(folder):
    """Return the table of differences, and on how many processes a NaN of one stops all."""
    alone = {case: trained(case, ALONE) for case in CASES}
    statuses = forked(max(WORLDS), lambda rank: compare(rank, folder, alone))
    assert not any(statuses), statuses
    return json.loads(Path(folder, "table.json").read_text())


def forked(count, work):
    """Do ``work(rank)`` in so many processes and return their exit statuses.

    They are forks, which is safe as long as this one has a single thread.
    """
    processes = []
    for rank in range(count):
        if (process := os.fork()) == 0:
            status = 99
            try:
                status = work(rank) or 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        processes.append(process)
    return [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in processes]


def in_double_precision():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double
    plain = torch.from_numpy
    torch.from_numpy = lambda array: (
        plain(array).double() if array.dtype == np.float32 else plain(array)
    )
