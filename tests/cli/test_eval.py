"""``gancli eval``: what it measures, what it says, what it refuses."""

import hashlib
import json
import re
import shutil

import numpy as np
import pytest
import soundfile
from helpers import tiny_run
from PIL import Image

from gancli import modalities
from gancli.metrics import ngrams


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


def test_a_model_is_measured_on_its_own_data_wherever_it_is(call, squares, tmp_path):
    shutil.copytree(squares / "run" / "model", tmp_path / "copy")
    for where in (str(squares / "run" / "model"), "copy"):
        data = [] if where != "copy" else [str(squares / "data")]
        named, found = figures(call("eval", where, *data, "-n", "30", "--json"))
        assert (found["data"], found["held_out"], found["remark"]) == ("data", 48, "")
        assert "held-out" in named["near_training"]["about"]
    lost = call("eval", "copy")
    assert lost.status == 2 and "'data', is not here" in lost.err
    assert "gancli eval copy DATA" in lost.err


def test_of_other_data_it_is_not_known_what_is_unseen(call, squares, tmp_path):
    other = pictures(tmp_path / "other", 80, 3)
    named, found = figures(call("eval", str(squares / "run"), str(other), "-n", "30", "--json"))
    assert "trained on other data (data, of size 120)" in found["remark"]
    assert "(other, of size 80)" in found["remark"]
    assert found["held_out"] == 40  # half of them
    assert "to one another" in named["near_training"]["about"]
    assert found["nearest"][0]["item_name"].startswith("real item")


def test_data_of_which_nothing_was_held_out(call, squares, tmp_path):
    tiny_run(squares / "data", tmp_path / "all", modality=modalities.get("image"), holdout=0.0)
    _, found = figures(call("eval", "all", "-n", "30", "--json"))
    assert found["remark"].startswith("Nothing was held out of the training of all")
    assert found["held_out"] == 60


def test_a_bundled_model_has_the_data_of_its_name(call, squares, tmp_path, monkeypatch):
    home = tmp_path / "home"
    shutil.copytree(squares / "run" / "model", home / "models" / "squares")
    shutil.copytree(squares / "data", home / "samples" / "data" / "squares")
    monkeypatch.setenv("GANCLI_HOME", str(home))
    for name in ("squares", str(home / "models" / "squares")):
        _, found = figures(call("eval", name, "-n", "30", "--json"))
        assert found["data"] == "squares"
        assert "trained on other data (data, of size 120)" in found["remark"]
    shutil.rmtree(home / "samples")
    lost = call("eval", "squares")
    assert lost.status == 2 and "gancli info squares" in lost.err


def test_figures_are_kept_with_the_model(call, squares, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(squares / "run", run)
    before = (run / "model" / "README.md").read_text()
    for n in ("30", "40"):  # the later one replaces the other
        result = call("eval", "run", "-n", n, "--save", "--json")
    named, _ = figures(result)
    value = f"{named['frechet']['value']:,.0f}"
    card = (run / "model" / "README.md").read_text()
    assert card.startswith(before) and card.count("## Evaluation") == 1
    assert "40 samples against 48 items of data" in card and f"| frechet | {value} |" in card
    assert "gancli eval run -n 40 --save --json" in card
    sums = json.loads((run / "model" / "config.json").read_text())["sha256"]
    assert sums["README.md"] == hashlib.sha256(card.encode()).hexdigest()
    for name in ("run", "run/model"):
        shown = call("info", name)
        row = next(line.split() for line in shown.out.splitlines() if "frechet" in line)
        assert row[:2] == ["frechet", value]
        assert float(row[5]) == pytest.approx(named["frechet"]["floor"], rel=0.01)
        table = json.loads(call("info", name, "--json").out)["evaluation"]
        assert table["figures"][0]["floor"] == named["frechet"]["floor"]
    report = (run / "report.html").read_text()
    assert ">Evaluation</h2>" in report and "40 samples against 48 items of data" in report


def test_figures_of_other_weights_are_not_shown(call, squares, tmp_path):
    shutil.copytree(squares / "run" / "model", tmp_path / "model")
    data = str(squares / "data")
    assert call("eval", "model", data, "-n", "30", "--save").status == 0
    kept = tmp_path / "model" / "evaluation.json"
    table = json.loads(kept.read_text())
    kept.write_text(json.dumps(table | {"weights": "0" * 64}))
    other = call("info", "model")
    assert other.status == 0 and "frechet" not in other.out
    assert "are of other weights" in other.err and "gancli eval model --save" in other.err
    for broken in ("{", "[]", json.dumps(table | {"figures": [{"name": "frechet"}]})):
        kept.write_text(broken)
        damaged = call("info", "model", "--json")
        assert damaged.status == 0 and json.loads(damaged.out)["evaluation"] is None
        assert "is damaged" in damaged.out


@pytest.mark.parametrize(("line", "said"), [
    (["names", "--save"], "bundled with gancli"),
    (["nowhere", "--save"], "neither a model"),
])
def test_where_figures_cannot_be_kept(call, line, said):
    result = call("eval", *line)
    assert result.status == 2 and said in result.err


def test_samples_from_a_pipe(shell, tmp_path):
    pictures(tmp_path / "real", 60, 1)
    pictures(tmp_path / "made", 30, 2)
    line = "tar cf - made | gancli eval --samples - --data real -n 20 --json"
    result = shell(line, GANCLI_CACHE=str(tmp_path / "cache"))
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["samples"], found["n"], found["held_out"]) == ("stdin", 20, 30)


