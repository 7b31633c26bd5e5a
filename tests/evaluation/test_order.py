"""Each figure puts samples in the order in which a person would, in every modality.

Real items, slightly degraded ones, a kind of them missing, one item repeated, noise; and items that
were trained on, in the place of new ones. Two things are asked less of. What is bounded (the
classifier, neighborhoods) sees no difference between one item repeated and noise. Text: noise
shares no n-grams with anything, so it lies in the middle of the space of n-grams, and it is the
losses that tell it.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gancli import modalities
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.metrics.figures import Sets, feature_figures
from gancli.metrics.memorization import Memorization
from gancli.reporting import SILENT

COUNT = 250
NAMES = {"image": "fashion-mnist", "text": "names", "audio": "digits"}
# How far from the right value counts for these; of the other distances and losses less is better.
RIGHT = {"auc": 0.5, "precision": 1.0, "recall": 1.0, "density": 1.0, "coverage": 1.0}


def blurred(items, rng):
    """Return pictures averaged a little with themselves a pixel lower."""
    return 0.85 * items + 0.15 * torch.roll(items, 1, -2)


def smeared(items, rng):
    """Return spectrograms averaged with themselves a frame later."""
    return 0.7 * items + 0.3 * torch.roll(items, 1, 1)


def misspelt(items, rng):
    """Return texts of which one token in six is another one's."""
    ids = items[..., 0].clone()
    hit = (torch.rand(ids.shape, generator=rng) < 1 / 6) & (ids > 1)
    pool = ids[ids > 1]
    ids[hit] = pool[torch.randint(len(pool), (int(hit.sum()),), generator=rng)]
    return torch.stack([ids, items[..., 1]], -1)


def noise(items, rng):
    """Return items of the right range and shape without anything in them."""
    if items.shape[-1] == 2:  # texts: any token anywhere, all of full length
        ids = torch.randint(2, int(items.max()) + 1, items.shape[:2], generator=rng).float()
        return torch.stack([ids, torch.zeros_like(ids)], -1)
    uniform = torch.rand(items.shape, generator=rng)
    low, high = items.min(), items.max()
    return low + (high - low) * uniform


@pytest.fixture(scope="module", params=NAMES)
def kinds(request, tmp_path_factory):
    """Features of train, held-out and five kinds of samples of a modality."""
    modality = modalities.get(request.param)
    config, _ = resolve(
        modality.config_type, presets=modality.presets, command_line={"holdout": 0.25}
    )
    source = open_source(NAMES[request.param])
    if len(source.members) > 1200:
        source = replace(source, members=source.members[::len(source.members) // 1200])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANCLI_CACHE", str(tmp_path_factory.mktemp("cache")))
        loader, trainable = modality.loader(), modality.trainable()
        spec, _ = loader.inspect(source, config)
        dataset = loader.load(source, spec, config, SILENT)
        order = np.random.default_rng(0).permutation
        train, held_out = (
            trainable.real(dataset.take(order(dataset.drawable(part))[:count]), spec)[0]
            for part, count in ((dataset.train, 3 * COUNT), (dataset.held_out, COUNT))
        )
        features = trainable.scorer(dataset, spec, config, 0).projected
    rng = torch.Generator().manual_seed(0)
    fresh, known = train[:COUNT], features(train[COUNT:])
    real = features(fresh)
    # Without classes, or with them: those on one side of the direction that items differ in most.
    first = np.linalg.svd(real - real.mean(0), full_matrices=False)[2][0]
    side = (real - real.mean(0)) @ first
    missing = fresh[torch.from_numpy(side < np.quantile(side, 0.7))]
    degrade = {"image": blurred, "text": misspelt, "audio": smeared}[request.param]
    copies = train[COUNT : 2 * COUNT]
    samples = {
        "some copied": torch.cat([fresh[: COUNT // 2], copies[: COUNT // 2]]), "copied": copies,
        "real": fresh, "degraded": degrade(fresh, rng), "missing": missing,
        "repeated": fresh[:1].expand(COUNT, *fresh.shape[1:]), "noise": noise(fresh, rng),
    }
    found, near = {}, Memorization(known, features(held_out))
    for name, items in samples.items():
        sets = Sets(known, features(held_out), features(items), near)
        figures = feature_figures(sets, 0, replicates=2)
        if trainable.figures is not None:  # the last of a name counts
            figures += trainable.figures(
                train[COUNT:], held_out, train[COUNT:], items, spec, 0
            )
        found[name] = {
            figure.name: abs(figure.value - RIGHT.get(figure.name, 0.0)) for figure in figures
        }
    return request.param, found


DISTANCES = ("frechet", "kernel", "sliced_wasserstein")


def in_order(found, figure, *names):
    values = [found[name][figure] for name in names]
    assert values == sorted(values), (figure, dict(zip(names, values, strict=True)))
    assert len(set(values)) == len(values), (figure, values)


def test_distances(kinds):
    modality, found = kinds
    for figure in DISTANCES:
        if modality == "text":
            in_order(found, figure, "real", "missing", "noise")
            in_order(found, figure, "degraded", "missing", "repeated")
        else:
            in_order(found, figure, "real", "degraded", "missing", "repeated", "noise")


def test_the_classifier(kinds):
    modality, found = kinds
    assert found["real"]["auc"] < 0.08
    # What is missing is seen less by a classifier of single items than what is wrong with each.
    in_order(found, "auc", "missing", "degraded", "repeated")
    in_order(found, "auc", "real", "degraded", "noise")
    if modality != "text":
        in_order(found, "auc", "real", "missing")
    for name in ("repeated", "noise"):
        assert found[name]["auc"] == pytest.approx(0.5, abs=0.02)


def test_neighborhoods(kinds):
    modality, found = kinds
    in_order(found, "coverage", "real", "missing", "repeated")
    for figure in ("recall", "coverage"):
        in_order(found, figure, "missing", "repeated")
        in_order(found, figure, "missing", "noise")
    for figure in ("precision", "density"):
        # A slight blur leaves a picture among real ones.
        assert found["real"][figure] < 0.15
        if modality != "text":
            assert found["noise"][figure] > 0.9
    assert found["repeated"]["precision"] == 0


def test_copies(kinds):
    _, found = kinds
    for name, share in (("real", 0.05), ("some copied", 0.525), ("copied", 1.0)):
        assert found[name]["near_training"] == pytest.approx(share, abs=0.05), name
    for name in ("repeated", "noise"):  # one that is not from the training half
        assert found[name]["near_training"] == 0


@pytest.mark.parametrize("kinds", ["text"], indirect=True)
def test_texts(kinds):
    _, found = kinds
    for figure in ("copied", "longest_copied_run"):
        in_order(found, figure, "noise", "real", "some copied", "copied")
    assert found["some copied"]["copied"] == pytest.approx(0.5, abs=0.02)
    assert found["copied"]["copied"] == 1
    in_order(found, "forward_loss", "copied", "some copied", "real")  # less is too safe
    in_order(found, "forward_loss", "real", "degraded", "noise")
    for name in ("repeated", "noise"):
        in_order(found, "reverse_loss", "real", "degraded", name)
        in_order(found, "reverse_loss", "real", "missing", name)
    assert found["real"]["unique"] > 0.9
    assert found["repeated"]["unique"] == pytest.approx(1 / COUNT)
