"""The wheel: it carries samples and models, and works away from the repository."""

import hashlib
import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_BYTES = 25 * 10**6
MODELS = tuple((ROOT / "models").glob("*/config.json"))
KINDS = ("samples", "models")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as the repository's own tools build it, straight from the source tree."""
    target = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT), cwd=target)
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's contents alone; its requirements come from this Python."""
    target = tmp_path_factory.mktemp("installed")
    run("-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel),
        cwd=target)
    return target


def run(*arguments: str, cwd: Path, path: Path | None = None) -> bytes:
    environment = {
        name: value for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("GANCLI_")
    }
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    return done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_the_index_fits_the_repository(kind: str) -> None:
    """Fails after a change of samples or models until tests/benchmarks/index_bundled.py has run."""
    index = json.loads((ROOT / kind / "index.json").read_text(encoding="utf-8"))
    listed = {name: item for each in index.values() for name, item in each["files"].items()}
    tops = [ROOT / "samples" / "data"] if kind == "samples" else [
        path for path in (ROOT / "models").iterdir() if path.is_dir()
    ]
    there = {
        path.relative_to(ROOT / kind).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for top in tops for path in top.rglob("*") if path.is_file() and path.name[0] != "."
    }
    assert listed == there
    for item in index.values():
        assert item["about"] and item["licence"]


@pytest.mark.parametrize("name", sorted(path.parent.name for path in MODELS))
def test_a_bundled_model_fits_the_sums_in_its_config(name: str) -> None:
    folder = ROOT / "models" / name
    sums = json.loads((folder / "config.json").read_text(encoding="utf-8"))["sha256"]
    for file in ("README.md", "model.safetensors"):
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == sums[file], file


def test_something_of_the_first_modality_is_bundled() -> None:
    for kind in KINDS:
        index = json.loads((ROOT / kind / "index.json").read_text(encoding="utf-8"))
        assert "image" in {item["modality"] for item in index.values()}, kind


def test_the_wheel_holds_samples_and_models(wheel: Path) -> None:
    assert wheel.stat().st_size < MAX_BYTES
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for kind in KINDS:
            root = f"gancli/_bundled/{kind}"
            index = json.loads(archive.read(f"{root}/index.json"))
            assert index == json.loads((ROOT / kind / "index.json").read_text(encoding="utf-8"))
            for item in index.values():
                for name, digest in item["files"].items():
                    assert hashlib.sha256(archive.read(f"{root}/{name}")).hexdigest() == digest
    assert {name.split("/")[0] for name in names if not name.startswith("gancli-")} == {"gancli"}
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert {f"gancli/artifacts/report/{name}" for name in ("script.js", "style.css")} <= set(names)
    assert not [name for name in names if "__pycache__" in name or "tests/" in name]


def test_the_wheel_works_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    where = run("-c", "import gancli; print(gancli.__file__)", cwd=tmp_path, path=installed)
    assert Path(where.decode().strip()).is_relative_to(installed)

    def sample() -> bytes:
        return run("-m", "gancli", "sample", "image", "-n", "1", "--seed", "3", "-o", "-",
                   cwd=tmp_path, path=installed)

    png = sample()
    assert png.startswith(b"\x89PNG\r\n\x1a\n") and png[12:16] == b"IHDR"
    (model,) = json.loads(
        run("-c", "import json; from gancli.storage import bundled; "
                  "n = bundled.default('models', 'image'); "
                  "print(json.dumps([str(bundled.resolve('models', n))]))",
            cwd=tmp_path, path=installed)
    )
    assert Path(model).is_relative_to(installed)
    size = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))["spec"]["size"]
    assert struct.unpack(">II", png[16:24]) == (size, size)
    assert sample() == png
    assert list(tmp_path.iterdir()) == []


def test_the_wheel_carries_its_sample_data(installed: Path, tmp_path: Path) -> None:
    out = run(
        "-c", "from gancli.storage import bundled; n = bundled.default('samples', 'image'); "
              "bundled.check('samples', n); print(bundled.resolve('samples', n))",
        cwd=tmp_path, path=installed,
    )
    assert Path(out.decode().strip()).is_relative_to(installed / "gancli" / "_bundled")
