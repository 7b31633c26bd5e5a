"""What is bundled, by name: sample data to train on and small trained models.

Each kind has roots, in search order: ``$GANCLI_HOME``, the installed package, the repository. A
root holds ``index.json``, which gives each item's modality, licence and the sha256 of its files.
"""

import difflib
import hashlib
import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Literal, NotRequired, TypedDict

import gancli
from gancli.errors import GancliError, UsageError

Kind = Literal["samples", "models"]


class Entry(TypedDict):
    """An item of an index; ``files`` gives the sha256 of each path relative to the root."""

    modality: str
    files: dict[str, str]
    licence: NotRequired[str]
    about: NotRequired[str]


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SAMPLE_SUFFIXES = ("", ".zip", ".tar", ".tar.gz", ".tgz", ".txt")


def _roots(kind: Kind) -> list[Path]:
    """Return the folders of a kind that exist, in search order."""
    package = Path(gancli.__file__).parent
    candidates = [package / "_bundled" / kind]
    if home := os.environ.get("GANCLI_HOME"):
        candidates.insert(0, Path(home) / kind)
    # Without the project file the parent is a site-packages, whose "models" would not be ours.
    if (package.parent / "pyproject.toml").is_file():
        candidates.append(package.parent / kind)
    return [root for root in candidates if root.is_dir()]


def _index(root: Path) -> dict[str, Entry]:
    """Return a root's index, empty if there is none."""
    path = root / "index.json"
    if not path.exists():
        return {}
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        for name, item in index.items():
            texts = (name, item["modality"], *item["files"], *item["files"].values())
            if not all(isinstance(text, str) for text in texts):
                raise TypeError
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise GancliError(
            f"The index {str(path)!r} is damaged.", "Install gancli again, or remove this file."
        ) from None
    return dict(index)


def _locate(kind: Kind, name: str) -> tuple[Path, Path] | None:
    """Return (root, item) of the first root that holds the item."""
    # File systems allow no longer names, and looking one up would raise an OSError.
    if len(name) > 200 or not _NAME.fullmatch(name):
        return None
    for root in _roots(kind):
        if kind == "models":
            if (root / name / "config.json").is_file():
                return root, root / name
            continue
        for suffix in _SAMPLE_SUFFIXES:
            if (item := root / "data" / (name + suffix)).exists():
                return root, item
    return None


def resolve(kind: Kind, name: str) -> Path | None:
    """Return where a bundled sample (a file or folder) or model (a folder) is, or None."""
    location = _locate(kind, name)
    return location[1] if location else None


def names(kind: Kind) -> dict[str, Entry]:
    """Return the index entries of all bundled items by name; the first root wins.

    Raises:
        GancliError: An index is damaged.
    """
    merged: dict[str, Entry] = {}
    for root in _roots(kind):
        merged = {**merged, **{k: v for k, v in _index(root).items() if k not in merged}}
    return merged


def default(kind: Kind, modality: str | None = None) -> str:
    """Return the name of the first bundled item of a modality, or of any.

    Raises:
        GancliError: There is none.
    """
    for name, item in names(kind).items():
        if modality in (None, item["modality"]):
            return name
    wanted = " ".join(filter(None, (modality, kind.removesuffix("s"))))
    raise GancliError(
        f"This installation has no {wanted}.",
        "Give a path, or install gancli from its wheel, which has them.",
    )


def check(kind: Kind, name: str) -> None:
    """Compare a bundled item's files with the sha256 that its index records.

    An item that is not in an index, such as your own model in ``$GANCLI_HOME``, passes.

    Raises:
        UsageError: There is no such item.
        GancliError: A file is missing or differs.
    """
    location = _locate(kind, name)
    if location is None:
        matches = difflib.get_close_matches(name, names(kind), n=1)
        raise UsageError(
            f"There is no bundled {kind.removesuffix('s')} {name!r}.",
            f"Did you mean {matches[0]}?" if matches else "Known: " + ", ".join(names(kind)) + ".",
        )
    root = location[0]
    entry = _index(root).get(name)
    for relative, expected in (entry["files"] if entry else {}).items():
        inside = PurePosixPath(relative)
        if inside.is_absolute() or ".." in inside.parts:
            raise GancliError(f"The index in {str(root)!r} lists {relative!r}, a file outside.")
        try:
            with (root / inside).open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            actual = "missing"
        if actual != expected:
            raise GancliError(
                f"The bundled {name} is damaged: {relative!r} is missing or has a wrong checksum.",
                "Install gancli again.",
            )
