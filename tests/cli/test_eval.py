"""``gancli eval``: what it measures, what it says, what it refuses."""

import json
import re

import numpy as np
import pytest
from helpers import tiny_run
from PIL import Image

from gancli import modalities


def pictures(folder, count, seed, shade=0):
    """Write grey squares of random place and brightness."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = np.full((16, 16), shade, np.uint8)
        x, y = rng.integers(0, 10, 2)
        pixels[y : y + 6, x : x + 6] = rng.integers(100, 256)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    root = tmp_path_factory.mktemp("squares")
    for name in ("a", "b"):
        pictures(root / "data" / name, 60, ord(name), 40 if name == "b" else 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANCLI_CACHE", str(root / "cache"))
        tiny_run(root / "data", root / "run", modality=modalities.get("image"), holdout=0.4)
    return root


def figures(result):
    assert result.status == 0, result.err
    found = json.loads(result.out)
    return {each["name"]: each for each in found["figures"]}, found


def test_a_run_is_measured_against_its_own_data(call, squares):
    named, found = figures(call("eval", str(squares / "run"), "-n", "40", "--json"))
    assert (found["data"], found["n"], found["features"]) == ("data", 40, "gancli")
    assert {"frechet", "kernel", "auc", "precision", "near_training"} <= named.keys()
    for each in named.values():
        assert each["low"] <= each["value"] <= each["high"], each
        assert each["n"] == 40 and each["about"]
    # Twelve steps teach nothing.
    assert named["frechet"]["value"] > 3 * named["frechet"]["floor"]
    assert named["auc"]["value"] > 0.9
    assert len(found["nearest"]) == 8
    assert found["classes"] and set(found["classes"]) <= {"a", "b"}  # those with enough held out
    assert np.sum(found["confusion"]["real"], 1) == pytest.approx([1, 1])
    assert np.diag(found["confusion"]["real"]).mean() > 0.75  # the background tells the classes


def test_files_of_any_origin(call, squares, tmp_path):
    good = pictures(tmp_path / "good", 50, 7)
    pictures(tmp_path / "bad", 50, 8, shade=200)
    data = pictures(tmp_path / "real", 100, 9)
    scores = {}
    for name in ("good", "bad"):
        named, found = figures(
            call("eval", "--samples", str(tmp_path / name), "--data", str(data), "--json")
        )
        assert (found["samples"], found["n"], found["confusion"]) == (name, 50, None)
        scores[name] = named["frechet"]["value"]
    assert scores["bad"] > 5 * scores["good"]
    assert good.is_dir()


def test_people_get_no_bare_figure(call, squares):
    result = call("eval", str(squares / "run"), "-n", "40")
    head, row = result.out.splitlines()[:2]
    assert head.split()[:5] == ["figure", "value", "95%", "interval", "floor"]
    assert row.startswith("frechet") and " to " in row
    assert "nearest to a training item:" in result.out


def test_a_page_and_a_picture_of_the_nearest(call, squares, tmp_path):
    run = str(squares / "run")
    assert call("eval", run, "-n", "30", "-o", "page.html").status == 0
    page = (tmp_path / "page.html").read_text()
    assert page.count("<figure class=frame>") == page.count("<img class=pixels") == 16
    assert "training " in page.partition("Nearest to training items")[2]
    assert not re.search("https?:(?!//www.w3.org/2000/svg)", page)
    assert call("eval", run, "-n", "30", "-o", "near.png").status == 0
    with Image.open(tmp_path / "near.png") as picture:
        assert picture.width > 16
    again = call("eval", run, "-n", "30", "-o", "near.png")
    assert again.status == 2 and "--force" in again.err
    other = call("eval", run, "-n", "30", "-o", "near.wav")
    assert other.status == 2 and ".png" in other.err


def test_features_of_ones_own(call, squares, tmp_path):
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x"], ["m"], axes=[2], keepdims=0),
         helper.make_node("Flatten", ["m"], ["y"])],
        "means",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, str(tmp_path / "means.onnx"))
    named, found = figures(call(
        "eval", str(squares / "run"), "-n", "30", "--features", "means.onnx", "--json"
    ))
    assert found["features"] == "means.onnx"
    assert named["auc"]["value"] > 0.8
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    broken = call("eval", str(squares / "run"), "-n", "30", "--features", "broken.onnx")
    assert broken.status == 1 and "cannot be used for features" in broken.err


@pytest.mark.parametrize(("line", "said"), [
    (["--samples", "x"], "--data"),
    (["--data", "x"], "--samples"),
    (["nowhere"], "neither a model"),
    (["--samples", "x", "--data", "y"], "x"),
])
def test_what_cannot_be_is_said(call, line, said):
    result = call("eval", *line)
    assert result.status == 2
    assert said in result.err
