"""Small corpora, networks and trainings for the tests of text."""

import random
from pathlib import Path

import pytest
import torch
from helpers import Recorder

from gancli.config import resolve
from gancli.data.source import open_source
from gancli.modalities import get
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.spec import TextSpec
from gancli.training.session import train

ANIMALS = ("dog", "cat", "cow", "hen", "fox")
KINDS = ("big", "old", "red", "sad", "odd")
PLACES = ("mat", "hat", "bed", "sofa", "hill", "sea")
SMALL = {"g_width": 16, "d_width": 16, "embedding": 8}
TINY = {
    **SMALL, "batch": 8, "steps": 40, "threads": "1", "precision": "fp32", "device": "cpu",
    "save_every": "7",
}


@pytest.fixture(scope="session")
def lines():
    """Return a function that makes sentences of one or two kinds: statements and questions."""

    def make(count: int, seed: int = 0, kinds: str = ".?") -> list[str]:
        rng = random.Random(seed)
        sentences = []
        for _ in range(count):
            kind = " ".join(rng.choices(KINDS, k=rng.randrange(1, 4)))
            one, other = rng.choice(ANIMALS), rng.choice(ANIMALS)
            near, far = rng.choice(PLACES), rng.choice(PLACES)
            sentences.append(
                f"the {kind} {one} sat on the {rng.choice(KINDS)} {near} ."
                if rng.choice(kinds) == "."
                else f"where did {kind} {one} and {other} go from {near} to {far} ?"
            )
        return sentences

    return make


@pytest.fixture(scope="session")
def corpus(tmp_path_factory, lines) -> Path:
    """A file of 300 such lines."""
    path = tmp_path_factory.mktemp("corpus") / "lines.txt"
    path.write_text("".join(line + "\n" for line in lines(300)))
    return path


@pytest.fixture(scope="session")
def spec_of():
    """Return a function that makes a spec of six letters; ids go from 0 to 7."""

    def make(**values) -> TextSpec:
        table = {
            "tokens": "char", "vocabulary": tuple("abcdef"), "rules": "", "length": 12,
            "split": "lines", "field": "", "text_column": 0, "label_column": 0, "classes": (),
            "class_counts": (), "count": 100,
        }
        return TextSpec(**{**table, **values})

    return make


@pytest.fixture(scope="session")
def networks_of():
    """Return a function that builds networks, whose weights are so large that context matters."""

    def make(spec: TextSpec, **options):
        torch.manual_seed(0)
        config = TextConfig(**{**SMALL, **options})
        networks = get("text").trainable().build(spec, config)
        with torch.no_grad():
            for network in networks.named().values():
                network.eval().requires_grad_(False)
            for weight in networks.generator.parameters():
                if weight.ndim > 1:
                    weight.mul_(1.5 if options.get("g_cell") == "transformer" else 2)
        return networks, config

    return make


@pytest.fixture
def fewer_features(monkeypatch):
    """A monitor that is set up at once; what it says is tested elsewhere."""
    from gancli.metrics import ngrams

    monkeypatch.setattr(ngrams, "_BUCKETS", 16)


@pytest.fixture
def start(fewer_features):
    """Return a function that trains a tiny model and returns its folder."""

    def start(data: Path, run: Path, reporter=None, **chosen) -> Path:
        text = get("text")
        if chosen.get("preset") != "likelihood":  # longer second and third phases than by default
            chosen = {"preset": "adversarial", "warm_start": 0.6, "adversarial": 0.2} | chosen
        config, _ = resolve(
            text.config_type, command_line={**TINY, **chosen}, presets=text.presets
        )
        source, reporter = open_source(str(data)), reporter or Recorder()
        return train(text, config, source, run, reporter, command="x", force=False)

    return start
