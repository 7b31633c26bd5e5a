"""The documentation: its commands parse, its links lead somewhere, and the README stays short."""

import functools
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from gancli import modalities
from gancli.artifacts import evaluation
from gancli.cli import app
from gancli.config import options, resolve

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
ZOO = ROOT / "models"
CARDS = tuple(sorted(ZOO.glob("*/README.md")))
GUIDES = (README, ZOO / "README.md", ROOT / "samples/README.md", *CARDS)
PAGES = (*GUIDES, ROOT / "samples/generated/README.md", ROOT / "tests/benchmarks/RESULTS.md")
MAX_WORDS = 1200
COMMANDS = ("pip install . && gancli train image --time 2m", "pip install -e '.[dev]' && pytest")

FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n.*?^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SCRIPT = re.compile(r"tests/[\w/]+\.py")


def code(text: str) -> Iterator[str]:
    """Yield the lines of blocks of shell, then the code within sentences."""
    for block in FENCE.findall(PYTHON.sub("", text)):
        yield from block.replace("\\\n", " ").splitlines()
    yield from INLINE.findall(FENCE.sub("", text))


def calls(line: str) -> Iterator[list[str]]:
    """Yield the words after each ``gancli`` in a line of shell."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    call: list[str] | None = None
    for word in [*words, ";"]:
        if set(word) <= set("();<>|&"):
            if call is not None:
                yield call
            call = None
        elif call is not None:
            call.append(word)
        elif word == "gancli":
            call = []


@functools.cache
def program() -> Any:
    return typer.main.get_command(app.build())


def parse(words: list[str]) -> None:
    """Parse a command line as the program would, and check the values of declared options."""
    words = [word for word in words if word != "..."]
    if words[:1] == ["help"] and words[1:2] != ["options"]:
        words = words[1:]  # gancli help COMMAND
    command, path = program(), []
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        path.append(words[0])
        command = command.resolve_command(typer.Context(command), [words[0]])[1]
        words = words[1:]
    context = command.make_context(" ".join(path) or "gancli", list(words))
    if path == ["help", "options"]:
        modalities.get(words[0])
    if len(path) == 2 and path[0] in ("train", "sample"):
        modality = modalities.get(path[1])
        config = modality.config_type if path[0] == "train" else modality.options_type
        names = {option.name for option in options(config)}
        resolve(config, command_line={k: v for k, v in context.params.items() if k in names})


def flags(command: Any) -> set[str]:
    """Return every flag of a command and of all below it."""
    own = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    return own.union(*map(flags, getattr(command, "commands", {}).values()))


def wrong_commands(text: str) -> Iterator[str]:
    """Yield the command lines and flags that the program does not know."""
    known = flags(program())
    for line in code(text):
        if line.startswith("--") and line.split()[0] not in known:
            yield line
        for words in calls(line) if "gancli " in line else ():
            try:
                parse(words)
            except Exception as error:  # whatever a parser raises, the line is what counts
                yield f"gancli {shlex.join(words)}: {error}"


def dead_links(text: str, folder: Path) -> Iterator[str]:
    """Yield links to files, and names of scripts, that lead nowhere."""
    for target in LINK.findall(text):
        if "://" not in target and not (folder / target.partition("#")[0]).exists():
            yield target
    yield from (name for name in SCRIPT.findall(text) if not (ROOT / name).exists())


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_commands_exist(page: Path) -> None:
    assert list(wrong_commands(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_and_pictures_exist(page: Path) -> None:
    assert list(dead_links(page.read_text(encoding="utf-8"), page.parent)) == []


def test_readme_is_short_and_names_the_two_commands() -> None:
    text = README.read_text(encoding="utf-8")
    # What is read: code is copied, and the lines of tables are no words.
    words = [word for word in FENCE.sub("", text).split() if any(map(str.isalnum, word))]
    assert len(words) <= MAX_WORDS
    blocks = [block.strip() for block in FENCE.findall(text)]
    assert all(command in blocks for command in COMMANDS)


def test_readme_shows_the_tree_as_it_is() -> None:
    (tree,) = [block for block in FENCE.findall(README.read_text(encoding="utf-8"))
               if block.startswith("gancli/\n")]
    shown = set(re.findall(r"^  (\w+)/", tree, re.MULTILINE))
    assert shown == {path.parent.name for path in (ROOT / "gancli").glob("*/__init__.py")}


def test_the_checker_sees_commands() -> None:
    text = README.read_text(encoding="utf-8")
    found = [words for line in code(text) for words in calls(line)]
    assert ["train", "image", "--time", "2m"] in found and len(found) > 15
    assert [*calls("a && gancli models --json | jq -r '.[]' # x")] == [["models", "--json"]]


@pytest.mark.parametrize(
    ("planted", "problem"),
    [
        ("gancli train image --tme 2m", "--tme"),
        ("pip install . && gancli sample imgae -n 4", "imgae"),
        ("gancli smaple text | head", "smaple"),
        ("gancli train image --preset dcgna", "dcgna"),
        ("gancli train text --cell gru", "--cell"),
        ("gancli sample text -n many", "many"),
        ("gancli help options imgae", "imgae"),
    ],
)
def test_a_planted_wrong_command_is_caught(planted: str, problem: str) -> None:
    for text in (f"Text.\n\n```\ngancli models\n{planted}\n```\n", f"Type `{planted}`."):
        (found,) = wrong_commands(text)
        assert problem in found


def test_a_planted_flag_and_a_planted_link_are_caught() -> None:
    assert list(wrong_commands("`--batch 3`, `--no-trim`, `--bacth 3`")) == ["--bacth 3"]
    text = "[a](LICENSE) ![b](samples/none.png) [c](https://example.org) tests/benchmarks/none.py"
    assert list(dead_links(text, ROOT)) == ["samples/none.png", "tests/benchmarks/none.py"]


def test_the_page_of_the_models_is_made_from_them(tmp_path: Path) -> None:
    from benchmarks import models_readme

    text = (ZOO / "README.md").read_text(encoding="utf-8")
    assert models_readme.page(ZOO) == text, "run tests/benchmarks/index_bundled.py"
    # The figures are the model's, so that a page of another model says others.
    shutil.copytree(ZOO, tmp_path / "models")
    name = next(iter(json.loads((ZOO / "index.json").read_text(encoding="utf-8"))))
    path = tmp_path / "models" / name / "config.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    table["metrics"] |= {"score": 98.7654, "steps": 1234567, "seconds": 7.0}
    table["provenance"]["command"] = "gancli train image other --steps 7"
    path.write_text(json.dumps(table), encoding="utf-8")
    other = models_readme.page(tmp_path / "models")
    assert f"| [{name}](#{name}) | 7 s |" in other
    for said in ("| 1,234,567 |", "| 98.8 |", "\ngancli train image other --steps 7\n"):
        assert said in other and said not in text


@pytest.mark.parametrize("card", CARDS, ids=name)
def test_the_figures_of_a_bundled_model_are_of_its_weights_and_shown(
    card: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Fails for other weights until gancli eval models/NAME --save and index_bundled.py ran."""
    measured = evaluation.read(card.parent)
    assert measured is not None
    page = (ZOO / "README.md").read_text(encoding="utf-8")
    for figure in measured.figures:
        assert f"| {figure.name} | {evaluation.short(figure.value)} |" in card.read_text()
        assert f" | {evaluation.short(figure.floor)} | {figure.about} |\n" in page
    assert app.run(["models", "--json"]) == 0
    listed = json.loads(capfd.readouterr().out)["models"]
    (entry,) = (each for each in listed if each["name"] == card.parent.name)
    assert entry["evaluation"]["figures"][0]["floor"] == measured.figures[0].floor


@pytest.mark.parametrize("card", CARDS, ids=name)
def test_a_card_says_what_its_model_does(card: Path) -> None:
    table = json.loads(card.with_name("config.json").read_text(encoding="utf-8"))
    text = card.read_text(encoding="utf-8")
    assert table["provenance"]["command"] in text
    for figure, value in table["metrics"].items():
        assert f"| {figure} | {value} |" in text
