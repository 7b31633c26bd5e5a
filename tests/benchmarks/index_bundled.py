"""Write samples/index.json, models/index.json and models/README.md anew from what lies there.

    python tests/benchmarks/index_bundled.py [REPOSITORY]

What a person wrote about an item (modality, about, licence, and of a model its data) and the order
of items, the first of a modality being its default, stay. A sample is entered by hand first, with
an empty "files"; a model enters itself, and its "about" and "licence" are left to be filled in.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import models_readme

Index = dict[str, dict[str, Any]]


def _sums(root: Path, files: list[Path]) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
    }


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]


def samples(root: Path, index: Index) -> Index:
    """Return the index of samples; the files of item X are data/X, data/X/... and data/X.*."""
    everything = _files(root / "data")
    for name, item in index.items():
        mine = []
        for path in everything:
            first = path.relative_to(root / "data").parts[0]
            if first == name or first.startswith(name + "."):
                mine.append(path)
        if not mine:
            raise SystemExit(f"{root} holds no file of {name!r}. Remove it from the index.")
        item["files"] = _sums(root, mine)
        everything = [path for path in everything if path not in mine]
    if everything:
        raise SystemExit(f"No item of {root / 'index.json'} is named like {everything[0]}.")
    return index


def models(root: Path, index: Index) -> Index:
    """Return the index of models: the folders that hold a config.json."""
    found = {path.parent.name: path for path in sorted(root.glob("*/config.json"))}
    kept = {name: item for name, item in index.items() if name in found}
    for name, path in found.items():
        modality = json.loads(path.read_text(encoding="utf-8"))["modality"]
        item = kept.setdefault(name, {"modality": modality, "about": "", "licence": ""})
        item["modality"] = modality
        item["files"] = _sums(root, _files(path.parent))
    return kept


def main(repository: Path) -> None:
    """Write both indexes and the page of the models."""
    for root, make in ((repository / "samples", samples), (repository / "models", models)):
        path = root / "index.json"
        index = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        index = make(root, index)
        path.write_text(json.dumps(index, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        for name, item in index.items():
            gaps = [key for key in ("about", "licence") if not item.get(key)]
            note = f", without {' or '.join(gaps)}" if gaps else ""
            print(f"{root.name}/{name}: {len(item['files'])} files{note}")
    models_folder = repository / "models"
    (models_folder / "README.md").write_text(models_readme.page(models_folder), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2])
