"""Time and memory of very large data, made up here, until steps can be taken.

    python tests/benchmarks/large.py text 10e9 --folder DIR --set tokens=char   # bytes, short lines
    python tests/benchmarks/large.py image 1e6 --folder DIR     # pictures of 16 x 16 in a .zip

Prints a row for each stage: seconds, and the process's memory in MB at most and now, the latter
without what is mapped from files, which the system takes back when it needs memory. Decoded data is
cached in DIR; a second call measures the start from the cache. It removes nothing.
"""

import argparse
import io
import json
import os
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from gancli import modalities
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.reporting import Silent

_LETTERS, _BLOCK = 41, 64 << 20
_STEPS = 200


def text_file(path: Path, size: int) -> None:
    """Write words of random letters, in lines of about 41 letters."""
    rng = np.random.default_rng(0)
    letters = np.frombuffer(b"etaoinshrdlucmfwypvbgkjqxz      ", np.uint8)
    with path.open("wb") as file:
        for start in range(0, size, _BLOCK):
            block = letters[rng.integers(0, len(letters), min(_BLOCK, size - start), np.uint8)]
            block[rng.integers(0, len(block), len(block) // _LETTERS)] = ord("\n")
            file.write(block)


def picture_archive(path: Path, count: int) -> None:
    """Write PNG files of random colours in ten folders."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            data = io.BytesIO()
            colors = rng.integers(0, 256, (4, 4, 3), np.uint8)
            Image.fromarray(colors.repeat(4, 0).repeat(4, 1)).save(data, "PNG", compress_level=1)
            archive.writestr(f"{number % 10}/{number:07}.png", data.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("modality", choices=["text", "image"])
    parser.add_argument("amount", type=float)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    amount = int(given.amount)
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ["GANCLI_CACHE"] = str(given.folder / "cache")
    path = given.folder / f"{amount}.{'txt' if given.modality == 'text' else 'zip'}"
    if not path.exists():
        (text_file if given.modality == "text" else picture_archive)(path, amount)

    began = time.perf_counter()

    def row(stage: str) -> None:
        status = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
        )
        memory = {name: int(status[name].split()[0]) // 1000 for name in ("VmHWM", "RssAnon")}
        seconds = round(time.perf_counter() - began, 1)
        print(json.dumps({"stage": stage, "seconds": seconds, **memory}), flush=True)

    modality = modalities.get(given.modality)
    options = dict(pair.split("=") for pair in given.set)
    config, _ = resolve(modality.config_type, command_line=options, presets=modality.presets)
    row("imported")
    source = open_source(str(path))
    row("listed")
    spec, _ = modality.loader().inspect(source, config)
    row("inspected")
    dataset = modality.loader().load(source, spec, config, Silent())
    row(f"loaded, {len(dataset.train):,} to train on, {len(dataset.held_out):,} held out")
    for step in range(_STEPS):
        dataset.take(dataset.batch(0, step, 64))
    row(f"{_STEPS} batches")


if __name__ == "__main__":
    main()
