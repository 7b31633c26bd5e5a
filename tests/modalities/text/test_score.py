"""The monitor's figures for text."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from gancli.config import resolve
from gancli.data.source import open_source
from gancli.modalities import get
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.networks import Generator, build
from gancli.modalities.text.score import TextScorer
from gancli.modalities.text.tokens import END, FIRST
from gancli.reporting import Silent

COUNT = 2000


def opened(path, **options):
    """Return the spec, the config and the dataset of a file."""
    text = get("text")
    config, _ = resolve(text.config_type, presets=text.presets, command_line=options)
    loader, source = text.loader(), open_source(str(path))
    spec, _ = loader.inspect(source, config)
    return spec, config, loader.load(source, spec, config, Silent())


def items(spec, texts):
    """Return texts as a generator gives them."""
    rows = torch.zeros(len(texts), spec.length, 2)
    for row, text in zip(rows, texts, strict=True):
        ids = spec.tokenizer().encode(text)[: spec.length]
        row[: len(ids), 0] = torch.from_numpy(ids)
    return rows


@pytest.fixture(scope="module")
def measured(tmp_path_factory, lines):
    """A corpus of two kinds of lines, and its scorer."""
    root = tmp_path_factory.mktemp("score")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANCLI_CACHE", str(root / "cache"))
        (root / "x.txt").write_text("\n".join(lines(3000)) + "\n")
        spec, _, dataset = opened(root / "x.txt", holdout=0.5)
        assert spec.tokens == "word"
        yield spec, dataset, TextScorer(dataset, spec, 0, samples=COUNT)


def corrupted(texts, spec, fraction, seed=0):
    """Return texts with a fraction of the tokens before the end drawn at random."""
    rng = torch.Generator().manual_seed(seed)
    ids = texts[..., 0]
    hit = (torch.rand(ids.shape, generator=rng) < fraction) & (ids != END)
    other = torch.randint(FIRST, spec.size, ids.shape, generator=rng).float()
    return torch.stack([torch.where(hit, other, ids), texts[..., 1]], 2)


def test_better_texts_score_better(measured, lines):
    spec, _, scorer = measured
    real = items(spec, lines(COUNT, seed=1))
    right = scorer.score(real)
    tenth = scorer.score(corrupted(real, spec, 0.1))
    noise = scorer.score(corrupted(real, spec, 1.0))
    halves = [scorer.score(items(spec, lines(COUNT, seed=1, kinds=kind))) for kind in ".?"]
    repeated = scorer.score(items(spec, lines(1, seed=1) * COUNT))
    assert 1.3 * right < tenth
    # Which of these is worse, all tokens wrong or half of the texts missing, is left open.
    assert 4 * tenth < min(noise, *halves)
    assert 2 * max(noise, *halves) < repeated
    assert 0.6 * scorer.floor < right < 1.6 * scorer.floor


def test_more_of_a_fault_scores_worse(measured, lines):
    spec, _, scorer = measured
    real = items(spec, lines(COUNT, seed=1))
    scores = [scorer.score(corrupted(real, spec, wrong)) for wrong in (0, 0.1, 0.2, 0.5, 1)]
    assert scores == sorted(scores)
    # The right words in the wrong order.
    rng = random.Random(0)
    shuffled = [" ".join(rng.sample(words, len(words)))
                for words in map(str.split, lines(COUNT, seed=1))]
    assert scorer.score(items(spec, shuffled)) > 4 * scores[0]


def test_scoring_draws_nothing(measured, lines):
    spec, _, scorer = measured
    real = items(spec, lines(COUNT, seed=1))
    state = torch.get_rng_state()
    assert scorer.score(real) == scorer.score(real)
    assert torch.equal(state, torch.get_rng_state())


def test_diversity_is_that_of_the_samples(measured, lines):
    spec, _, scorer = measured
    real = items(spec, lines(COUNT, seed=1))
    assert scorer.diversity(real) == pytest.approx(1, abs=0.05)
    assert scorer.diversity(items(spec, lines(1) * COUNT)) < 0.01
    assert 0.2 < scorer.diversity(items(spec, lines(COUNT, kinds="?"))) < 0.95


def test_notes_count(measured):
    spec, dataset, scorer = measured
    known = dataset.take(dataset.train[:3]).arrays["tokens"][:, : spec.length]
    made = torch.zeros(8, spec.length, 2)
    for row in range(3):
        made[row, : known.shape[1], 0] = torch.from_numpy(known[row])
    same = len({tuple(row) for row in known.tolist()})
    made[3] = made[0]
    made[3, -1, 0] = 5  # what follows the end
    for row, tokens in enumerate(([2, 2, 2], [2, 2, 2], [2, 2], []), 4):
        made[row, : len(tokens), 0] = torch.tensor(tokens)
    assert scorer.notes(made) == {"unique": (same + 3) / 8, "copied": 4 / 8}


class Fixed(Generator):
    """Gives each token a probability of its own, whatever came before."""

    def hidden(self, tokens, labels, shard=None):
        assert shard is None  # measured without dropout
        return super().hidden(tokens, labels)

    def outputs(self, hidden, drawn=False):
        return self.log_probabilities.expand(*hidden.shape[:-1], -1)


def test_the_loss_is_the_mean_over_held_out_tokens_and_ends(measured):
    spec, dataset, scorer = measured
    generator = Fixed(spec, TextConfig(g_width=4, embedding=2))
    weights = torch.arange(1.0, spec.size + 1)
    generator.log_probabilities = (weights / weights.sum()).log()
    total = count = 0.0
    for index in dataset.held_out[:].tolist():
        length = int(dataset.places.lengths(np.array([index]))[0])
        tokens = dataset.take(np.array([index])).arrays["tokens"][0, : length + 1][: spec.length]
        total -= float(generator.log_probabilities[tokens].sum())
        count += len(tokens)
    assert len(dataset.held_out) > 1000  # of which a sample is judged
    assert scorer.loss(generator) == pytest.approx(total / count, rel=0.02)
    # Few enough for all to be judged, in two batches of which one holds a single text.
    few = dataset.held_out[:101]
    scorer = TextScorer(replace(dataset, held_out=few), spec, 0)
    texts = [dataset.take(np.array([index])).arrays["tokens"][0] for index in few.tolist()]
    ids = np.concatenate([row[: np.argmax(row == END) + 1][: spec.length] for row in texts])
    wanted = -generator.log_probabilities[ids].mean().item()
    assert scorer.loss(generator) == pytest.approx(wanted, rel=1e-5)


def test_a_stream_is_measured_too(tmp_path, lines, fewer_features):
    path = tmp_path / "x.txt"
    path.write_text(" ".join(lines(400)))
    spec, config, dataset = opened(path, split="stream", tokens="char", max_length=32)
    scorer = TextScorer(dataset, spec, 0, samples=100)
    real = dataset.take(dataset.held_out[:100]).arrays["tokens"]
    made = torch.from_numpy(np.stack([real, real], 2)).float()
    random_ids = torch.randint(FIRST, spec.size, made.shape).float()
    assert scorer.score(made) < 0.5 * scorer.score(random_ids)
    generator = build(spec, config).generator
    assert 0 < scorer.loss(generator) < 10
