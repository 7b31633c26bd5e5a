"""Runs of each modality, and comparisons of them, as training leaves them: made without it."""

import json

import numpy as np
import soundfile
import tomli_w
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gancli.artifacts import model
from gancli.artifacts.model import Model, Weights
from gancli.artifacts.record import RunRecord
from gancli.modalities import get
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.spec import TextSpec

CLASSES = {"classes": (), "class_counts": ()}
KINDS = {
    "image": (
        ImageSpec(20, "RGB", "crop", count=7, **CLASSES),
        ImageConfig(g_width=4, d_width=4, latent=6, steps=400),
    ),
    "text": (
        TextSpec("char", tuple("abcdef"), "", 12, "lines", "", 0, 0, count=99, **CLASSES),
        TextConfig(embedding=8, g_width=16, d_width=16, steps=400),
    ),
    "audio": (
        AudioSpec(
            rate=8000, channels=1, hop=128, window=512, bins=8, frames=16, ends=True, trim=True,
            count=6, mean=(0.0,) * 8, deviation=(1.0,) * 8, **CLASSES,
        ),
        AudioConfig(latent=5, noise=3, step_frames=4, g_width=12, d_width=12, steps=400),
    ),
}
CLIPS = [[0.0, 0.0, 0.5, 1.0, 0.0, 0.1], [0.5, 0.0, 0.5, 1.0, 0.25, 0.4]]
STEPS = (50, 100, 200, 400)
# Two measurements, the second the better; a phase that ends at step 200; a roll-back; a warning.
ENTRIES = sorted([
    {"step": 0, "machine": {"device": "abacus", "precision": "fp8"}, "phase": "warm start"},
    {"step": 0, "warning": "Skipped 3 files.", "phase": "warm start"},
    *({"step": step, "seconds": step / 2, "g_loss": 1000 / step,
       "phase": "warm start" if step <= 200 else "adversarial"} for step in range(10, 401, 10)),
    {"step": 200, "seconds": 100.0, "items": 1600, "score": 40.0, "floor": 2.5, "diversity": 0.5,
     "best": True, "phase": "warm start"},
    {"step": 200, "rolled_back": "Training diverged", "phase": "warm start"},
    {"step": 400, "seconds": 200.0, "items": 3200, "score": 10.0, "floor": 2.5, "diversity": 0.75,
     "best": True, "phase": "adversarial"},
], key=lambda entry: entry["step"])


def write_run(
    folder, modality="image", entries=ENTRIES, name="run", command="gancli train", **record
):
    """Write a run of a modality into a folder, and return its directory."""
    spec, config = KINDS[modality]
    run = folder / name
    (run / "samples").mkdir(parents=True)
    table = RunRecord(get(modality), spec, config, "/data/cats", "cats", command).table()
    table["run"] |= record
    (run / "config.toml").write_text(tomli_w.dumps(table))
    (run / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in entries))
    for step in STEPS:
        stem = run / "samples" / f"step-{step:07d}"
        if modality == "text":
            stem.with_suffix(".txt").write_text(f"abc at {step}\n<b>fed</b>\n")
            continue
        pixels = np.full((24, 32, 3), STEPS.index(step) * 60, np.uint8)
        notes = PngInfo()
        if modality == "audio":
            notes.add_text("clips", json.dumps(CLIPS))
        Image.fromarray(pixels).save(stem.with_suffix(".png"), pnginfo=notes)
        if modality == "audio":
            time = np.arange(4000) / 8000
            soundfile.write(stem.with_suffix(".wav"), 0.5 * np.sin(step * time), 8000)
    return run


def write_comparison(folder, modality="image", scores=None, **record):
    """Write a comparison of a modality into a folder, and return its directory.

    Args:
        folder: Where it goes.
        modality: What is compared.
        scores: Those of each cell by seed; None is a training that is not done.
        record: What comparison.json is to say besides, or instead.
    """
    scores = scores or {"g-cell=a": {0: 10.0, 1: 20.0}, "g-cell=b": {0: 30.0, 1: 60.0}}
    target, (spec, config) = folder / "comparison", KINDS[modality]
    for number, of in enumerate(scores.values()):
        for seed, score in of.items():
            entries = [
                {**entry, "score": entry["score"] * (score or 5.0) / 10}
                if "score" in entry else entry for entry in ENTRIES
            ]
            run = write_run(target / f"cell{number}", modality, entries, f"seed-{seed}")
            if score is not None:
                metrics = {"score": score, "floor": 2.5, "steps": 400, "seconds": 200.0}
                made = {"data": "cats", "command": "x"}
                model.save(
                    Model(get(modality), spec, config, Weights.of("none", {}), None, metrics, made),
                    run / "model",
                )
    names = {f"cell{number}": name for number, name in enumerate(scores)}
    table = {
        "data": "/data/cats", "modality": modality, "command": "gancli compare", "cells": names,
        "compared": [*names], "seeds": sorted({seed for of in scores.values() for seed in of}),
    }
    (target / "comparison.json").write_text(json.dumps({**table, **record}))
    return target
