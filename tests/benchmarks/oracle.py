"""Training and sampling against a distribution that is known, for RESULTS.md.

    python tests/benchmarks/oracle.py --length 20 --time 600s --seeds 0,1,2 --runs DIR

The oracle of Yu et al. 2017 (SeqGAN, arXiv 1609.05473), rebuilt from a seed: an LSTM with 5,000
words, 32 values a word and 32 cells, all weights drawn from N(0, 1), that starts from word 0 and
never ends. 10,000 of its sequences are learned from, and a further ninth as many are held out. It
is not the oracle of the published figures, only one of its kind: its entropy is printed.

For likelihood and adversarial training on the same budget, and for guided sampling of both, in
nats a token with standard errors:

- NLL: of samples under the oracle, as published; good below the entropy, too, if all are alike.
- forward: KL(samples || oracle); it sees samples that the oracle would not draw.
- reverse: KL(oracle || samples); it sees what is never drawn.

Sampling with K candidates x_1..x_K of p and weights w has a density, of which both follow:
p_K(x) = K p(x) E[w(x) / (w(x) + w(x_2) + .. + w(x_K))], the mean over the other candidates, which
are taken from the model's samples. "short" is the share of samples that end early, as no sequence
of the oracle does; they are left out of the forward figures.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from text_runs import Drawn, budget, draw, mean_and_spread, train
from torch import nn

from gancli import modalities
from gancli.artifacts.model import AnyModel
from gancli.artifacts.networks import load_networks
from gancli.modalities.base import AnyModality
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import FIRST

_WORDS, _WIDTH = 5000, 32
_LINES = 11_111  # a tenth of which is held out
_OTHERS = 20_000  # draws of the other candidates for the density of guided sampling
_AT_ONCE = 250


class Oracle(nn.Module):
    """Draws words, int64, shape (n, length), and knows their log-probabilities."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(_WORDS, _WIDTH)
        self.cell = nn.LSTM(_WIDTH, _WIDTH, batch_first=True)
        self.output = nn.Linear(_WIDTH, _WORDS)
        torch.manual_seed(seed)
        for name, weight in self.named_parameters():
            if name == "cell.bias_hh_l0":  # the original has one bias for each gate
                nn.init.zeros_(weight)
            else:
                nn.init.normal_(weight)
        self.requires_grad_(False)

    def draw(self, count: int, length: int, seed: int) -> np.ndarray:
        random = torch.Generator().manual_seed(seed)
        words, state = torch.zeros(count, 1, dtype=torch.long), None
        found = []
        for _ in range(length):
            hidden, state = self.cell(self.embedding(words), state)
            shares = self.output(hidden[:, 0]).softmax(1)
            words = torch.multinomial(shares, 1, generator=random)
            found.append(words)
        return torch.cat(found, 1).numpy()

    def log_probabilities(self, words: np.ndarray) -> np.ndarray:
        """Return that of each sequence, shape (n,)."""
        found = []
        for at in range(0, len(words), _AT_ONCE):
            part = torch.from_numpy(words[at : at + _AT_ONCE])
            before = torch.cat([torch.zeros_like(part[:, :1]), part[:, :-1]], 1)
            logits = self.output(self.cell(self.embedding(before))[0]).log_softmax(2)
            found.append(logits.gather(2, part[..., None]).double().sum((1, 2)))
        return torch.cat(found).numpy()


def sequences(length: int) -> AnyModality:
    """Return text of known words and length, even words that no line holds."""
    text = modalities.get("text")
    words = tuple(f"w{number}" for number in range(_WORDS))
    spec = TextSpec("word", words, "spaces", length, "lines", "", 0, 0, (), (), _LINES)
    loader = replace(text.loader(), inspect=lambda source, config: (spec, []))
    return replace(text, loader=lambda: loader)


