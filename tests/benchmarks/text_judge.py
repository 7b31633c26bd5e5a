"""A judge of texts that shares nothing with the tool's own score: language models of its own.

Run by hand, never by pytest. All figures are of token ids, (n, steps), 0 after the end:

- auc: of a classifier that tells samples from real lines. It starts from a language model of the
  judge's lines, learns on these against half of the samples, and is tested on fresh lines against
  the other half; .5 is best.
- fed: Frechet distance of samples from fresh lines on the mean hidden states of that language
  model, in percent of the variance of real lines; the floor is that of as many real lines.
- reverse: nats a token of test lines under a language model fitted to the samples. It knows both
  faults, bad texts and missing ones; smaller is better.
- forward: nats a token of samples under the judge's language model. Likely text is easier than real
  text, so nearer to real text's own figure is better.
- unique, copied: share of different texts, and of training lines word for word.
"""

import copy
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from gancli.metrics.frechet import fit, frechet_distance

_SPLITS = 4
_AT_ONCE = 250


def seen(tokens: torch.Tensor) -> torch.Tensor:
    """Return where the texts are, their first end included, bool, shape (n, steps)."""
    return (tokens == 0).cumsum(1) - (tokens == 0).long() == 0


def trimmed(rows: np.ndarray) -> torch.Tensor:
    """Return rows without the columns that are beyond every end."""
    longest = int((rows != 0).sum(1).max())
    return torch.from_numpy(rows[:, : longest + 1])


def batches(tokens: np.ndarray, size: int, random: np.random.Generator) -> list[np.ndarray]:
    """Return the indices of an epoch's batches, each of texts of like length, in any order."""
    lengths = (tokens != 0).sum(1)
    found = []
    order = random.permutation(len(tokens))
    for start in range(0, len(order), 16 * size):
        some = order[start : start + 16 * size]
        ranked = some[np.argsort(lengths[some], kind="stable")]
        found += [ranked[at : at + size] for at in range(0, len(ranked), size)]
    return [found[at] for at in random.permutation(len(found))]