def test_what_is_wrong_with_samples_is_said(call, squares, tmp_path):
    pictures(tmp_path / "real", 40, 1)
    made = pictures(tmp_path / "made", 20, 2)
    (made / "000.png").write_bytes(b"broken")
    result = call("eval", "--samples", "made", "--data", "real")
    assert result.status == 0 and "Of the samples: Skipped 1 of 20 pictures" in result.err
    assert "held out" not in result.err  # what loading says of data is not said of samples
    one = call("eval", "--samples", "made/001.png", "--data", "real")
    assert one.status == 1 and "The samples cannot be measured" in one.err
    assert "gancli sample image -n 500 -o DIR/" in one.err
    few = call("eval", "--samples", "made", "--data", "real", "-n", "5")
    assert few.status == 2


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
    assert "What each class is read as" in page and page.count("--share:") == 4  # two by two
    assert not re.search("https?:(?!//www.w3.org/2000/svg)", page)
    assert call("eval", run, "-n", "30", "-o", "near.png").status == 0
    with Image.open(tmp_path / "near.png") as picture:
        assert picture.width > 16
    again = call("eval", run, "-n", "30", "-o", "near.png")
    assert again.status == 2 and "--force" in again.err
    other = call("eval", run, "-n", "30", "-o", "near.wav")
    assert other.status == 2 and ".png" in other.err


def words(count, seed):
    """Return lines of letters that alternate as in words."""
    rng = np.random.default_rng(seed)
    letters = [rng.choice(list(part), (count, 4)) for part in ("bdklmnrst", "aeiou")]
    return ["".join(a + b for a, b in zip(*row, strict=True)) for row in zip(*letters, strict=True)]


@pytest.fixture
def few_buckets(monkeypatch):
    """Let texts have fewer features, whose distances are tested elsewhere and take long."""
    monkeypatch.setattr(ngrams, "_BUCKETS", 32)


@pytest.mark.usefixtures("few_buckets")
def test_texts_that_are_copied_are_found_in_all_of_the_data_and_shown(call, tmp_path):
    data = words(80, 0)
    (tmp_path / "data.txt").write_text("\n".join(data))
    made = {"copies": data[::2], "half": [*data[::4], *words(20, 1)], "new": words(40, 2)}
    for name, lines in made.items():
        (tmp_path / name).write_text("\n".join(lines))
        line = ("eval", "--samples", name, "--data", "data.txt")
        named, found = figures(call(*line, "--json"))
        share = {"copies": 1, "half": 0.5, "new": 0}[name]
        assert named["copied"]["value"] == pytest.approx(share), name
        assert named["copied"]["floor"] == 0
        near = found["nearest"][0]
        assert (near["text"] == near["item_text"]) == (share > 0)
        assert near["text"] in lines and near["item_text"] in data
    shown = call(*line, "-o", "page.html")
    assert near["text"] in shown.out and near["item_text"] in shown.out
    page = (tmp_path / "page.html").read_text()
    assert page.count("<ol start=0 class=texts") == 16 and near["item_text"] in page


