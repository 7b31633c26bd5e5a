"""Text of several ways of training and sampling under an independent judge, for RESULTS.md.

    python tests/benchmarks/text_quality.py CORPUS --time 600s --seeds 0,1,2 --runs DIR

CORPUS holds train.txt, valid.txt, judge.txt and test.txt. Trains with each of the --presets on the
same budget, prints a line of JSON for each set of samples, and at the end a table; what the columns
mean is in text_judge.py. Any option of ``gancli train text`` can be set with --set name=value.
Runs, the judge and its figures are kept in --runs, so that a second call does only what is missing.
Run one at a time on a quiet machine.

All sets have as many texts, since most figures depend on it: --samples, or as many training lines
as hold no unknown word. "Best half" is the likelier half of twice as many by the sum of their
tokens' log-probabilities. The trigram chain is a set known to be bad.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from text_judge import Judge
from text_runs import budget, draw, encode, mean_and_spread, train

from gancli import modalities
from gancli.artifacts.model import Model

_COLUMNS = {"auc": 3, "fed": 2, "reverse": 3, "forward": 3, "unique": 3, "copied": 3}
_FILTERS = {
    "T=1": {}, "T=0.9": {"temperature": 0.9}, "T=0.8": {"temperature": 0.8},
    "top-k 50": {"top_k": 50}, "top-p 0.9": {"top_p": 0.9},
}


def trigrams(lines: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return texts of a chain in which two tokens fix how often the next one follows."""
    following = defaultdict(list)
    for row in lines.tolist():
        before = (0, 0)
        for token in row:
            following[before].append(token)
            before = (before[1], token)
            if not token:
                break
    random = np.random.default_rng(seed)
    made = np.zeros((count, lines.shape[1]), np.int64)
    for row in made:
        before = (0, 0)
        for step in range(len(row)):
            choices = following[before]
            row[step] = choices[random.integers(len(choices))] if choices else 0
            if not row[step]:
                break
            before = (before[1], int(row[step]))
    return made


def sets(
    preset: str, model: Model, count: int, guided: list[int]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each set of samples with its name; those that only filter are of likelihood alone."""
    for name, options in _FILTERS.items() if preset == "likelihood" else [("T=1", {})]:
        yield f"{preset}, {name}", draw(model, count, **options).tokens
    if preset == "likelihood":
        twice = draw(model, 2 * count)
        likely = np.sort(np.argsort(-twice.likelihoods, kind="stable")[:count])
        yield "likelihood, best half", twice.tokens[likely]
    for candidates in guided:
        yield f"{preset}, guided {candidates}", draw(model, count, guided=candidates).tokens


def table(rows: dict[str, list[dict]]) -> str:
    """Return the figures as Markdown, the mean of all seeds and their deviation."""
    lines = ["| samples | " + " | ".join(_COLUMNS) + " |", "|---" * (len(_COLUMNS) + 1) + "|"]
    for name, found in rows.items():
        cells = [mean_and_spread([each[column] for each in found], digits)
                 for column, digits in _COLUMNS.items()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--time", default="600s")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--presets", default="likelihood,adversarial")
    parser.add_argument("--runs", type=Path, default=Path("runs/text-quality"))
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--guided", default="2,4,16")
    parser.add_argument("--judge-steps", type=int, default=1000)
    parser.add_argument("--classifiers", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of the judge and of sampling")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    seeds = [int(seed) for seed in given.seeds.split(",")]
    guided = [int(count) for count in given.guided.split(",")]
    text = modalities.get("text")
    models = {}
    for seed in seeds:
        for preset in given.presets.split(","):
            options = {"preset": preset, "seed": seed, **budget(given.time, given.steps),
                       **dict(pair.split("=", 1) for pair in given.set)}
            model = train(text, given.corpus / "train.txt", given.runs, options)
            models[preset, seed] = model
            calibration = None if model.calibration is None else vars(model.calibration)
            print(json.dumps({**options, **model.metrics, "guide": calibration}), flush=True)
    torch.set_num_threads(given.threads)
    spec = next(iter(models.values())).spec
    lines, left_out = {}, {}
    for name in ("train", "valid", "judge", "test"):
        lines[name], left_out[name] = encode(given.corpus / f"{name}.txt", spec)
    count = min(given.samples, len(lines["train"]))
    judge = Judge(
        lines["judge"], lines["valid"], lines["test"], lines["train"], spec.size,
        given.runs / "judge", given.judge_steps, given.classifiers, count,
    )
    print(json.dumps({
        "samples": count, "tokens": spec.tokens, "left_out": left_out, "floor": judge.floor,
        "forward_of_test": judge.own,
    }), flush=True)
    rows: dict[str, list[dict]] = defaultdict(list)

    def look(name: str, tokens: np.ndarray, seed: int | None) -> None:
        figures = judge.figures(tokens)
        length = float((tokens != 0).sum(1).mean())
        rows[name].append(figures)
        print(json.dumps({"samples": name, "seed": seed, **figures, "length": length}), flush=True)

    chosen = np.random.default_rng(0).permutation(len(lines["train"]))[:count]
    look("training lines", lines["train"][chosen], None)
    look("trigram chain", trigrams(lines["train"], count, 0), None)
    for (preset, seed), model in models.items():
        for name, tokens in sets(preset, model, count, guided):
            look(name, tokens, seed)
    print(f"\nfed: floor {judge.floor:.2f}; forward: test lines {judge.own:.3f}\n")
    print(table(rows))


if __name__ == "__main__":
    main()
