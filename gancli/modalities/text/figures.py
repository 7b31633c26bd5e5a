"""Figures that texts alone have: how likely they are, how varied, and how much is copied."""

import numpy as np
import torch

from gancli.metrics.bootstrap import interval, mean_interval
from gancli.metrics.figure import Figure
from gancli.metrics.two_sample import auc, told_apart
from gancli.modalities.text.ngrams import NgramModel, longest_runs
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import END

_MAX_FITTED = 5_000  # texts that n-grams are counted in

Rows = list[np.ndarray]  # the token ids of each text, its end included if it has one


def text_figures(
    train: torch.Tensor, held_out: torch.Tensor, known: torch.Tensor, samples: torch.Tensor,
    spec: TextSpec, seed: int,
) -> list[Figure]:
    """Return the figures of drawn texts.

    Args:
        train, held_out: Real texts, (n, steps, 2), that were and were not trained on.
        known: Those that copies are looked for among.
        samples: Drawn ones.
        spec: Of the model.
        seed: Of resampling.
    """
    rng = np.random.default_rng(seed)
    train_rows, held_out_rows, sample_rows, known_rows = map(
        _rows, (train, held_out, samples, known)
    )
    order = rng.permutation(len(train_rows))
    real = [train_rows[place] for place in order[: len(sample_rows)]]  # for floors
    fitted = [train_rows[place] for place in order[:_MAX_FITTED]]
    model = NgramModel(fitted, spec.size)

    def figure(name: str, values: np.ndarray, floor: float, about: str) -> Figure:
        return Figure(
            name, float(values.mean()), *mean_interval(values, rng), floor, len(sample_rows), about
        )

    def copied(rows: Rows, others: Rows) -> np.ndarray:
        texts = {row.tobytes() for row in others}
        return np.array([row.tobytes() in texts for row in rows], float)

    return [
        _told_apart(sample_rows, held_out_rows, fitted, seed, rng),
        figure(
            "forward_loss", model.loss(sample_rows), float(model.loss(held_out_rows).mean()),
            "nats a token of samples under n-grams of real texts; near the floor is best: less "
            "is too safe, more is wrong",
        ),
        figure(
            "reverse_loss", NgramModel(sample_rows, spec.size).loss(held_out_rows),
            float(NgramModel(real, spec.size).loss(held_out_rows).mean()),
            "nats a token of held-out texts under n-grams of samples; smaller is better",
        ),
        figure(
            "unique", _firsts(sample_rows), float(_firsts(real).mean()),
            "share of samples that are the first of their kind; more is better",
        ),
        figure(
            "copied", copied(sample_rows, known_rows),
            float(copied(held_out_rows, train_rows).mean()),
            "share of samples that are known texts word for word; few held-out texts are, "
            "since only copies of very frequent texts are divided",
        ),
        _longest(
            longest_runs(sample_rows, known_rows),
            longest_runs(held_out_rows[: len(sample_rows)], train_rows), rng,
        ),
    ]


def _told_apart(
    samples: Rows, held_out: Rows, known: Rows, seed: int, rng: np.random.Generator
) -> Figure:
    """Return how well texts are told by how likely they are, which shows what is misspelt."""
    order = rng.permutation(len(known))
    fitted, others = ([known[place] for place in part] for part in np.array_split(order, 2))
    model = NgramModel(fitted, 1 + max(int(row.max()) for row in [*known, *held_out, *samples]))

    def apart(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        logits = told_apart(_profile(model, held_out), _profile(model, rows), seed)
        return logits[: len(held_out)], logits[len(held_out) :]

    logits = apart(samples)
    value = auc(*logits)
    low, high = interval(auc, logits, value, rng)
    return Figure(
        "auc", value, low, min(high, 1.0), auc(*apart(others[: len(samples)])), len(samples),
        "how well a classifier tells samples from held-out texts; .5 is best, 1 worst",
    )


def _profile(model: NgramModel, rows: Rows) -> np.ndarray:
    lengths = np.log([len(row) for row in rows])
    return np.concatenate([model.profile(rows), lengths[:, None]], 1)


def _rows(items: torch.Tensor) -> Rows:
    ids = items[..., 0].numpy().astype(np.int32)
    ends = np.where((ids == END).any(1), (ids == END).argmax(1) + 1, ids.shape[1])
    return [row[:end] for row, end in zip(ids, ends, strict=True)]


def _firsts(rows: Rows) -> np.ndarray:
    """Return 1 for each text that no earlier one equals, else 0."""
    seen: set[bytes] = set()
    firsts = []
    for row in rows:
        firsts.append(float(row.tobytes() not in seen))
        seen.add(row.tobytes())
    return np.array(firsts)


def _longest(runs: np.ndarray, of_held_out: np.ndarray, rng: np.random.Generator) -> Figure:
    value = float(runs.max())
    low, high = interval(lambda x: float(x.max()), (runs,), value, rng)
    return Figure(
        "longest_copied_run", value, low, high, float(of_held_out.max()), len(runs),
        "tokens of the longest run that a sample shares with a training text",
    )
