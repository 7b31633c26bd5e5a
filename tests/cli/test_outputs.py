"""What -o names: refused before any work if it cannot be, with one status in all commands."""

import sys
import types

import pytest

from gancli.artifacts import onnx

# What is wrong with -o is found before what is wrong with the rest: these models and data are not
# there.
_COMMANDS = {
    "sample": ("sample", "text"), "eval": ("eval", "names", "lost"), "export": ("export", "lost"),
    "report": ("report", "."), "compare": ("compare", "text", "--vary", "g-cell=gru,lstm"),
}


@pytest.fixture
def refused(call, tmp_path):
    """Return what a command says of an -o that it refuses."""
    (tmp_path / "config.toml").touch()  # a run, as far as report looks at first

    def refused(command, output, status):
        (tmp_path / "folder").mkdir(exist_ok=True)
        for name in ("old.txt", "old.html", "old.onnx"):
            (tmp_path / name).write_text("mine")
        before = sorted(tmp_path.rglob("*"))
        result = call(*_COMMANDS[command], "-o", output)
        assert (result.status, result.out) == (status, "")
        assert sorted(tmp_path.rglob("*")) == before
        return result.err.splitlines()[-1]

    return refused


@pytest.mark.parametrize(("command", "name"), [
    ("sample", "old.txt"), ("eval", "old.html"), ("export", "old.onnx"), ("report", "old.html"),
])
def test_a_file_that_is_there(refused, command, name):
    said = f"gancli: {name} already exists. Overwrite it with --force, or choose another -o."
    assert refused(command, name, 2) == said


@pytest.mark.parametrize(("command", "name", "words"), [
    ("sample", "a.json", "texts cannot be written as .json. Choose one of: .txt, .text, .jsonl,"),
    ("eval", "a.xyz", "-o a.xyz does not end with .html or .txt. Name a file such as a.html."),
    ("export", "a.pt", "-o a.pt does not end with .onnx. Name a file such as a.onnx."),
    ("report", "a.pdf", "-o a.pdf does not end with .html or .htm. Name a file such as a.html."),
])
def test_a_suffix_of_something_else(refused, command, name, words):
    assert words in refused(command, name, 2)


@pytest.mark.parametrize(("command", "name"), [
    ("sample", "a.txt"), ("eval", "a.html"), ("export", "a.onnx"), ("report", "a.html"),
    ("compare", "a"),
])
def test_a_place_that_cannot_be_written_to(refused, command, name):
    said = refused(command, f"old.txt/new/{name}", 1)
    assert said.startswith(f"gancli: Cannot write old.txt/new/{name}: Not a directory. Use -o to")


def test_a_directory_where_a_file_is_meant(refused):
    assert "folder is a directory. Name a file in it" in refused("eval", "folder", 2)


@pytest.mark.parametrize(("command", "words"), [
    ("eval", "The figures go to standard output without -o. Name a file such as nearest.html"),
    ("compare", "-o - is standard output, which holds no directory. Name a directory, such as"),
])
def test_standard_output_where_it_is_of_no_use(refused, command, words):
    assert words in refused(command, "-", 2)


def test_an_onnx_file_goes_to_standard_output(call, monkeypatch, tmp_path):
    graph = types.SimpleNamespace(input_names=["z"], output_names=["items"])
    monkeypatch.setattr(onnx, "export_onnx", lambda model: (graph, b"ONNX"))
    result = call("export", "names", "-o", "-")
    assert (result.status, result.out) == (0, "ONNX")
    assert result.err.startswith("Wrote standard output: z to items.")
    result = call("export", "names", "-o", "-", "--json")
    assert result.out == "ONNX"
    assert result.err == '{"file": "-", "inputs": ["z"], "outputs": ["items"]}\n'
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    result = call("export", "names", "-o", "-")
    assert (result.status, result.out) == (2, "") and "-o FILE, or redirect it" in result.err
