"""What the shell completes, asked as bash asks it."""

import json
import sys

import pytest

from gancli.cli import app


@pytest.fixture
def completed(monkeypatch, capsys, tmp_path):
    """Return what bash is offered for the last word of a command line."""
    monkeypatch.chdir(tmp_path)

    def completed(line: str) -> list[str]:
        words = line.split(" ")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("_GANCLI_COMPLETE", "complete_bash")
            patch.setenv("COMP_WORDS", "\n".join(words))
            patch.setenv("COMP_CWORD", str(len(words) - 1))
            with pytest.raises(SystemExit):
                app.run([])
        return capsys.readouterr().out.split()

    return completed


def test_models_of_the_modality(completed):
    assert completed("gancli sample image ") == ["fashion-mnist", "emoji"]
    assert completed("gancli sample text n") == ["names"]
    assert completed("gancli info ") == ["fashion-mnist", "emoji", "names", "digits"]
    assert completed("gancli export em") == ["emoji"]
    assert completed("gancli sample image xyzzy") == []  # so that the shell offers files


def test_runs_and_models_that_lie_here(completed, tmp_path):
    for name in ("runs/cats-1", "mine"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.toml").write_text("")
    (tmp_path / "copied").mkdir()
    (tmp_path / "copied" / "config.json").write_text("{}")
    (tmp_path / "photos").mkdir()
    assert completed("gancli sample text ") == ["names", "copied", "mine", "runs/cats-1"]
    assert completed("gancli info runs/") == ["runs/cats-1"]
    assert completed("gancli train image --resume ") == ["mine", "runs/cats-1"]


def test_classes_of_the_model(completed, tmp_path):
    assert "ankle-boot" in completed("gancli sample image fashion-mnist --class ")
    assert completed("gancli sample image --class sa") == ["sandal"]
    assert completed("gancli sample audio -n 3 --class ") == [str(digit) for digit in range(10)]
    assert completed("gancli sample image emoji --class ") == []
    assert completed("gancli sample image -n 3 emoji --guided 2 --class ") == []
    for name, text in (("run/config.toml", '[spec]\nclasses = ["left", "right"]\n'),
                       ("model/config.json", json.dumps({"spec": {"classes": ["up", "down"]}})),
                       ("broken/config.json", "{")):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(text)
    assert completed("gancli sample image run --class ") == ["left", "right"]
    assert completed("gancli sample image model --class d") == ["down"]
    assert completed("gancli sample image broken --class ") == []
    assert completed("gancli sample image none --class ") == []


def test_data_choices_and_modalities(completed):
    assert completed("gancli train text t") == ["tinyshakespeare"]
    assert completed("gancli train text ") == []
    assert completed("gancli train image --device c") == ["cpu", "cuda"]
    assert completed("gancli help options ") == ["audio", "image", "text"]


def test_it_imports_nothing_heavy(shell):
    done = shell(
        f'"{sys.executable}" -X importtime -m gancli 2>&1 | grep -cE "\\| +(torch|numpy|PIL)$"',
        _GANCLI_COMPLETE="complete_bash", COMP_WORDS="gancli\nsample\nimage\n--class\n",
        COMP_CWORD="4",
    )
    assert done.stdout == b"0\n"


def test_options_to_compare_and_their_values(completed, tmp_path):
    assert completed("gancli compare image --vary g-n") == ["g-norm="]
    assert completed("gancli compare text --vary g-c") == ["g-cell="]
    assert completed("gancli compare text --vary g-cell=") == [
        "g-cell=lstm", "g-cell=gru", "g-cell=rnn", "g-cell=transformer"
    ]
    assert completed("gancli compare text --vary g-cell=gru,") == [
        "g-cell=gru,lstm", "g-cell=gru,rnn", "g-cell=gru,transformer"
    ]
    assert completed("gancli compare image --vary mirror=") == ["mirror=on", "mirror=off"]
    for each in ("time=", "steps", "images", "seed", "save-every", "strict"):
        assert completed(f"gancli compare image --vary {each}") == []
    assert completed("gancli compare image --vary g-width=") == []
    assert completed("gancli compare image --vary xyzzy=") == []
    (tmp_path / "comparisons" / "norms").mkdir(parents=True)
    (tmp_path / "comparisons" / "norms" / "comparison.json").write_text("")
    assert completed("gancli compare image -o ") == ["comparisons/norms"]
    assert completed("gancli report ") == ["comparisons/norms"]