class LanguageModel(nn.Module):
    """Ids (n, steps) to hidden states that predict each id from those before it."""

    def __init__(self, cell: type[nn.RNNBase], size: int, embedding: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, embedding)
        nn.init.normal_(self.embedding.weight, 0.0, embedding**-0.5)
        self.cell = cell(embedding, width, batch_first=True)
        self.dropout = nn.Dropout(0.3)
        self.project = nn.Linear(width, embedding)
        self.bias = nn.Parameter(torch.zeros(size))

    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        before = torch.cat([torch.zeros_like(tokens[:, :1]), tokens[:, :-1]], 1)
        return self.cell(self.dropout(self.embedding(before)))[0]

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the negative log-likelihood of each token that is seen, one after the other."""
        inside = seen(tokens)
        outputs = self.project(self.dropout(self.hidden(tokens)[inside]))
        logits = outputs @ self.embedding.weight.T + self.bias
        return cross_entropy(logits, tokens[inside], reduction="none")

    @torch.no_grad()
    def loss(self, tokens: np.ndarray) -> float:
        """Return the mean over all tokens and ends, in nats."""
        self.eval()
        parts = range(0, len(tokens), _AT_ONCE)
        found = [self(trimmed(tokens[at : at + _AT_ONCE])) for at in parts]
        return float(torch.cat(found).mean())

    @torch.no_grad()
    def features(self, tokens: np.ndarray) -> np.ndarray:
        """Return the mean hidden state of each text."""
        self.eval()
        found = []
        for at in range(0, len(tokens), _AT_ONCE):
            part = trimmed(tokens[at : at + _AT_ONCE])
            inside = seen(part)[..., None]
            found.append(((self.hidden(part) * inside).sum(1) / inside.sum(1)).numpy())
        return np.concatenate(found)


def fit_language_model(
    network: LanguageModel, tokens: np.ndarray, steps: int, seed: int,
    valid: np.ndarray | None = None,
) -> None:
    """Fit a model to texts; with others beside them it is left as it was best on these."""
    random = np.random.default_rng(seed)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps, pct_start=0.1)
    step, best, least = 0, None, float("inf")
    while step < steps:
        for chosen in batches(tokens, 64, random)[: steps - step]:
            network.train()
            _update(network, optimizer, network(trimmed(tokens[chosen])).mean())
            rate.step()
            step += 1
        if valid is not None and (loss := network.loss(valid)) < least:
            best, least = copy.deepcopy(network.state_dict()), loss
    if best is not None:
        network.load_state_dict(best)


def _update(network: nn.Module, optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()


class Classifier(nn.Module):
    """Ids (n, steps) to logits (n,) of being real; begins as a language model reads."""

    def __init__(self, language: LanguageModel) -> None:
        super().__init__()
        self.embedding = copy.deepcopy(language.embedding)
        self.cell = copy.deepcopy(language.cell)
        self.dropout = nn.Dropout(0.4)
        width = self.cell.hidden_size
        self.judge = nn.Sequential(nn.Linear(2 * width, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        inside = seen(tokens)[..., None]
        hidden = self.cell(self.dropout(self.embedding(tokens)))[0]
        mean = (hidden * inside).sum(1) / inside.sum(1)
        most = hidden.masked_fill(~inside, -torch.inf).amax(1)
        return self.judge(self.dropout(torch.cat([mean, most], 1)))[:, 0]

    @torch.no_grad()
    def logits(self, tokens: np.ndarray) -> np.ndarray:
        self.eval()
        parts = range(0, len(tokens), _AT_ONCE)
        found = [self(trimmed(tokens[at : at + _AT_ONCE])) for at in parts]
        return torch.cat(found).numpy()

    def auc(self, real: np.ndarray, made: np.ndarray) -> float:
        """Return how often a real text gets a higher logit than a made one."""
        up, down = self.logits(real), np.sort(self.logits(made))
        below = np.searchsorted(down, up, "left") + np.searchsorted(down, up, "right")
        return float(below.mean() / 2 / len(down))


class Judge:
    """Language models and classifiers, all on the tokens of one model.

    Args:
        judged: The judge's own lines.
        valid: Lines that say when its language model has learned enough.
        test: Fresh lines.
        train: The lines that the models learned from.
        size: Number of ids.
        folder: Where its language model and the figures of samples lie for the next time.
        steps: Of each language model; a classifier has half as many.
        classifiers: How many, each with another seed.
        samples: Size of the sets that will be judged; sizes the floor.
    """

    def __init__(
        self, judged: np.ndarray, valid: np.ndarray, test: np.ndarray, train: np.ndarray,
        size: int, folder: Path, steps: int, classifiers: int, samples: int,
    ) -> None:
        self.judged, self.test, self.size = judged, test, size
        self.fresh = np.concatenate([test, valid])  # seen by no network
        self.folder, self.steps, self.classifiers = folder, steps, classifiers
        self.known = {row.tobytes() for row in train}
        folder.mkdir(parents=True, exist_ok=True)
        self.key = _hash(judged.tobytes(), self.fresh.tobytes(), train.tobytes(), steps)
        torch.manual_seed(0)
        self.language = LanguageModel(nn.GRU, size, 128, 256)
        path = folder / f"judge-{self.key}.safetensors"
        if path.exists():
            self.language.load_state_dict(load_file(path))
        else:
            fit_language_model(self.language, judged, steps, 0, valid)
            save_file(self.language.state_dict(), path)
        self.real = self.language.features(self.fresh)
        self.scale = 100.0 / float(np.trace(fit(self.real).covariance))
        self.own = self.language.loss(test)
        self.floor = self._floor(np.concatenate([self.fresh, train]), samples)

    def _floor(self, lines: np.ndarray, samples: int) -> float:
        """Return the distance of real lines from other real ones, as many as will be compared."""
        random, features = np.random.default_rng(0), self.language.features(lines)
        found = []
        for _ in range(_SPLITS):
            order = random.permutation(len(lines))
            reference, rest = np.split(order, [len(self.fresh)])
            found.append(frechet_distance(features[reference], features[rest[:samples]]))
        return self.scale * float(np.mean(found))

    def figures(self, tokens: np.ndarray) -> dict[str, float]:
        """Return all figures of samples, or those that an earlier call has found."""
        path = self.folder / f"figures-{_hash(self.key, tokens.tobytes(), self.classifiers)}.json"
        if not path.exists():
            aucs = [self._auc(tokens, seed) for seed in range(self.classifiers)]
            rows = [row.tobytes() for row in tokens]
            distance = frechet_distance(self.language.features(tokens), self.real)
            path.write_text(json.dumps({
                "auc": float(np.mean(aucs)), "auc_spread": float(np.ptp(aucs)),
                "fed": self.scale * distance,
                "reverse": self._reverse(tokens), "forward": self.language.loss(tokens),
                "unique": len(set(rows)) / len(rows),
                "copied": sum(row in self.known for row in rows) / len(rows),
            }))
        return json.loads(path.read_text())

    def _reverse(self, tokens: np.ndarray) -> float:
        torch.manual_seed(1)
        network = LanguageModel(nn.LSTM, self.size, 96, 192)
        fit_language_model(network, tokens, self.steps, 1)
        return network.loss(self.test)

    def _auc(self, tokens: np.ndarray, seed: int) -> float:
        torch.manual_seed(2 + seed)
        random = np.random.default_rng(2 + seed)
        order = random.permutation(len(tokens))
        taught, tested = tokens[order[::2]], tokens[order[1::2]]
        # A tenth of either kind says when to stop.
        real, made = (each[random.permutation(len(each))] for each in (self.judged, taught))
        cuts = [len(each) // 10 for each in (real, made)]
        rows = np.concatenate([real[cuts[0] :], made[cuts[1] :]])
        targets = np.repeat([1.0, 0.0], [len(real) - cuts[0], len(made) - cuts[1]])
        network = Classifier(self.language)
        optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.01)
        step, steps, highest, found = 0, max(1, self.steps // 2), -1.0, 0.5
        while step < steps:
            for chosen in batches(rows, 128, random)[: steps - step]:
                network.train()
                logits = network(trimmed(rows[chosen]))
                wanted = torch.from_numpy(targets[chosen]).float()
                _update(network, optimizer, binary_cross_entropy_with_logits(logits, wanted))
                step += 1
            if (auc := network.auc(real[: cuts[0]], made[: cuts[1]])) > highest:
                highest, found = auc, network.auc(self.fresh, tested)
        return found


def _hash(*parts) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part if isinstance(part, bytes) else repr(part).encode())
    return found.hexdigest()[:16]
