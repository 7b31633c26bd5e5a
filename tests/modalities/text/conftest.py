"""Small corpora, networks and trainings for the tests of text."""

import random
from pathlib import Path

import pytest
import torch

from gancli.config import resolve
from gancli.data.source import open_source
from gancli.modalities import get
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.spec import TextSpec
from gancli.reporting import Silent
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
    """Return what makes sentences of one or two kinds: some that tell, some that ask."""

    def make(count: int, seed: int = 0, kinds: str = ".?") -> list[str]:
        rng = random.Random(seed)
        found = []
        for _ in range(count):
            kind = " ".join(rng.choices(KINDS, k=rng.randrange(1, 4)))
            one, other = rng.choice(ANIMALS), rng.choice(ANIMALS)
            near, far = rng.choice(PLACES), rng.choice(PLACES)
            found.append(
                f"the {kind} {one} sat on the {rng.choice(KINDS)} {near} ."
                if rng.choice(kinds) == "."
                else f"where did {kind} {one} and {other} go from {near} to {far} ?"
            )
        return found

    return make


@pytest.fixture(scope="session")
def corpus(tmp_path_factory, lines) -> Path:
    """A file of 300 such lines."""
    path = tmp_path_factory.mktemp("corpus") / "lines.txt"
    path.write_text("".join(each + "\n" for each in lines(300)))
    return path


@pytest.fixture(scope="session")
def spec_of():
    """Return what makes a spec of six letters; ids go from 0 to 7."""

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
    """Return what builds networks, with weights so large that what came before matters."""

    def make(spec: TextSpec, **options):
        torch.manual_seed(0)
        config = TextConfig(**{**SMALL, **options})
        found = get("text").build(spec, config)
        with torch.no_grad():
            for network in found.values():
                network.eval().requires_grad_(False)
            for weight in found["generator"].parameters():
                if weight.ndim > 1:
                    weight.mul_(1.5 if options.get("g_cell") == "transformer" else 2)
        return found, config

    return make


@pytest.fixture
def fewer_features(monkeypatch):
    """A monitor that is set up in no time; what it says is tested elsewhere."""
    from gancli.metrics import ngrams

    monkeypatch.setattr(ngrams, "_BUCKETS", 16)


@pytest.fixture
def start(fewer_features):
    """Return what trains a tiny model and returns its folder."""

    def start(data: Path, run: Path, **chosen) -> Path:
        text = get("text")
        if chosen.get("preset") != "likelihood":  # longer second and third phases than by default
            chosen = {"preset": "adversarial", "warm_start": 0.6, "adversarial": 0.2} | chosen
        config, _ = resolve(
            text.config_type, command_line={**TINY, **chosen}, presets=text.presets
        )
        return train(
            text, config, open_source(str(data)), run, Silent(), command="x", force=False
        )

    return start
