"""Tables of every kind, as programs write them."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from helpers import Recorder

from gancli.data.source import open_source
from gancli.errors import UsageError
from gancli.modalities.text.columns import choose_columns
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.corpus import Batch, Tally, read
from gancli.modalities.text.dataset import load
from gancli.modalities.text.inspect import ChosenLayout, inspect
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tables import is_heading

COUNT = 24
TEXTS = [f'No. {index}, she said "so; be\tit | then",\n\nand left' for index in range(COUNT)]
LABELS = [("good", "bad")[index % 2] for index in range(COUNT)]
# Each way to write the same table: name of the file, what csv.writer is told, encoding, start.
WAYS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "commas": ("x.csv", {}, "utf-8", ""),
    "commas, all quoted": ("x.csv", {"quoting": csv.QUOTE_ALL}, "utf-8", ""),
    "semicolons with a mark": ("x.csv", {"delimiter": ";"}, "utf-8-sig", ""),
    "semicolons announced": ("x.csv", {"delimiter": ";"}, "utf-8", "sep=;\r\n"),
    "colons announced": ("x.csv", {"delimiter": ":"}, "utf-8", "sep=:\r\n"),
    "tabs": ("x.tsv", {"delimiter": "\t"}, "utf-8", ""),
    "tabs in a .csv": ("x.csv", {"delimiter": "\t"}, "utf-16", ""),
    "tabs as text": ("x.txt", {"delimiter": "\t"}, "utf-16-le", ""),
    "bars": ("x.psv", {"delimiter": "|"}, "utf-8", ""),
    "backslashes": ("x.csv", {"doublequote": False, "escapechar": "\\"}, "utf-8", ""),
    "old Macs": ("x.csv", {"lineterminator": "\r"}, "utf-8", ""),
    "commas as text": ("x.txt", {}, "utf-8", ""),
    "no suffix": ("table", {"delimiter": ";"}, "utf-8", ""),
}


def write(tmp_path: Path, way: str, heading: tuple[str, ...] = ("id", "mood", "review")) -> Path:
    name, options, encoding, start = WAYS[way]
    out = io.StringIO()
    writer = csv.writer(out, **options)
    rows = [[index, label, text] for index, (label, text) in
            enumerate(zip(LABELS, TEXTS, strict=True))]
    writer.writerows([heading, *rows] if heading else rows)
    (tmp_path / name).write_bytes((start + out.getvalue()).encode(encoding))
    return tmp_path / name


def inspect_and_read(path: Path, **values: Any) -> tuple[TextSpec, list[str], list[Batch]]:
    source, config = open_source(str(path)), TextConfig(**values)
    spec, sentences = inspect(source, config)
    return spec, sentences, list(read(source, spec, config, Tally()))


@pytest.mark.parametrize("way", WAYS)
def test_a_cell_of_several_lines_is_one_sample(tmp_path: Path, way: str) -> None:
    path = write(tmp_path, way)
    spec, sentences, batches = inspect_and_read(path)
    assert [text for batch in batches for text in batch.texts] == TEXTS
    assert [label for batch in batches for label in batch.labels] == LABELS
    assert (spec.text_column, spec.label_column, spec.count) == (3, 2, COUNT)
    assert (spec.classes, spec.class_counts) == (("bad", "good"), (12, 12))
    (table,) = [sentence for sentence in sentences if sentence.startswith("Table")]
    assert "column 3 (review) is the text, column 2 (mood) the class" in table
    assert "--text-column" in table and "--separator" in table
    dataset = load(open_source(str(path)), spec, TextConfig(), Recorder())
    assert dataset.labels is not None and dataset.labels.tolist() == [1, 0] * 12


@pytest.mark.parametrize("way", ["commas", "semicolons with a mark", "tabs", "backslashes"])
def test_tables_without_names_of_columns(tmp_path: Path, way: str) -> None:
    spec, sentences, batches = inspect_and_read(write(tmp_path, way, ()))
    assert [text for batch in batches for text in batch.texts] == TEXTS and spec.count == COUNT
    assert any("no row names the columns" in sentence for sentence in sentences)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_blocks_may_split_any_cell(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "commas, all quoted")
    monkeypatch.setattr("gancli.modalities.text.decode._BLOCK_BYTES", size)
    assert [text for batch in inspect_and_read(path)[2] for text in batch.texts] == TEXTS


def test_remarks_above_a_table(tmp_path: Path) -> None:
    rows = "".join(f'{label},"{index}, so"\n' for index, label in enumerate(LABELS))
    (tmp_path / "x.csv").write_text("# exported\nMoods\n\nmood,review\n" + rows)
    spec, _, batches = inspect_and_read(tmp_path / "x.csv")
    assert [text for batch in batches for text in batch.texts] == [
        f"{index}, so" for index in range(COUNT)]
    assert spec.classes == ("bad", "good")


def test_one_column(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    for data, texts in (
        ('name\n"Doe, Jane"\n"Roe, Jo"\n', ["Doe, Jane", "Roe, Jo"]),
        ('"Doe, Jane"\n"Roe, Jo"\n', ["Doe, Jane", "Roe, Jo"]),
        ("text\nwell, well, well\nno\nyes, sir\n", ["well, well, well", "no", "yes, sir"]),
    ):
        path.write_text(data)
        _, sentences, batches = inspect_and_read(path)
        assert [text for batch in batches for text in batch.texts] == texts
        assert any(sentence.startswith("Table: one column;") for sentence in sentences)


def test_quotes_that_quote_nothing(tmp_path: Path) -> None:
    rows = [f'{index}\t" begins with a quote {index}' for index in range(9)]
    (tmp_path / "x.tsv").write_text("\n".join(rows))
    batches = inspect_and_read(tmp_path / "x.tsv")[2]
    assert batches[0].texts == [f'" begins with a quote {index}' for index in range(9)]
    # An error in one row costs no more than this row.
    good = [f'good,"text, {index}"' for index in range(30)]
    (tmp_path / "y.csv").write_text("\n".join([*good, 'bad,"no "end" here"', "", *good, "short"]))
    tally = Tally()
    layout = ChosenLayout("lines", text_column=2, label_column=1)
    (batch,) = read(open_source(str(tmp_path / "y.csv")), layout, TextConfig(), tally)
    assert len(batch.texts) == 61 and batch.texts[-1] == "text, 29"
    assert (tally.rows, tally.bad_rows, tally.empty) == (62, 1, 1)
    assert tally.first_row == "'y.csv', row 63"


def test_a_giant_cell_is_refused_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gancli.modalities.text.tables.MAX_CHARACTERS", 1000)
    monkeypatch.setattr("gancli.modalities.text.formats.HEAD", 150)
    rows = ["a,b", *['x,"fine"'] * 9, 'x,"' + "line\n" * 400 + '"', *['y,"good"'] * 9]
    (tmp_path / "x.csv").write_text("\n".join(rows))
    tally = Tally()
    layout = ChosenLayout("lines", text_column=2)
    batches = list(read(open_source(str(tmp_path / "x.csv")), layout, TextConfig(), tally))
    assert [text for batch in batches for text in batch.texts].count("good") == 8
    assert tally.bad_rows > 0


def test_prose_is_no_table(tmp_path: Path) -> None:
    prose = ["Come, let us go.", "No, not yet.", "Why, what is it?", "Well, I wonder."] * 9
    (tmp_path / "x.txt").write_text("\n".join(prose))
    spec, sentences, batches = inspect_and_read(tmp_path / "x.txt")
    assert [text for batch in batches for text in batch.texts] == prose
    assert sentences[0] == "Text: 36 lines." and spec.text_column == 0


def test_lines_of_a_table_on_request(tmp_path: Path) -> None:
    rows = [f"ham\tmessage {index}" for index in range(20)]
    (tmp_path / "x.txt").write_text("\n".join(rows))
    assert inspect_and_read(tmp_path / "x.txt")[2][0].texts[3] == "message 3"
    batches = inspect_and_read(tmp_path / "x.txt", separator="\\n")[2]
    assert [text for batch in batches for text in batch.texts] == rows
    (tmp_path / "y.csv").write_text("\n".join(f"a{index}~b{index}b" for index in range(20)))
    assert inspect_and_read(tmp_path / "y.csv", separator="~")[2][0].texts[3] == "b3b"


def test_columns_by_name_and_number() -> None:
    rows = [[str(index), "spam" if index % 2 else "ham", f"text number {index}", "x"]
            for index in range(20)]
    names = ("Id", "Label", "Text", "Été")
    assert choose_columns(rows, (), None, None) == choose_columns(rows, names, "text", "LABEL")
    columns = choose_columns(rows, names, None, None)
    assert (columns.text, columns.label) == (3, 2)
    assert choose_columns(rows, names, "e\u0301te\u0301", None).text == 4
    assert choose_columns(rows, (), "2", None).text == 2
    assert choose_columns(rows, (), None, None, labeled=False).label == 0
    assert choose_columns(rows[:2], (), None, None).label == 0
    assert choose_columns([["just text"], ["and more"]], (), None, None).text == 1
    # A long column that is named otherwise is not preferred to one that is named like text.
    long = [[f"https://example.org/{index}", f"words {index}"] for index in range(9)]
    assert choose_columns(long, ("url", "tweet"), None, None).text == 2
    for text, label in (("5", None), (None, "9"), ("2", "2"), ("0", None), ("nothing", None)):
        with pytest.raises(UsageError) as caught:
            choose_columns(rows, names, text, label)
        assert "column" in caught.value.hint or "(Label)" in caught.value.hint


def test_headings() -> None:
    labels = [["ham", "see you"], ["spam", "you have won"]] * 9
    assert is_heading(["Label", "Text"], []) and is_heading(["tweetId", "x"], [])
    assert is_heading(["v1", "v2", "", ""], [[*row, "", ""] for row in labels])
    assert is_heading(["Stimmung", "Worte"], labels)
    assert is_heading(["Nr.", "x"], [["1", "ab"], ["2", "cd"]])
    assert not is_heading(["1", "text"], [])
    assert not is_heading(["ham", "see you"], labels)
    assert not is_heading(["Anna"], [["Bob"], ["Chris"]])
    assert not is_heading(["Hello, my dear friend, how are you?", "Well."], [])
