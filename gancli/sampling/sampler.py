"""From seeds to items, so that a seed fixes the bytes of its item.

The kernels of torch round differently for different sizes of a batch: with one item a matrix
product becomes a vector product, oneDNN picks its algorithm by shape, and threads share out the
work by shape. All 64 of 64 items differed in their last bits between a batch of one and any other
size (2 to 64), for every network that was tried. So items are computed in tiles of a fixed
size, and a last one that is not full is filled up. Within a tile neither the place of an item nor
its neighbours matter: no bit differed in random orders, nor alone at the first, middle or last
place, for sides of 20 to 100 pixels, widths of 5 to 64, each up-sampling and normalisation, and
1, 2, 3, 7 and 16 threads (torch 2.14, x86-64 with AVX-512).

Tiles of one would need no such evidence but make 1.7 to 3 times fewer pictures a second on one
core; 16 are about as fast as 32 (28 x 28: 1,300, 3,700 and 3,300 a second; 64 x 64: 180, 420 and
360), and a single picture, which costs as much as a tile, still takes milliseconds.

Another number of threads may still change the last bits, hence "on the same device".
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from gancli.device import choose, physical_cores
from gancli.modalities.base import Stdout
from gancli.model import Model
from gancli.report import Reporter
from gancli.sampling.generate import generate
from gancli.sampling.seeds import chosen_seeds

TILE = 16  # items computed together; another number is another set of bytes


def sample(model: Model, options: Any, reporter: Reporter, stdout: Stdout) -> list[Path]:
    """Make the items that options ask for and return the files that they went to.

    Args:
        model: What makes them.
        options: The sampling options of its modality.
        reporter: Hears the seeds, if they are random, and how far it has come.
        stdout: Gives the stream for items that go to no file; it refuses a terminal.

    Raises:
        GancliError: The options do not go together, or the items cannot be written.
    """
    seeds = chosen_seeds(options.n, options.seed, options.seeds)
    device = choose(options.device)
    if options.seed is None and options.seeds is None:
        again = f"--seed {seeds[0]}" + (f" -n {len(seeds)}" if len(seeds) > 1 else "")
        reporter.note(f"Drew a random seed; {again} makes the same again.")
    network = model.networks["generator"].to(device).eval()

    def items(keys: Sequence[Any]) -> Iterator[tuple[Any, np.ndarray]]:
        held = -(-options.batch // TILE) * TILE
        for start in range(0, len(keys), held):
            chunk = keys[start : start + held]
            latents = model.modality.latents(list(chunk), model.spec, model.config, options)
            made = compute(network, latents, device)
            yield from zip(chunk, made, strict=True)
            reporter.progress("Sampling", start + len(chunk), len(keys))

    with _exact():
        return model.modality.write(items, seeds, options, reporter, stdout)


def compute(
    network: nn.Module, latents: Mapping[str, np.ndarray], device: torch.device
) -> np.ndarray:
    """Return the items of some latents, each the same whatever comes with it.

    Args:
        network: A generator in evaluation mode, on the device.
        latents: Arrays by argument name, a row for each item.
        device: Where to compute.

    Returns:
        Float32, a row for each item.
    """
    count = len(next(iter(latents.values())))
    made = []
    for start in range(0, count, TILE):
        tile = {name: _tile(values[start : start + TILE]) for name, values in latents.items()}
        made.append(generate(network, tile, device)[: count - start].numpy())
    return np.concatenate(made)


def _tile(rows: np.ndarray) -> np.ndarray:
    """Return the rows and as many copies of the last one as fill a tile.

    It lies in memory of torch, whose alignment MKL needs to round alike from run to run.
    """
    tile: np.ndarray = torch.empty((TILE, *rows.shape[1:]), dtype=torch.from_numpy(rows).dtype
                                   ).numpy()
    tile[: len(rows)] = rows
    tile[len(rows) :] = rows[-1]
    return tile


@contextmanager
def _exact() -> Iterator[None]:
    """Compute with repeatable algorithms, full fp32, and at most a thread for each core."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, physical_cores()))
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        torch.set_num_threads(before)
