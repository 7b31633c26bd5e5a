"""From seeds to items, so that a seed fixes the bytes of its item.

The kernels of torch round differently for different sizes of a batch: with one item a matrix
product becomes a vector product, oneDNN picks its algorithm by shape, and threads share out the
work by shape. All 64 of 64 items differed in their last bits between a batch of one and any other
size (2 to 64), for every network that was tried. So items are computed in tiles of a fixed
size, and a last one that is not full is filled up. Within a tile neither the place of an item nor
its neighbours matter: no bit differed in random orders, nor alone at the first, middle or last
place, for sides of 20 to 100 pixels, widths of 5 to 64, each up-sampling and normalization, and
1, 2, 3, 7 and 16 threads (torch 2.14, x86-64 with AVX-512).

Tiles of one would need no such evidence but make 1.7 to 3 times fewer pictures a second on one
core; 16 are about as fast as 32 (28 x 28: 1,300, 3,700 and 3,300 a second; 64 x 64: 180, 420 and
360), and a single picture, which costs as much as a tile, still takes milliseconds.

Another number of threads may still change the last bits, hence "on the same device".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gancli.artifacts.model import Model
from gancli.errors import GancliError
from gancli.modalities.base import Stdout
from gancli.reporting import Reporter
from gancli.runtime import devices
from gancli.sampling.engines.torch import generate
from gancli.sampling.guidance import effective_sample_size, pick_candidate
from gancli.sampling.seeds import Candidate, chosen_seeds


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
    device = devices.choose(options.device)
    if options.seed is None and options.seeds is None:
        again = f"--seed {seeds[0]}" + (f" -n {len(seeds)}" if len(seeds) > 1 else "")
        reporter.note(f"Drew a random seed; {again} makes the same again.")
    maker = _Maker(model, options, device)

    def items(keys: Sequence[Any]) -> Iterator[tuple[Any, np.ndarray, float | None]]:
        tile = model.modality.tile
        held = max(-(-options.batch // tile) * tile // options.guided, 1)
        for start in range(0, len(keys), held):
            chunk = keys[start : start + held]
            yield from maker.make(chunk)
            reporter.progress("Sampling", start + len(chunk), len(keys))
        maker.report(reporter)

    with _exact():
        return model.modality.write(items, seeds, model.spec, options, reporter, stdout)


class _Maker:
    """Makes items of keys, guided by the discriminator if that is asked for."""

    def __init__(self, model: Model, options: Any, device: torch.device) -> None:
        self.model, self.options, self.device = model, options, device
        self.generator = model.networks["generator"].to(device).eval()
        self.discriminator = model.networks["discriminator"].to(device).eval()
        self._effective: list[np.ndarray] = []
        if options.guided > 1 and model.calibration is None:
            raise GancliError(
                "This model's discriminator was never calibrated, so it cannot guide.",
                "Leave --guided out, or finish the training of its run.",
            )

    def make(self, keys: Sequence[Any]) -> Iterator[tuple[Any, np.ndarray, float | None]]:
        """Yield each key with its item and, where asked for, its score."""
        count = self.options.guided
        tries = keys if count == 1 else [Candidate(key, k) for key in keys for k in range(count)]
        inputs = self.model.modality.generator_inputs(
            list(tries), self.model.spec, self.model.config, self.options
        )
        tile = self.model.modality.tile
        made = compute(self.generator, inputs, self.device, tile)
        if not self.options.scored or self.model.calibration is None:
            yield from ((key, item, None) for key, item in zip(keys, made, strict=True))
            return
        judged = {"items": made} | {k: v for k, v in inputs.items() if k == "labels"}
        scores = self.model.calibration.logit(
            compute(self._judge, judged, self.device, tile)
        ).reshape(len(keys), count)
        if count > 1:
            self._effective.append(effective_sample_size(scores))
        for row, key in enumerate(keys):
            chosen = pick_candidate(key, scores[row]) if count > 1 else 0
            yield key, made[row * count + chosen], float(scores[row, chosen])

    def _judge(self, items: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        logits: torch.Tensor = self.discriminator(items, labels)
        return logits

    def report(self, reporter: Reporter) -> None:
        """Say how much choice the discriminator had."""
        if self._effective:
            mean = float(np.concatenate(self._effective).mean())
            reporter.note(
                f"Guided: of {self.options.guided} candidates {mean:.1f} counted on average."
            )


def compute(
    network: Callable[..., torch.Tensor], inputs: Mapping[str, np.ndarray], device: torch.device,
    tile: int,
) -> np.ndarray:
    """Return what a network makes of some rows, each the same whatever comes with it.

    Args:
        network: A generator or discriminator in evaluation mode, on the device.
        inputs: Arrays by argument name, a row for each item.
        device: Where to compute.
        tile: Rows computed together; another number is another set of bytes.

    Returns:
        Float32, a row for each item.
    """
    count = len(next(iter(inputs.values())))
    made = []
    for start in range(0, count, tile):
        rows = {name: _tile(values[start : start + tile], tile) for name, values in inputs.items()}
        made.append(generate(network, rows, device)[: count - start].numpy())
    return np.concatenate(made)


def _tile(rows: np.ndarray, count: int) -> np.ndarray:
    """Return the rows and as many copies of the last one as fill a tile.

    It lies in memory of torch, whose alignment MKL needs to round alike from run to run.
    """
    tile: np.ndarray = torch.empty((count, *rows.shape[1:]), dtype=torch.from_numpy(rows).dtype
                                   ).numpy()
    tile[: len(rows)] = rows
    tile[len(rows) :] = rows[-1]
    return tile


@contextmanager
def _exact() -> Iterator[None]:
    """Compute with repeatable algorithms, full fp32, and at most a thread for each core."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, devices.physical_cores()))
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        torch.set_num_threads(before)