@torch.no_grad()
def of_model(model: AnyModel, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the model's log-probabilities of sequences, and its guide's log-odds, each (n,)."""
    networks = load_networks(model)
    likelihoods, logits = [], []
    for at in range(0, len(words), _AT_ONCE):
        tokens = torch.from_numpy(words[at : at + _AT_ONCE] + FIRST)
        shares = networks.generator.logits(tokens, None, drawn=True).log_softmax(2)
        likelihoods.append(shares.gather(2, tokens[..., None]).double().sum((1, 2)))
        logits.append(networks.discriminator(tokens).logits)
    return torch.cat(likelihoods).numpy(), model.calibration.log_odds(torch.cat(logits).numpy())


def gain(log_odds: np.ndarray, pool: np.ndarray, candidates: int) -> np.ndarray:
    """Return log p_K(x) - log p(x) for x of these log-odds.

    Args:
        log_odds: Of x, shape (n,).
        pool: Log-odds of the model's own samples.
        candidates: K.
    """
    random = np.random.default_rng(0)
    most = max(log_odds.max(), pool.max())
    weights, others = np.exp(log_odds - most), np.exp(pool - most)
    rest = others[random.integers(len(others), size=(_OTHERS, candidates - 1))].sum(1)
    share = np.concatenate([
        (each[:, None] / (each[:, None] + rest)).mean(1)
        for each in np.array_split(weights, max(1, len(weights) // 100))
    ])
    return np.log(candidates * share)


def figures(
    oracle: Oracle, drawn: Drawn, more: np.ndarray, reverse: np.ndarray, length: int
) -> dict[str, float]:
    """Return what is printed of a set of samples.

    Args:
        oracle: Judges them.
        drawn: The samples.
        more: What sampling has added to their log-probabilities, shape (n,), or 0.
        reverse: Log-ratio of oracle and sampler on sequences of the oracle.
        length: Words of a sequence.
    """
    full = (drawn.tokens >= FIRST).all(1)
    theirs = oracle.log_probabilities(drawn.tokens[full] - FIRST)
    # Given that it did not end early, a text is this much likelier.
    own = (drawn.likelihoods + more)[full] - np.log(full.mean())
    found = {}
    for name, values in (("NLL", -theirs), ("forward", own - theirs), ("reverse", reverse)):
        found[name] = float(values.mean()) / length
        found[f"{name}_error"] = float(values.std() / len(values) ** 0.5) / length
    rows = {row.tobytes() for row in drawn.tokens}
    return {**found, "short": float(1 - full.mean()), "unique": len(rows) / len(drawn.tokens)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--time", default="600s")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--oracle", type=int, default=0, help="seed of its weights")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--guided", default="2,4")
    parser.add_argument("--runs", type=Path, default=Path("runs/oracle"))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    oracle, length = Oracle(given.oracle), given.length
    folder = given.runs / f"oracle={given.oracle},length={length}"
    folder.mkdir(parents=True, exist_ok=True)
    corpus = folder / "train.txt"
    lines = oracle.draw(_LINES, length, 1)
    if not corpus.exists():
        corpus.write_text("".join(" ".join(f"w{word}" for word in row) + "\n" for row in lines))
    fresh = oracle.draw(given.samples, length, 2)
    truth = oracle.log_probabilities(fresh)
    print(json.dumps({
        "oracle": given.oracle, "length": length, "entropy": float(-truth.mean()) / length,
        "error": float(truth.std() / len(truth) ** 0.5) / length,
        "words_in_lines": len(np.unique(lines)),
        "words_of_fresh_unseen": float((~np.isin(fresh, lines)).mean()),
    }), flush=True)
    rows: dict[str, list[dict]] = defaultdict(list)
    for seed in map(int, given.seeds.split(",")):
        for preset in ("likelihood", "adversarial"):
            options = {"preset": preset, "seed": seed, **budget(given.time, given.steps),
                       **dict(pair.split("=", 1) for pair in given.set)}
            model = train(sequences(length), corpus, folder, options)
            fitted = vars(model.calibration)
            print(json.dumps({**options, **model.metrics, "guide": fitted}), flush=True)
            likelihoods, log_odds = of_model(model, fresh)
            pool = draw(model, given.samples)
            for candidates in (1, *map(int, given.guided.split(","))):
                if candidates == 1:
                    drawn, more, reverse = pool, 0.0, truth - likelihoods
                else:
                    # Other seeds than those of the pool, with which they would be correlated.
                    drawn = draw(model, given.samples, first=10**8, guided=candidates)
                    more = gain(drawn.log_odds, pool.log_odds, candidates)
                    reverse = truth - likelihoods - gain(log_odds, pool.log_odds, candidates)
                found = figures(oracle, drawn, more, reverse, length)
                name = preset if candidates == 1 else f"{preset}, guided {candidates}"
                rows[name].append(found)
                print(json.dumps({"samples": name, "seed": seed, **found}), flush=True)
    print("\n| samples | NLL | forward | reverse | short | unique |\n|---|---|---|---|---|---|")
    print(f"| oracle | {-truth.mean() / length:.3f} | 0 | 0 | 0 | 1 |")
    for name, found in rows.items():
        cells = [mean_and_spread([each[column] for each in found], 3)
                 for column in ("NLL", "forward", "reverse", "short", "unique")]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
