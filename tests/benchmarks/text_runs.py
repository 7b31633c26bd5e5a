"""What the benchmarks of text share: runs that a second call finds again, and samples as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from model_samples import samples_of

from gancli.artifacts import model
from gancli.artifacts.model import AnyModel
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.modalities.base import AnyModality
from gancli.modalities.text.config import PRESETS, TextConfig
from gancli.modalities.text.tokens import UNKNOWN
from gancli.reporting import Silent
from gancli.training import session

FIRST_SEED = 10**6


@dataclass(frozen=True)
class Drawn:
    """Samples of a model.

    Args:
        tokens: Ids, int64, shape (n, steps), 0 after the end.
        likelihoods: Sum of the log-probabilities of each text as learned, shape (n,).
        log_odds: The discriminator's calibrated log-odds of being real, shape (n,).
    """

    tokens: np.ndarray
    likelihoods: np.ndarray
    log_odds: np.ndarray


def draw(trained: AnyModel, count: int, first: int = FIRST_SEED, **options) -> Drawn:
    """Return samples by the library's own sampler; options are those of ``gancli sample text``."""
    # jsonl: with scores.
    samples = list(samples_of(trained, range(first, first + count), jsonl=True, **options))
    items = np.stack([sample.data for sample in samples])
    odds = [np.nan if sample.log_odds is None else sample.log_odds for sample in samples]
    return Drawn(items[..., 0].astype(np.int64), items[..., 1].sum(1, np.float64), np.array(odds))


def train(modality: AnyModality, data: Path, folder: Path, options: dict) -> AnyModel:
    """Return a model trained with these options, or the one that an earlier call has finished."""
    path = folder / ",".join(f"{name}={value}" for name, value in sorted(options.items()))
    if not model.is_model(path / "model"):
        config, _ = resolve(TextConfig, command_line=options, presets=PRESETS)
        session.train(
            modality, config, open_source(str(data)), path, Silent(), command="", force=True
        )
    return model.load(path / "model")


def encode(path: Path, spec) -> tuple[np.ndarray, float]:
    """Return the lines of a file that a model can say, and the share that it cannot.

    A generator never draws an unknown word, so a line that holds one would tell real from made.

    Returns:
        Ids, int64, shape (n, length), 0 after the end; and the share of lines left out.
    """
    lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    encoded = [spec.tokenizer().encode(line)[: spec.length] for line in lines]
    kept = [ids for ids in encoded if len(ids) and not (ids == UNKNOWN).any()]
    tokens = np.zeros((len(kept), spec.length), np.int64)
    for row, ids in zip(tokens, kept, strict=True):
        row[: len(ids)] = ids
    return tokens, 1 - len(kept) / len(lines)


def budget(time: str, steps: int | None) -> dict:
    return {"time": time} if steps is None else {"steps": steps}


def mean_and_spread(values: Sequence[float], digits: int) -> str:
    """Return ``mean ± deviation`` of some seeds' figures, or the one there is."""
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"