@pytest.mark.usefixtures("few_buckets")
def test_texts_that_no_model_could_draw_are_left_out_and_named(call, tmp_path):
    made = words(60, 1)
    made[::2] = ["7" + each[1:] for each in made[::2]]
    for name, lines in {"data.txt": words(80, 0), "made.txt": made}.items():
        (tmp_path / name).write_text("\n".join(lines))
    line = ("eval", "--samples", "made.txt", "--data", "data.txt")
    named, found = figures(call(*line, "--json"))
    assert found["n"] == 30 and {each["n"] for each in named.values()} == {30}
    assert found["remark"].startswith("30 of the 60 samples are left out of the figures, since ")
    assert found["remark"] in call(*line, "-o", "page.html").err
    page = (tmp_path / "page.html").read_text()
    assert "30 samples, compared with 40 real texts" in page and found["remark"] in page
    for near in found["nearest"]:
        stem, _, item = near["name"].rpartition(" item ")
        assert stem == "made.txt" and made[int(item)] == near["text"]
    (tmp_path / "made.txt").write_text("\n".join("7" + each[1:] for each in words(60, 1)))
    refused = call(*line)
    assert refused.status == 1
    assert "Each of the samples contains something that data.txt never or hardly ever does." in (
        refused.err
    )


def test_sounds_have_players_beside_their_spectrograms(call, tmp_path):
    rng = np.random.default_rng(0)
    for folder, count in (("real", 40), ("made", 12)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            pitch, times = rng.integers(300, 900), np.arange(2400) / 8000
            sound = 0.5 * np.sin(2 * np.pi * pitch * times)
            soundfile.write(tmp_path / folder / f"{number}.wav", sound, 8000)
    named, found = figures(
        call("eval", "--samples", "made", "--data", "real", "-o", "page.html", "--json")
    )
    assert (found["n"], found["held_out"]) == (12, 20)
    assert named["auc"]["value"] < 0.9
    page = (tmp_path / "page.html").read_text()
    assert page.count("<audio controls") == page.count("<img class=spectrogram") == 16
    assert "class=pixels" not in page  # a spectrogram has axes with letters


@pytest.mark.parametrize("batch", ["n", 7])
def test_features_of_ones_own(call, squares, tmp_path, batch):
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x"], ["m"], axes=[2], keepdims=0),
         helper.make_node("Flatten", ["m"], ["y"])],
        "means",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 8])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, str(tmp_path / "means.onnx"))
    named, found = figures(call(
        "eval", str(squares / "run"), "-n", "30", "--features", "means.onnx", "--json"
    ))
    assert found["features"] == "means.onnx"
    assert named["auc"]["value"] > 0.8
    assert "FID" not in json.dumps(found) and "squared" in named["frechet"]["about"]
    texts = call("eval", "names", "-n", "30", "--features", "means.onnx")
    assert texts.status == 2 and "for pictures" in texts.err
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    broken = call("eval", str(squares / "run"), "-n", "30", "--features", "broken.onnx")
    assert broken.status == 1 and "cannot be used for features" in broken.err


@pytest.mark.parametrize(("line", "said"), [
    (["--samples", "x"], "--data"),
    (["--data", "x"], "--samples"),
    (["nowhere"], "neither a model"),
    (["--samples", "x", "--data", "y"], "x"),
    (["--samples", "-", "--data", "-"], "both"),
    (["--samples", "x", "--data", "y", "--features", "z.onnx"], "z.onnx"),
    (["--samples", "x", "--data", "y", "--save"], "--save"),
    (["--samples", "x", "--data", "y", "--guided", "2"], "--guided"),
    (["--samples", "x", "--data", "y", "--seed", "0"], "--seed"),
])
def test_what_cannot_be_is_said(call, line, said):
    result = call("eval", *line)
    assert result.status == 2
    assert said in result.err
