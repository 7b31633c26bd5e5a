"""Names of bundled samples and models."""

import hashlib
import json
from pathlib import Path

import pytest

import gancli
from gancli.errors import GancliError, UsageError
from gancli.storage import bundled


def entry(modality: str, **files: bytes) -> dict[str, object]:
    digests = {f"data/{name}": hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return {"modality": modality, "about": "", "licence": "CC0", "files": digests}


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Three roots, each with samples/data; the package lies in a repository."""
    repository = tmp_path / "repository"
    (repository / "gancli").mkdir(parents=True)
    (repository / "pyproject.toml").touch()
    monkeypatch.setattr(gancli, "__file__", str(repository / "gancli" / "__init__.py"))
    monkeypatch.setenv("GANCLI_HOME", str(tmp_path / "home"))
    roots = {
        "home": tmp_path / "home", "package": repository / "gancli" / "_bundled",
        "repository": repository,
    }
    for root in roots.values():
        (root / "samples" / "data").mkdir(parents=True)
    return roots


def put(root: Path, name: str, data: bytes) -> Path:
    path = root / "samples" / "data" / name
    path.write_bytes(data)
    return path


def test_search_order(roots: dict[str, Path]) -> None:
    assert bundled.resolve("samples", "emoji") is None
    for root in ("repository", "package", "home"):
        expected = put(roots[root], "emoji.zip", b"x")
        assert bundled.resolve("samples", "emoji") == expected
    (roots["repository"] / "pyproject.toml").unlink()
    put(roots["repository"], "other.zip", b"x")
    assert bundled.resolve("samples", "other") is None


def test_folders_and_models(roots: dict[str, Path]) -> None:
    (roots["home"] / "samples" / "data" / "set").mkdir()
    assert bundled.resolve("samples", "set") == roots["home"] / "samples" / "data" / "set"
    model = roots["repository"] / "models" / "emoji"
    model.mkdir(parents=True)
    assert bundled.resolve("models", "emoji") is None
    (model / "config.json").touch()
    assert bundled.resolve("models", "emoji") == model


@pytest.mark.parametrize(
    "name", ["", "..", "../data/emoji", "/etc", ".hidden", "a\0b", "a/b", "-x"]
)
def test_names_cannot_leave_the_root(roots: dict[str, Path], name: str) -> None:
    put(roots["home"], "emoji", b"x")
    assert bundled.resolve("samples", name) is None


def test_indexes_merge_and_give_defaults(roots: dict[str, Path]) -> None:
    (roots["home"] / "samples" / "index.json").write_text(json.dumps({"b": entry("text")}))
    (roots["package"] / "samples" / "index.json").write_text(
        json.dumps({"a": entry("image"), "b": entry("image"), "c": entry("image")})
    )
    assert {name: item["modality"] for name, item in bundled.names("samples").items()} == {
        "b": "text", "a": "image", "c": "image",
    }
    assert bundled.default("samples", "image") == "a"
    assert bundled.default("samples", "text") == bundled.default("samples") == "b"
    with pytest.raises(GancliError, match="audio sample"):
        bundled.default("samples", "audio")
    assert bundled.names("models") == {}
    with pytest.raises(GancliError, match=r"has no model\."):
        bundled.default("models")


def test_check(roots: dict[str, Path]) -> None:
    root = roots["home"]
    path = put(root, "emoji.zip", b"good")
    bundled.check("samples", "emoji")  # no index: nothing to compare with
    index = root / "samples" / "index.json"
    index.write_text(json.dumps({"emoji": entry("image", **{"emoji.zip": b"good"})}))
    bundled.check("samples", "emoji")
    path.write_bytes(b"goOd")
    with pytest.raises(GancliError, match="damaged"):
        bundled.check("samples", "emoji")
    with pytest.raises(UsageError) as caught:
        bundled.check("samples", "emojy")
    assert "emoji" in caught.value.hint
    table = entry("image")
    table["files"] = {"../../secret": "00"}
    index.write_text(json.dumps({"emoji": table}))
    with pytest.raises(GancliError, match="outside"):
        bundled.check("samples", "emoji")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"a": 1}', '{"a": {"modality": 1, "files": {}}}', '{"a": {"files": {}}}',
             '{"a": {"modality": "image", "files": {"x": 1}}}', "\xff"],
)
def test_a_damaged_index_is_named(roots: dict[str, Path], text: str) -> None:
    path = roots["home"] / "samples" / "index.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(GancliError, match="index"):
        bundled.names("samples")
